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

This is the one file that speaks LLVM. The kernels read without it: each function below says what it computes.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)


class Vector(types.Type):
    """The numba type of one SIMD vector."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A Vector is held by LLVM as a value of its own vector type."""

    def __init__(self, manager, vector):
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


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
    outer, inner, vectors, lanes = _extents(shape)
    tile = types.UniTuple(Vector(like.dtype, lanes), outer * inner * vectors)

    def codegen(context, builder, signature, arguments):
        zero = ir.Constant(_vector_type(context, like.dtype, lanes), None)
        return context.make_tuple(builder, tile, [zero] * tile.count)

    return tile(shape, like), codegen


@intrinsic
def tile_load(typing, shape, a, offset, outer, inner):
    """Return the tile whose row (i, j) is a[offset + i*outer + j*inner : + vectors*lanes]."""
    _, _, vectors, lanes = _extents(shape)
    tile = types.UniTuple(Vector(a.dtype, lanes), _rows(shape) * vectors)

    def codegen(context, builder, signature, arguments):
        _, array, *position = arguments
        return context.make_tuple(
            builder,
            tile,
            [
                builder.load(_vector_at(context, builder, row, v, a.dtype, lanes), align=_bytes(a.dtype))
                for row in _row_addresses(context, builder, shape, a, array, *position)
                for v in range(vectors)
            ],
        )

    return tile(shape, a, types.int64, types.int64, types.int64), codegen


@intrinsic
def tile_store(typing, shape, acc, a, offset, outer, inner):
    """Write row (i, j) of the tile to a[offset + i*outer + j*inner : + vectors*lanes]."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, array, *position = arguments
        values = iter(cgutils.unpack_tuple(builder, tile))
        for row in _row_addresses(context, builder, shape, a, array, *position):
            for v in range(vectors):
                builder.store(next(values), _vector_at(context, builder, row, v, a.dtype, lanes), align=_bytes(a.dtype))
        return context.get_dummy_value()

    return types.void(shape, acc, a, types.int64, types.int64, types.int64), codegen


@intrinsic
def tile_fma(typing, shape, acc, a, a_offset, a_outer, a_inner, b, b_offset):
    """Add an outer product: acc[i, j, v] += a[a_offset + i*a_outer + j*a_inner] * b[b_offset + v*lanes : + lanes]."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, b_start = arguments
        start = _element(context, builder, b, b_array, b_start)
        right = [
            builder.load(_vector_at(context, builder, start, v, b.dtype, lanes), align=_bytes(b.dtype))
            for v in range(vectors)
        ]
        left = _row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return _add_outer_product(context, builder, signature, tile, left, right)

    return acc(shape, acc, a, types.int64, types.int64, types.int64, b, types.int64), codegen


@intrinsic
def tile_fma_edge(typing, shape, acc, a, a_offset, a_outer, a_inner, b, b_offset, count):
    """Do as ``tile_fma`` where the row of b ends after ``count`` numbers: what is behind is not read, and is zero."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, b_start, inside = arguments
        start, ends = _element(context, builder, b, b_array, b_start), _broadcast(builder, inside, lanes)
        right = []
        for v in range(vectors):
            places = ir.Constant(ir.VectorType(I64, lanes), [v * lanes + i for i in range(lanes)])
            mask = builder.icmp_signed("<", places, ends)
            right.append(
                _masked_load(context, builder, _vector_at(context, builder, start, v, b.dtype, lanes), mask, b)
            )
        left = _row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return _add_outer_product(context, builder, signature, tile, left, right)

    arguments = (shape, acc, a, types.int64, types.int64, types.int64, b, types.int64, types.int64)
    return acc(*arguments), codegen


@intrinsic
def tile_fma_lanes(typing, shape, acc, a, a_offset, a_step, b, b_offset, b_step):
    """Add products lane by lane: acc[r, v] += a[a_offset + r*a_step : + lanes] * b[b_offset + v*b_step : + lanes]."""
    _, rows, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, a_distance, b_array, b_start, b_distance = arguments
        operands = []
        for kind, array, start, distance, count in (
            (a, a_array, a_start, a_distance, rows),
            (b, b_array, b_start, b_distance, vectors),
        ):
            first = _element(context, builder, kind, array, start)
            places = [builder.gep(first, [builder.mul(distance, I64(i))]) for i in range(count)]
            vector = _vector_type(context, kind.dtype, lanes).as_pointer()
            operands.append([builder.load(builder.bitcast(p, vector), align=_bytes(kind.dtype)) for p in places])
        values = iter(cgutils.unpack_tuple(builder, tile))
        result = [_fma(builder, left, right, next(values)) for left in operands[0] for right in operands[1]]
        return context.make_tuple(builder, signature.return_type, result)

    return acc(shape, acc, a, types.int64, types.int64, b, types.int64, types.int64), codegen


@intrinsic(prefer_literal=True)
def tile_unpool(typing, values, winners, count):
    """Return what ``count`` vectors of pooled gradients are worth to the pixels of their 2 x 2 windows.

    Vector f holds the gradients of neighbouring windows. Of each, four vectors are made, a tile (count, 2, 2, lanes):
    two lines of twice as many pixels; where ``winners`` does not name a pixel, it gets zero.
    """
    lanes, number = values.dtype.lanes, count.literal_value
    result = types.UniTuple(values.dtype, 4 * number)

    def codegen(context, builder, signature, arguments):
        pixels = []
        gradients, places = (cgutils.unpack_tuple(builder, tile) for tile in arguments[:2])
        for gradient, place in list(zip(gradients, places, strict=True))[:number]:
            zero = ir.Constant(gradient.type, None)
            for line in (0, 1):
                left, right = (
                    builder.select(builder.icmp_unsigned("==", place, _constant(place.type, position)), gradient, zero)
                    for position in (2 * line, 2 * line + 1)
                )
                for start in (0, lanes // 2):
                    pixels.append(
                        _shuffle(builder, left, right, [start + i // 2 + i % 2 * lanes for i in range(lanes)])
                    )
        return context.make_tuple(builder, result, pixels)

    return result(values, winners, count), codegen


@intrinsic
def tile_fma_where(typing, shape, acc, a, a_offset, a_outer, a_inner, b, b_offset, index, index_offset, wanted):
    """Do as ``tile_fma``, with the entries of b that have index[index_offset + ...] != wanted counted as zero."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, a_array, a_start, outer, inner, b_array, b_start, index_array, index_start, wanted_value = arguments
        b_first = _element(context, builder, b, b_array, b_start)
        index_first = _element(context, builder, index, index_array, index_start)
        zero = ir.Constant(_vector_type(context, b.dtype, lanes), None)
        chosen = _broadcast(builder, builder.trunc(wanted_value, I8), lanes)
        right = []
        for v in range(vectors):
            value = builder.load(_vector_at(context, builder, b_first, v, b.dtype, lanes), align=_bytes(b.dtype))
            place = builder.load(_vector_at(context, builder, index_first, v, index.dtype, lanes), align=1)
            right.append(builder.select(builder.icmp_unsigned("==", place, chosen), value, zero))
        left = _row_addresses(context, builder, shape, a, a_array, a_start, outer, inner)
        return _add_outer_product(context, builder, signature, tile, left, right)

    integer = types.int64
    arguments = (shape, acc, a, integer, integer, integer, b, integer, index, integer, integer)
    return acc(*arguments), codegen


@intrinsic
def tile_add_scaled(typing, shape, acc, scales, position, b, offset, outer, inner):
    """Add a multiple of a tile in memory: acc[i, j] += scales[position] * b[offset + i*outer + j*inner : + ...]."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, scale_array, scale_position, b_array, *start = arguments
        scale = _broadcast(
            builder, builder.load(_element(context, builder, scales, scale_array, scale_position)), lanes
        )
        values = iter(cgutils.unpack_tuple(builder, tile))
        result = []
        for row in _row_addresses(context, builder, shape, b, b_array, *start):
            for v in range(vectors):
                vector = builder.load(_vector_at(context, builder, row, v, b.dtype, lanes), align=_bytes(b.dtype))
                result.append(_fma(builder, scale, vector, next(values)))
        return context.make_tuple(builder, signature.return_type, result)

    position_types = (types.int64, types.int64, types.int64)
    return acc(shape, acc, scales, types.int64, b, *position_types), codegen


@intrinsic
def tile_add(typing, a, b):
    """Return the sum of two tiles."""

    def codegen(context, builder, signature, arguments):
        pairs = zip(*(cgutils.unpack_tuple(builder, tile) for tile in arguments), strict=True)
        return context.make_tuple(builder, signature.return_type, [builder.fadd(*pair) for pair in pairs])

    return a(a, b), codegen


@intrinsic
def tile_scatter_scaled(typing, shape, tile, scales, position, a, offset, outer, inner):
    """Add a multiple of the tile to memory: a[offset + i*outer + j*inner : + ...] += scales[position] * tile[i, j]."""
    _, _, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile_value, scale_array, scale_position, array, *start = arguments
        scale = _broadcast(
            builder, builder.load(_element(context, builder, scales, scale_array, scale_position)), lanes
        )
        values = iter(cgutils.unpack_tuple(builder, tile_value))
        for row in _row_addresses(context, builder, shape, a, array, *start):
            for v in range(vectors):
                address = _vector_at(context, builder, row, v, a.dtype, lanes)
                before = builder.load(address, align=_bytes(a.dtype))
                builder.store(_fma(builder, scale, next(values), before), address, align=_bytes(a.dtype))
        return context.get_dummy_value()

    arguments = (shape, tile, scales, types.int64, a, types.int64, types.int64, types.int64)
    return types.void(*arguments), codegen


@intrinsic
def tile_transpose(typing, shape, tile):
    """Return the transpose of a tile, whose rows are a power of two; one column of vectors after the other.

    The result has the shape (vectors, lanes, 1, rows): the rows of its transpose, each a vector of as many numbers as
    the tile had rows. Interleaving row i with row i + rows/2, for all i, is one step of a shuffle of cards: log2(rows)
    such steps bring number (r, c) of a vector to place (c, r).
    """
    _, _, vectors, lanes = _extents(shape)
    rows = _rows(shape)
    result = types.UniTuple(Vector(tile.dtype.dtype, rows), vectors * lanes)

    def codegen(context, builder, signature, arguments):
        values = cgutils.unpack_tuple(builder, arguments[1])
        low = [lane // 2 + lane % 2 * lanes for lane in range(lanes)]
        turned = []
        for v in range(vectors):
            column = values[v::vectors]
            for _ in range(rows.bit_length() - 1):
                column = [
                    _shuffle(builder, column[i], column[i + rows // 2], [lane + start for lane in low])
                    for i in range(rows // 2)
                    for start in (0, lanes // 2)
                ]
            for vector in column if rows <= lanes else ():  # several rows of the result in each
                turned += [_shuffle(builder, vector, vector, range(c, c + rows)) for c in range(0, lanes, rows)]
            while rows > lanes and len(column) > lanes:  # a part of one in each
                wide = range(2 * column[0].type.count)
                column = [_shuffle(builder, a, b, wide) for a, b in zip(column[::2], column[1::2], strict=True)]
            turned += column if rows > lanes else []
        return context.make_tuple(builder, result, turned)

    return result(shape, tile), codegen


def tile_sandwich(matrix):
    """Return the function (shape, tile) -> matrix tile matrix^T, for a small constant matrix of simple numbers.

    The tile is an n x n arrangement of vectors, one each row; the matrix m x n, and so the result m x m.
    """
    m, n = len(matrix), len(matrix[0])

    def combine(builder, coefficients, vectors):
        """Return the sum of coefficient * vector: nothing is multiplied by 0 or 1."""
        total = None
        for coefficient, vector in zip(coefficients, vectors, strict=True):
            if abs(coefficient) not in (0, 1):
                scale = ir.Constant(vector.type, [float(abs(coefficient))] * vector.type.count)
                vector = builder.fmul(vector, scale)
            if coefficient > 0:
                total = vector if total is None else builder.fadd(total, vector)
            elif coefficient < 0:
                total = builder.fneg(vector) if total is None else builder.fsub(total, vector)
        return total

    @intrinsic
    def sandwich(typing, shape, tile):
        result = types.UniTuple(tile.dtype, m * m)

        def codegen(context, builder, signature, arguments):
            values = cgutils.unpack_tuple(builder, arguments[1])
            columns = [[combine(builder, row, values[j::n]) for row in matrix] for j in range(n)]  # n columns of m
            lines = [[columns[j][i] for j in range(n)] for i in range(m)]
            return context.make_tuple(
                builder, result, [combine(builder, row, line) for line in lines for row in matrix]
            )

        return result(shape, tile), codegen

    return sandwich


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
def tile_store_window_maximum(typing, shape, acc, bias, bias_offset, y, offset, stride, index, index_offset):
    """Max-pool a tile of two lines of 2P pixels, add the bias, apply ReLU, and store P pixels of y and index.

    Window p is rows (0, 2p), (0, 2p + 1), (1, 2p), (1, 2p + 1) of the tile. Its P results go to
    y[offset + p*stride : + vectors*lanes], and to index[index_offset + p*stride : + ...] the number 0 to 3 of the first
    maximum, or 255 where ReLU made the result zero. A NaN wins every comparison and passes ReLU, so that it is seen.
    """
    _, inner, vectors, lanes = _extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, bias_array, bias_start, y_array, y_start, step, index_array, index_start = arguments
        values = cgutils.unpack_tuple(builder, tile)
        bias_first = _element(context, builder, bias, bias_array, bias_start)
        biases = [
            builder.load(_vector_at(context, builder, bias_first, v, bias.dtype, lanes), align=_bytes(bias.dtype))
            for v in range(vectors)
        ]
        for p in range(inner // 2):
            pixel = builder.mul(step, I64(p))
            y_first = _element(context, builder, y, y_array, builder.add(y_start, pixel))
            index_first = _element(context, builder, index, index_array, builder.add(index_start, pixel))
            for v in range(vectors):
                window = [values[(i * inner + 2 * p + j) * vectors + v] for i in (0, 1) for j in (0, 1)]
                best, first = _rectified_maximum(builder, window, biases[v])
                builder.store(best, _vector_at(context, builder, y_first, v, y.dtype, lanes), align=_bytes(y.dtype))
                builder.store(first, _vector_at(context, builder, index_first, v, index.dtype, lanes), align=1)
        return context.get_dummy_value()

    arguments = (shape, acc, bias, types.int64, y, types.int64, types.int64, index, types.int64)
    return types.void(*arguments), codegen


@intrinsic(prefer_literal=True)
def tile_window_maximum(typing, shape, top, bottom, bias, bias_offset, rows):
    """Do as ``tile_store_window_maximum`` where neighbouring pixels are in the lanes, and return the results.

    Row f of ``top`` and ``bottom``, each of two vectors, are two lines of pixels of filter f. The results are two tiles
    of one vector of windows for each filter, the maxima and their numbers, filled up with zeros to ``rows``.
    """
    _, filters, _, lanes = _extents(shape)
    number = types.UniTuple(top.dtype, rows.literal_value)
    position = types.UniTuple(Vector(types.uint8, lanes), rows.literal_value)

    def codegen(context, builder, signature, arguments):
        lines = [cgutils.unpack_tuple(builder, tile) for tile in arguments[1:3]]
        first_bias = _element(context, builder, bias, *arguments[3:5])
        maxima, winners = [], []
        for f in range(filters):
            window = []
            for line in lines:
                window += [_shuffle(builder, line[2 * f], line[2 * f + 1], range(i, 2 * lanes, 2)) for i in (0, 1)]
            scalar = builder.load(builder.gep(first_bias, [I64(f)]))
            best, first = _rectified_maximum(builder, window, _broadcast(builder, scalar, lanes))
            maxima.append(best)
            winners.append(first)
        results = []
        for kind, vectors in ((number, maxima), (position, winners)):
            nothing = [ir.Constant(vectors[0].type, None)] * (kind.count - filters)
            results.append(context.make_tuple(builder, kind, vectors + nothing))
        return context.make_tuple(builder, signature.return_type, results)

    return types.Tuple((number, position))(shape, top, bottom, bias, types.int64, rows), codegen


@intrinsic
def copy_run(typing, source, source_offset, destination, destination_offset, count):
    """Copy ``count`` neighbouring elements from one array to another (C's memcpy)."""

    def codegen(context, builder, signature, arguments):
        source_array, source_start, destination_array, destination_start, number = arguments
        cgutils.raw_memcpy(
            builder,
            _element(context, builder, destination, destination_array, destination_start),
            _element(context, builder, source, source_array, source_start),
            number,
            _bytes(source.dtype),
        )
        return context.get_dummy_value()

    return types.void(source, types.int64, destination, types.int64, types.int64), codegen


def _extents(shape):
    return tuple(part.count for part in shape.types)


def _rows(shape):
    outer, inner, _, _ = _extents(shape)
    return outer * inner


def _bytes(dtype):
    return dtype.bitwidth // 8


def _vector_type(context, dtype, lanes):
    return ir.VectorType(context.get_value_type(dtype), lanes)


def _element(context, builder, array_type, array, offset):
    """Return the address of element ``offset`` of a one-dimensional array."""
    return builder.gep(cgutils.create_struct_proxy(array_type)(context, builder, value=array).data, [offset])


def _row_addresses(context, builder, shape, array_type, array, offset, outer, inner):
    first = _element(context, builder, array_type, array, offset)
    rows_outer, rows_inner, _, _ = _extents(shape)
    return [
        builder.gep(first, [builder.add(builder.mul(outer, I64(i)), builder.mul(inner, I64(j)))])
        for i in range(rows_outer)
        for j in range(rows_inner)
    ]


def _vector_at(context, builder, address, v, dtype, lanes):
    """Return the address of the vector number ``v`` after ``address``, typed as a pointer to a vector."""
    return builder.bitcast(builder.gep(address, [I64(v * lanes)]), _vector_type(context, dtype, lanes).as_pointer())


def _broadcast(builder, scalar, lanes):
    """Return a vector that holds ``scalar`` in every lane."""
    undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first_lane = ir.Constant(ir.VectorType(I32, lanes), None)
    return builder.shuffle_vector(builder.insert_element(undefined, scalar, I32(0)), undefined, first_lane)


def _rectified_maximum(builder, window, bias):
    """Return ReLU(maximum of four vectors + bias), and the first maximum's number, or 255 where the result is zero."""
    position = ir.VectorType(I8, bias.type.count)
    best, first = window[0], _constant(position, 0)
    for number, candidate in enumerate(window[1:], 1):
        better = builder.fcmp_ordered(">", candidate, best)
        better = builder.or_(better, builder.fcmp_unordered("uno", candidate, candidate))
        best = builder.select(better, candidate, best)
        first = builder.select(better, _constant(position, number), first)
    best = builder.fadd(best, bias)
    off = builder.fcmp_ordered("<=", best, ir.Constant(best.type, None))
    return builder.select(off, ir.Constant(best.type, None), best), builder.select(off, _constant(position, 255), first)


def _constant(vector, number):
    """Return a vector that holds the same constant in every lane."""
    return ir.Constant(vector, [number] * vector.count)


def _shuffle(builder, a, b, lanes):
    """Return the vector of the numbers that ``lanes`` lists, counted through a and then b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))


def _fma(builder, a, b, c):
    """Return a * b + c: one instruction where the CPU has it (llvm.fmuladd), two where it has not."""
    vector = a.type
    bits = {"float": 32, "double": 64}[str(vector.element)]
    name = f"llvm.fmuladd.v{vector.count}f{bits}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(function, [a, b, c])


def _masked_load(context, builder, address, mask, array_type):
    """Load the elements of a vector where the mask is set; the others are zero, and their memory is not touched."""
    zero = ir.Constant(_vector_type(context, array_type.dtype, mask.type.count), None)
    name = f"llvm.masked.load.v{mask.type.count}f{array_type.dtype.bitwidth}.p0"
    kind = ir.FunctionType(zero.type, [address.type, I32, mask.type, zero.type])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [address, I32(_bytes(array_type.dtype)), mask, zero])


def _add_outer_product(context, builder, signature, tile, left, right):
    values = iter(cgutils.unpack_tuple(builder, tile))
    result = []
    for address in left:
        scalar = _broadcast(builder, builder.load(address), right[0].type.count)
        result += [_fma(builder, scalar, vector, next(values)) for vector in right]
    return context.make_tuple(builder, signature.return_type, result)
