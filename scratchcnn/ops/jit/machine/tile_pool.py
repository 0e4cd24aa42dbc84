"""Steps of register tiles (``tile.py``) for 2 x 2 max-pools: the maximum of each window while it is in registers.

The result says both how large a maximum is and which of the four pixels it was, or 255 where ReLU has made it zero.
"""

from itertools import product

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import I8, I64, Vector, broadcast, bytes_of, constant, element, extents, load_row, shuffle, vector_at


@intrinsic
def tile_store_window_maximum(typing, shape, acc, bias, bias_offset, y, offset, line, stride, index, index_offset):
    """Max-pool a tile of 2L lines of 2P pixels, add the bias, apply ReLU, and store L x P pixels of y and index.

    Pooling window (l, p) is rows (2l, 2p), (2l, 2p + 1), (2l + 1, 2p), (2l + 1, 2p + 1) of the tile. Its results go to
    y[offset + l*line + p*stride : + vectors*lanes], and to index[index_offset + ... : + ...] the number 0 to 3 of the
    first maximum, or 255 where ReLU made the result zero. A NaN wins every comparison and passes ReLU, so that it is
    seen.
    """
    outer, inner, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, tile, bias_array, bias_start, y_array, y_start, line_step, step, index_array, index_start = arguments
        values = cgutils.unpack_tuple(builder, tile)
        bias_first = element(context, builder, bias, bias_array, bias_start)
        biases = load_row(context, builder, bias_first, vectors, bias.dtype, lanes)
        for row, p in product(range(0, outer, 2), range(inner // 2)):
            pixel = builder.add(builder.mul(line_step, I64(row // 2)), builder.mul(step, I64(p)))
            y_first = element(context, builder, y, y_array, builder.add(y_start, pixel))
            index_first = element(context, builder, index, index_array, builder.add(index_start, pixel))
            for v in range(vectors):
                window = [values[((row + i) * inner + 2 * p + j) * vectors + v] for i in (0, 1) for j in (0, 1)]
                best, first = _rectified_maximum(builder, window, biases[v])
                builder.store(best, vector_at(context, builder, y_first, v, y.dtype, lanes), align=bytes_of(y.dtype))
                builder.store(first, vector_at(context, builder, index_first, v, index.dtype, lanes), align=1)
        return context.get_dummy_value()

    integer = types.int64
    return types.void(shape, acc, bias, integer, y, integer, integer, integer, index, integer), codegen


@intrinsic(prefer_literal=True)
def tile_window_maximum(typing, shape, top, bottom, bias, bias_offset, rows):
    """Like ``tile_store_window_maximum``, where neighbouring pixels are in the lanes, and return the results.

    Row f of ``top`` and ``bottom``, each of two vectors, are two lines of pixels of filter f. The results are two tiles
    of one vector of windows for each filter, the maxima and their numbers, filled up with zeros to ``rows``.
    """
    _, filters, _, lanes = extents(shape)
    number = types.UniTuple(top.dtype, rows.literal_value)
    position = types.UniTuple(Vector(types.uint8, lanes), rows.literal_value)

    def codegen(context, builder, signature, arguments):
        lines = [cgutils.unpack_tuple(builder, tile) for tile in arguments[1:3]]
        first_bias = element(context, builder, bias, *arguments[3:5])
        maxima, winners = [], []
        for f in range(filters):
            window = []
            for line in lines:
                window += [shuffle(builder, line[2 * f], line[2 * f + 1], range(i, 2 * lanes, 2)) for i in (0, 1)]
            scalar = builder.load(builder.gep(first_bias, [I64(f)]))
            best, first = _rectified_maximum(builder, window, broadcast(builder, scalar, lanes))
            maxima.append(best)
            winners.append(first)
        results = []
        for kind, vectors in ((number, maxima), (position, winners)):
            nothing = [ir.Constant(vectors[0].type, None)] * (kind.count - filters)
            results.append(context.make_tuple(builder, kind, vectors + nothing))
        return context.make_tuple(builder, signature.return_type, results)

    return types.Tuple((number, position))(shape, top, bottom, bias, types.int64, rows), codegen


def _rectified_maximum(builder, window, bias):
    """Return ReLU(maximum of four vectors + bias), and the first maximum's number, or 255 where the result is zero."""
    position = ir.VectorType(I8, bias.type.count)
    best, first = window[0], constant(position, 0)
    for number, candidate in enumerate(window[1:], 1):
        better = builder.fcmp_ordered(">", candidate, best)
        better = builder.or_(better, builder.fcmp_unordered("uno", candidate, candidate))
        best = builder.select(better, candidate, best)
        first = builder.select(better, constant(position, number), first)
    best = builder.fadd(best, bias)
    off = builder.fcmp_ordered("<=", best, ir.Constant(best.type, None))
    return builder.select(off, ir.Constant(best.type, None), best), builder.select(off, constant(position, 255), first)
