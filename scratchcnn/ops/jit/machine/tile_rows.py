"""Rows of register tiles (``tile.py``) of which some numbers count as zero, and the multiples of a tile.

A row is what ``tile_fma_row`` multiplies a column of scalars with: a tile of one row. A gradient after a pool belongs
to one of the pool's pixels (``row_where``), after a ReLU it counts where that has passed something
(``row_where_positive``), and beyond the last filter there is nothing (``row_edge``). Where the gradients that are not
zero are looked for first (``convolution/masks.py``), each is a scale, by which a tile is multiplied and added
(``tile_axpy``, in the words of BLAS).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import (
    I8,
    I64,
    Vector,
    broadcast,
    bytes_of,
    element,
    extents,
    load_row,
    masked_load,
    multiply_add,
    vector_at,
)


@intrinsic
def row_edge(typing, shape, b, offset, inside):
    """Return the row b[offset : + vectors*lanes], zero from number ``inside`` on, where memory is not touched."""
    _, _, vectors, lanes = extents(shape)
    row = types.UniTuple(Vector(b.dtype, lanes), vectors)

    def codegen(context, builder, signature, arguments):
        _, array, start, end = arguments
        first, ends, values = element(context, builder, b, array, start), broadcast(builder, end, lanes), []
        for v in range(vectors):
            places = ir.Constant(ir.VectorType(I64, lanes), [v * lanes + i for i in range(lanes)])
            mask = builder.icmp_signed("<", places, ends)
            values.append(masked_load(context, builder, vector_at(context, builder, first, v, b.dtype, lanes), mask, b))
        return context.make_tuple(builder, row, values)

    return row(shape, b, types.int64, types.int64), codegen


@intrinsic
def row_where(typing, shape, row, index, offset, wanted):
    """Return a row with those numbers made zero that have index[offset + ...] != wanted."""
    _, _, _, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, values, array, start, number = arguments
        first = element(context, builder, index, array, start)
        chosen, result = broadcast(builder, builder.trunc(number, I8), lanes), []
        for v, value in enumerate(cgutils.unpack_tuple(builder, values)):
            place = builder.load(vector_at(context, builder, first, v, index.dtype, lanes), align=1)
            zero = ir.Constant(value.type, None)
            result.append(builder.select(builder.icmp_unsigned("==", place, chosen), value, zero))
        return context.make_tuple(builder, row, result)

    return row(shape, row, index, types.int64, types.int64), codegen


@intrinsic
def row_where_positive(typing, shape, row, y, offset):
    """Return a row with those numbers made zero that have y[offset + ...] not > 0."""
    _, _, _, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, values, array, start = arguments
        first, result = element(context, builder, y, array, start), []
        for v, value in enumerate(cgutils.unpack_tuple(builder, values)):
            output = builder.load(vector_at(context, builder, first, v, y.dtype, lanes), align=bytes_of(y.dtype))
            zero = ir.Constant(value.type, None)
            result.append(builder.select(builder.fcmp_ordered(">", output, zero), value, zero))
        return context.make_tuple(builder, row, result)

    return row(shape, row, y, types.int64), codegen


@intrinsic
def tile_axpy(typing, shape, place, acc, scales, position, b, offset, outer, inner):
    """Return acc, to a part of which scales[position] * the part's rows at b[offset] is added.

    ``place`` (i, j, rows_outer, rows_inner) says which: where it begins, counted from 1, and its extents. The rows are
    operands in memory, and need no register.
    """
    _, rows_inner, vectors, lanes = extents(shape)
    first_outer, first_inner, part_outer, part_inner = extents(place)

    def codegen(context, builder, signature, arguments):
        _, _, tile, scale_array, scale_position, b_array, start, outer_stride, inner_stride = arguments
        scale = broadcast(builder, builder.load(element(context, builder, scales, scale_array, scale_position)), lanes)
        first = element(context, builder, b, b_array, start)
        values = cgutils.unpack_tuple(builder, tile)
        for i in range(part_outer):
            for j in range(part_inner):
                distance = builder.add(builder.mul(outer_stride, I64(i)), builder.mul(inner_stride, I64(j)))
                row = load_row(context, builder, builder.gep(first, [distance]), vectors, b.dtype, lanes)
                first_of_row = ((i + first_outer - 1) * rows_inner + j + first_inner - 1) * vectors
                for number, vector in enumerate(row, first_of_row):
                    values[number] = multiply_add(builder, scale, vector, values[number])
        return context.make_tuple(builder, signature.return_type, values)

    integer = types.int64
    return acc(shape, place, acc, scales, integer, b, integer, integer, integer), codegen
