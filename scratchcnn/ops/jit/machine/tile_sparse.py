"""Steps of register tiles (``tile.py``) for gradients that are mostly zero.

A gradient after a pool belongs to one of the pool's pixels (``tile_fma_where``), after a ReLU it counts where that
has passed something (``tile_fma_passed``). Or those that are not zero are looked for first (``convolution/masks.py``),
and each is a scale, by which something is multiplied and added (``tile_add_scaled``, ``tile_add_scaled_part``,
``tile_scatter_scaled``).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import (
    I8,
    I64,
    add_outer_product,
    broadcast,
    bytes_of,
    element,
    extents,
    multiply_add,
    row_addresses,
    vector_at,
    vector_type,
)


@intrinsic
def tile_fma_where(typing, shape, acc, a, a_offset, a_outer, a_inner, b, b_offset, index, index_offset, wanted):
    """Like ``tile_fma``, with the entries of b that have index[index_offset + ...] != wanted counted as zero."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, b_start, index_array, index_start, wanted_value = arguments
        b_first = element(context, builder, b, b_array, b_start)
        index_first = element(context, builder, index, index_array, index_start)
        zero = ir.Constant(vector_type(context, b.dtype, lanes), None)
        chosen = broadcast(builder, builder.trunc(wanted_value, I8), lanes)
        right = []
        for v in range(vectors):
            value = builder.load(vector_at(context, builder, b_first, v, b.dtype, lanes), align=bytes_of(b.dtype))
            place = builder.load(vector_at(context, builder, index_first, v, index.dtype, lanes), align=1)
            right.append(builder.select(builder.icmp_unsigned("==", place, chosen), value, zero))
        left = row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return add_outer_product(context, builder, signature, tile, left, right)

    integer = types.int64
    arguments = (shape, acc, a, integer, integer, integer, b, integer, index, integer, integer)
    return acc(*arguments), codegen


@intrinsic
def tile_fma_passed(typing, shape, acc, a, a_offset, a_outer, a_inner, b, y, b_offset):
    """Like ``tile_fma``, with the entries of b counted as zero where those of y, at the same places, are not > 0."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, y_array, start = arguments
        b_first, y_first = element(context, builder, b, b_array, start), element(context, builder, y, y_array, start)
        zero = ir.Constant(vector_type(context, b.dtype, lanes), None)
        right = []
        for v in range(vectors):
            value, output = (
                builder.load(vector_at(context, builder, first, v, b.dtype, lanes), align=bytes_of(b.dtype))
                for first in (b_first, y_first)
            )
            right.append(builder.select(builder.fcmp_ordered(">", output, zero), value, zero))
        left = row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return add_outer_product(context, builder, signature, tile, left, right)

    return acc(shape, acc, a, types.int64, types.int64, types.int64, b, y, types.int64), codegen


@intrinsic
def tile_add_scaled(typing, shape, acc, scales, position, b, offset, outer, inner):
    """Add a multiple of a tile in memory: acc[i, j] += scales[position] * b[offset + i*outer + j*inner : + ...]."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, scale_array, scale_position, b_array, *start = arguments
        scale = broadcast(builder, builder.load(element(context, builder, scales, scale_array, scale_position)), lanes)
        values = iter(cgutils.unpack_tuple(builder, tile))
        result = []
        for row in row_addresses(context, builder, shape, b, b_array, *start):
            for v in range(vectors):
                vector = builder.load(vector_at(context, builder, row, v, b.dtype, lanes), align=bytes_of(b.dtype))
                result.append(multiply_add(builder, scale, vector, next(values)))
        return context.make_tuple(builder, signature.return_type, result)

    position_types = (types.int64, types.int64, types.int64)
    return acc(shape, acc, scales, types.int64, b, *position_types), codegen


@intrinsic
def tile_scatter_scaled(typing, shape, tile, scales, position, a, offset, outer, inner):
    """Add a multiple of the tile to memory: a[offset + i*outer + j*inner : + ...] += scales[position] * tile[i, j]."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile_value, scale_array, scale_position, array, *start = arguments
        scale = broadcast(builder, builder.load(element(context, builder, scales, scale_array, scale_position)), lanes)
        values = iter(cgutils.unpack_tuple(builder, tile_value))
        for row in row_addresses(context, builder, shape, a, array, *start):
            for v in range(vectors):
                address = vector_at(context, builder, row, v, a.dtype, lanes)
                before = builder.load(address, align=bytes_of(a.dtype))
                builder.store(multiply_add(builder, scale, next(values), before), address, align=bytes_of(a.dtype))
        return context.get_dummy_value()

    arguments = (shape, tile, scales, types.int64, a, types.int64, types.int64, types.int64)
    return types.void(*arguments), codegen


@intrinsic
def tile_add_scaled_part(typing, shape, place, acc, scales, position, b, offset, outer, inner):
    """Like ``tile_add_scaled``, to a part of the tile: all but the last row and column, or but the first.

    ``place`` (i, j, 1, 1) says where the part begins: i - 1 rows and j - 1 columns from the tile's own beginning.
    """
    rows_outer, rows_inner, vectors, lanes = extents(shape)
    first_outer, first_inner, _, _ = extents(place)

    def codegen(context, builder, signature, arguments):
        _, _, tile, scale_array, scale_position, b_array, start, outer_stride, inner_stride = arguments
        scale = broadcast(builder, builder.load(element(context, builder, scales, scale_array, scale_position)), lanes)
        first = element(context, builder, b, b_array, start)
        values = cgutils.unpack_tuple(builder, tile)
        for i in range(rows_outer - 1):
            for j in range(rows_inner - 1):
                distance = builder.add(builder.mul(outer_stride, I64(i)), builder.mul(inner_stride, I64(j)))
                row = builder.gep(first, [distance])
                for v in range(vectors):
                    number = ((i + first_outer - 1) * rows_inner + j + first_inner - 1) * vectors + v
                    vector = builder.load(vector_at(context, builder, row, v, b.dtype, lanes), align=bytes_of(b.dtype))
                    values[number] = multiply_add(builder, scale, vector, values[number])
        return context.make_tuple(builder, signature.return_type, values)

    integer = types.int64
    return acc(shape, place, acc, scales, integer, b, integer, integer, integer), codegen
