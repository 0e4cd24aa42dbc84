"""Register tiles: small matrices of SIMD vectors that stay in the CPU's registers while a kernel works on them.

A multiplication needs its operands in registers, and a CPU has few: 32 of 64 bytes with AVX-512, 16 of 32 bytes with
AVX2, 32 of 16 bytes with NEON. A convolution written as plain loops keeps its running sums in memory and spends its
time moving them. Here the sums are a *tile*, ``rows x vectors`` SIMD vectors of ``lanes`` numbers each, and one step,
``tile_fma``, multiplies a column of ``rows`` scalars with a row of ``vectors * lanes`` numbers and adds the product to
the whole tile:

    for k in range(K):
        acc = tile_fma(shape, acc, a, ..k.., b, ..k..)      acc[r, v] += a[r, k] * b[k, v]

``rows + vectors`` loads for ``rows * vectors`` multiplications. That is how the matrix engines of newer hardware work
(Intel AMX, Arm SME, the tensor cores of a GPU), and how every fast BLAS works: Goto & van de Geijn, "Anatomy of
high-performance matrix multiplication", ACM TOMS 34(3), 2008.

How it is made: numba lets Python code write LLVM instructions (an *intrinsic*). A tile is a tuple of LLVM vectors; LLVM
keeps tuples in registers as long as they fit. Everything that fixes the instructions, the tile's shape, travels in the
*type* of the ``shape`` argument, so that a function is compiled once for each shape. Offsets and strides count
elements, not bytes. A tile's rows have two levels, ``rows_outer x rows_inner``, row ``(i, j)`` lying
``i * outer + j * inner`` elements after the first: two lines of an image and some pixels of each, for example.

The ``tile*.py``, with ``llvm.py`` after them, are where the library speaks LLVM. The kernels read without it: each
function says what it computes.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import (
    Vector,
    add_outer_product,
    bytes_of,
    element,
    extents,
    load_row,
    row_addresses,
    rows_of,
    vector_at,
    vector_type,
)


@intrinsic(prefer_literal=True)
def tile_shape(typing, rows_outer, rows_inner, vectors, lanes):
    """Return the shape of a tile: four empty values whose *types* hold the four numbers (lengths of tuples)."""
    extents = (rows_outer, rows_inner, vectors, lanes)
    shape = types.Tuple([types.UniTuple(types.int8, extent.literal_value) for extent in extents])

    def codegen(context, builder, signature, arguments):
        return context.get_constant_null(shape)

    return shape(*extents), codegen


@intrinsic
def tile_zeros(typing, shape, like):
    """Return a tile of zeros, of the dtype of the array ``like``."""
    outer, inner, vectors, lanes = extents(shape)
    tile = types.UniTuple(Vector(like.dtype, lanes), outer * inner * vectors)

    def codegen(context, builder, signature, arguments):
        zero = ir.Constant(vector_type(context, like.dtype, lanes), None)
        return context.make_tuple(builder, tile, [zero] * tile.count)

    return tile(shape, like), codegen


@intrinsic
def tile_load(typing, shape, a, offset, outer, inner):
    """Return the tile whose row (i, j) is a[offset + i*outer + j*inner : + vectors*lanes]."""
    _, _, vectors, lanes = extents(shape)
    tile = types.UniTuple(Vector(a.dtype, lanes), rows_of(shape) * vectors)

    def codegen(context, builder, signature, arguments):
        values = []
        for row in row_addresses(context, builder, shape, a, *arguments[1:]):
            values += load_row(context, builder, row, vectors, a.dtype, lanes)
        return context.make_tuple(builder, tile, values)

    return tile(shape, a, types.int64, types.int64, types.int64), codegen


@intrinsic
def tile_store(typing, shape, acc, a, offset, outer, inner):
    """Write row (i, j) of the tile to a[offset + i*outer + j*inner : + vectors*lanes]."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, array, *position = arguments
        values = iter(cgutils.unpack_tuple(builder, tile))
        for row in row_addresses(context, builder, shape, a, array, *position):
            for v in range(vectors):
                place = vector_at(context, builder, row, v, a.dtype, lanes)
                builder.store(next(values), place, align=bytes_of(a.dtype))
        return context.get_dummy_value()

    return types.void(shape, acc, a, types.int64, types.int64, types.int64), codegen


@intrinsic
def tile_fma(typing, shape, acc, a, a_offset, a_outer, a_inner, b, b_offset):
    """Add an outer product: acc[i, j, v] += a[a_offset + i*a_outer + j*a_inner] * b[b_offset + v*lanes : + lanes]."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, b_start = arguments
        start = element(context, builder, b, b_array, b_start)
        right = load_row(context, builder, start, vectors, b.dtype, lanes)
        left = row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return add_outer_product(context, builder, signature, tile, left, right)

    return acc(shape, acc, a, types.int64, types.int64, types.int64, b, types.int64), codegen


@intrinsic
def tile_fma_row(typing, shape, acc, a, a_offset, a_outer, a_inner, row):
    """Like ``tile_fma``, with a row that is loaded: acc[i, j, v] += a[a_offset + i*a_outer + j*a_inner] * row[v]."""

    def codegen(context, builder, signature, arguments):
        _, tile, array, start, outer, inner, values = arguments
        left = row_addresses(context, builder, shape, a, array, start, outer, inner)
        return add_outer_product(context, builder, signature, tile, left, cgutils.unpack_tuple(builder, values))

    return acc(shape, acc, a, types.int64, types.int64, types.int64, row), codegen


@intrinsic
def tile_add(typing, a, b):
    """Return the sum of two tiles."""

    def codegen(context, builder, signature, arguments):
        pairs = zip(*(cgutils.unpack_tuple(builder, tile) for tile in arguments), strict=True)
        return context.make_tuple(builder, signature.return_type, [builder.fadd(*pair) for pair in pairs])

    return a(a, b), codegen


@intrinsic
def tile_relu(typing, shape, acc):
    """Return the tile with its negative numbers made zero; a NaN stays one."""

    def codegen(context, builder, signature, arguments):
        values = cgutils.unpack_tuple(builder, arguments[1])
        zero = ir.Constant(values[0].type, None)
        result = [builder.select(builder.fcmp_ordered("<=", value, zero), zero, value) for value in values]
        return context.make_tuple(builder, signature.return_type, result)

    return acc(shape, acc), codegen


@intrinsic
def at(typing, a, position):
    """Return a[position], which must not be negative: numba would ask whether it counts from the end."""

    def codegen(context, builder, signature, arguments):
        return builder.load(element(context, builder, a, *arguments))

    return a.dtype(a, types.int64), codegen


@intrinsic
def copy_run(typing, source, source_offset, destination, destination_offset, count):
    """Copy ``count`` neighbouring elements from one array to another (C's memcpy)."""

    def codegen(context, builder, signature, arguments):
        source_array, source_start, destination_array, destination_start, number = arguments
        cgutils.raw_memcpy(
            builder,
            element(context, builder, destination, destination_array, destination_start),
            element(context, builder, source, source_array, source_start),
            number,
            bytes_of(source.dtype),
        )
        return context.get_dummy_value()

    return types.void(source, types.int64, destination, types.int64, types.int64), codegen
