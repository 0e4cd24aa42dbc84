"""The matrices of Winograd's convolutions, and the functions that apply them to tiles.

In one dimension, an *output tile* of neighbouring outputs y, two or four of them, depends on an *input tile* d of two
more. With a kernel g of three numbers:

    y = A^T [ (G g) * (B^T d) ]        * is number by number: as many multiplications as there are inputs, 4 or 6

Why that can be is easiest to see backward. The inputs' gradient is the full convolution of dy and g: its numbers, sums
of g[i] dy[j] with equal i + j, are the coefficients of the product of two polynomials, whose coefficients are g and dy.
As many values as it has coefficients determine a polynomial. So take the values of both factors at that many points (G
and A; at infinity, the value is the leading coefficient), multiply them, and go back to coefficients by Lagrange's
interpolation (B; its denominators are in G). Forward, d -> y is the transpose of dy -> dd, so the same matrices stand
transposed and in reverse order (Winograd 1980, "Arithmetic complexity of computations"; Lavin and Gray 2016, "Fast
algorithms for convolutional neural networks"). With the points 0, 1, -1 and infinity, for two outputs:

    m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2        y0 = m0 + m1 + m2
    m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2        y1 = m1 - m2 - m3

For four outputs the points are 0, p, -p, q, -q and infinity. The rows that belong to p and to -p are the sum and the
difference of the same two parts, so each matrix is a product of two, and the parts are computed once.

In two dimensions the matrices are applied to the columns, then to the rows: of 2 x 2 outputs, 16 multiplications
instead of 36, of 4 x 4 outputs, 36 instead of 144: F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray. The price of the
second are fractions that are not exact in binary: integers do not give exact results, and errors of rounding are
about twice those of a plain sum.
"""

from ...machine.tile_transforms import tile_sandwich

Matrix = tuple[tuple[float, ...], ...]

# Of the multiples of 1/8, these have the smallest errors of rounding: half of those of 1 and 2. oneDNN takes them, too.
P, Q = 0.625, 1.5


def _denominator(point: float, other: float) -> float:
    """Return Lagrange's denominator of +-``point``: the product of its differences from the other points."""
    return 2 * point**2 * (point**2 - other**2)


def _pairs(p: float, q: float) -> Matrix:
    """Return the matrix that makes of (a, b, c, d, e, f): a, b + p c, b - p c, d + q e, d - q e, f."""
    return (
        (1, 0, 0, 0, 0, 0),
        (0, 1, p, 0, 0, 0),
        (0, 1, -p, 0, 0, 0),
        (0, 0, 0, 1, q, 0),
        (0, 0, 0, 1, -q, 0),
        (0, 0, 0, 0, 0, 1),
    )


# B^T, G and A^T, each the tuple of its factors, of which the first is applied first.
INPUT_2 = (((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),)
KERNEL_2 = (((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),)
OUTPUT_2 = (((1, 1, 1, 0), (0, 1, -1, -1)),)

INPUT_4 = (
    (
        (P**2 * Q**2, 0, -(P**2) - Q**2, 0, 1, 0),
        (0, 0, -(Q**2), 0, 1, 0),
        (0, -(Q**2), 0, 1, 0, 0),
        (0, 0, -(P**2), 0, 1, 0),
        (0, -(P**2), 0, 1, 0, 0),
        (0, P**2 * Q**2, 0, -(P**2) - Q**2, 0, 1),
    ),
    _pairs(P, Q),
)
KERNEL_4 = (
    (
        (1 / (P**2 * Q**2), 0, 0),
        (1 / _denominator(P, Q), 0, P**2 / _denominator(P, Q)),
        (0, P / _denominator(P, Q), 0),
        (1 / _denominator(Q, P), 0, Q**2 / _denominator(Q, P)),
        (0, Q / _denominator(Q, P), 0),
        (0, 0, 1),
    ),
    _pairs(1, 1),
)
OUTPUT_4 = (_pairs(1, 1), ((1, 1, 0, 1, 0, 0), (0, 0, P, 0, Q, 0), (0, P**2, 0, Q**2, 0, 0), (0, 0, P**3, 0, Q**3, 1)))


def _transposed(factors: tuple[Matrix, ...]) -> tuple[Matrix, ...]:
    """Return the factors of a product's transpose."""
    return tuple(tuple(zip(*matrix, strict=True)) for matrix in reversed(factors))


# Each is a function of a tile in memory, and returns matrix tile matrix^T. The gradients take the transposes.
input_transform = tile_sandwich(INPUT_2, INPUT_4)  # B^T
kernel_transform = tile_sandwich(KERNEL_2, KERNEL_4)  # G
output_transform = tile_sandwich(OUTPUT_2, OUTPUT_4)  # A^T
from_input = tile_sandwich(_transposed(INPUT_2), _transposed(INPUT_4))  # B
from_products = tile_sandwich(_transposed(KERNEL_2), _transposed(KERNEL_4))  # G^T
from_output = tile_sandwich(_transposed(OUTPUT_2), _transposed(OUTPUT_4))  # A
