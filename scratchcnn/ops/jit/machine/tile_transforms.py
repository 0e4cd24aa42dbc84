"""Steps of register tiles (``tile.py``) that rearrange one: transposing it, or a matrix from both sides."""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .llvm import Vector, constant, extents, load_row, multiply_add, row_addresses, rows_of, shuffle


@intrinsic
def tile_transpose(typing, shape, tile):
    """Return the transpose of a tile, whose rows are a power of two, at most the lanes; one column after the other.

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
            for vector in column:  # several rows of the result in each
                turned += [shuffle(builder, vector, vector, range(c, c + rows)) for c in range(0, lanes, rows)]
        return context.make_tuple(builder, result, turned)

    return result(shape, tile), codegen


def tile_sandwich(*transforms):
    """Return the function (shape, result, a, offset, outer, inner) -> matrix tile matrix^T, for constant matrices.

    The tile is what ``tile_load(shape, a, offset, outer, inner)`` returns, an n x n arrangement of vectors, one each
    row, and the result m x m. The two shapes tell which of the ``transforms`` is meant: the one by a matrix m x n. Each
    is given as a product, as the tuple of its factors, of which the first is the first to be applied.
    """

    def combine(builder, coefficients, vectors):
        """Return the sum of coefficient * vector: nothing is multiplied by 0 or 1, and those of 1 are the first."""
        total = None
        terms = [term for term in zip(coefficients, vectors, strict=True) if term[0] != 0]
        for coefficient, vector in sorted(terms, key=lambda term: abs(term[0]) != 1):
            if total is None and coefficient == 1:
                total = vector
            elif total is None:
                total = builder.fneg(vector) if coefficient == -1 else builder.fmul(scale(vector, coefficient), vector)
            elif abs(coefficient) == 1:
                total = builder.fadd(total, vector) if coefficient == 1 else builder.fsub(total, vector)
            else:
                total = multiply_add(builder, scale(vector, coefficient), vector, total)
        return total

    def scale(vector, coefficient):
        return constant(vector.type, float(coefficient))

    def transform(builder, factors, vectors):
        for matrix in factors:
            vectors = [combine(builder, row, vectors) for row in matrix]
        return vectors

    @intrinsic
    def sandwich(typing, shape, result, a, offset, outer, inner):
        m, n, lanes = extents(result)[0], extents(shape)[0], extents(shape)[3]
        (factors,) = (factors for factors in transforms if (len(factors[-1]), len(factors[0][0])) == (m, n))
        square = types.UniTuple(Vector(a.dtype, lanes), m * m)

        def codegen(context, builder, signature, arguments):
            rows = row_addresses(context, builder, shape, a, *arguments[2:])
            values = [load_row(context, builder, row, 1, a.dtype, lanes)[0] for row in rows]
            columns = [transform(builder, factors, values[j::n]) for j in range(n)]  # n columns of m
            lines = [transform(builder, factors, [columns[j][i] for j in range(n)]) for i in range(m)]
            return context.make_tuple(builder, square, [value for line in lines for value in line])

        return square(shape, result, a, types.int64, types.int64, types.int64), codegen

    return sandwich
