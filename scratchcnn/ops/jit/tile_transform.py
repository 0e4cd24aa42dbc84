"""Steps of register tiles (``tile.py``) that rearrange one: transposing it, or a matrix from both sides."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import Vector, extents, rows_of, shuffle


@intrinsic
def tile_transpose(typing, shape, tile):
    """Return the transpose of a tile, whose rows are a power of two; one column of vectors after the other.

    The result has the shape (vectors, lanes, 1, rows): the rows of its transpose, each a vector of as many numbers as
    the tile had rows. Interleaving row i with row i + rows/2, for all i, is one step of a shuffle of cards: log2(rows)
    such steps bring number (r, c) of a vector to place (c, r).
    """
    _, _, vectors, lanes = extents(shape)
    rows = rows_of(shape)
    result = types.UniTuple(Vector(tile.dtype.dtype, rows), vectors * lanes)

    def codegen(context, builder, signature, arguments):
        values = cgutils.unpack_tuple(builder, arguments[1])
        low = [lane // 2 + lane % 2 * lanes for lane in range(lanes)]
        turned = []
        for v in range(vectors):
            column = values[v::vectors]
            for _ in range(rows.bit_length() - 1):
                column = [
                    shuffle(builder, column[i], column[i + rows // 2], [lane + start for lane in low])
                    for i in range(rows // 2)
                    for start in (0, lanes // 2)
                ]
            for vector in column if rows <= lanes else ():  # several rows of the result in each
                turned += [shuffle(builder, vector, vector, range(c, c + rows)) for c in range(0, lanes, rows)]
            while rows > lanes and len(column) > lanes:  # a part of one in each
                wide = range(2 * column[0].type.count)
                column = [shuffle(builder, a, b, wide) for a, b in zip(column[::2], column[1::2], strict=True)]
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
