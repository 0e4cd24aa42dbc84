"""The matrices of Winograd's convolutions, and the functions that apply them to tiles.

In one dimension, a *window* of neighbouring outputs y, two or four of them, depends on a *patch* of inputs d, two more.
With a kernel g of three numbers:

    y = A^T [ (G g) * (B^T d) ]        * is number by number: as many multiplications as there are inputs, 4 or 6

Why that can be: the sums of products that a convolution makes are those of a product of polynomials, and a polynomial
is known by its values at enough points. G takes the kernel's value at each point, and multiplying two values gives the
product's; the other two matrices are the way from the inputs and back (Winograd 1980, "Arithmetic complexity of
computations"; Lavin and Gray 2016, "Fast algorithms for convolutional neural networks"). With the points 0, 1, -1 and
infinity, for two outputs:

    m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2        y0 = m0 + m1 + m2
    m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2        y1 = m1 - m2 - m3

For four outputs the points are 0, p, -p, q, -q and infinity. What belongs to p and to -p are the sum and the difference
of the same two numbers, so each matrix is a product of two, one of which is nothing but sums and differences.

In two dimensions the matrices are applied to the columns, then to the rows: of 2 x 2 outputs, 16 multiplications
instead of 36, of 4 x 4 outputs, 36 instead of 144. The price of the latter are fractions that are not exact in binary:
its results are as close to the true ones as those of other sums of so many numbers, but not exact for whole numbers.
"""

from __future__ import annotations

from .tile_transform import tile_sandwich

Matrix = tuple[tuple[float, ...], ...]

# The errors of rounding depend on the points. Of those that are exact in binary, these keep them among the smallest
# (they are oneDNN's, too): half of those with 1 and 2, and with them the values at all points are alike in size.
P, Q = 0.625, 1.5


def _kernel_value(point: float, other: float) -> float:
    """Return what the kernel's value at +-``point`` is divided by: the product of the distances to the other points."""
    return 2 * point**2 * (point**2 - other**2)


SUMS: Matrix = (
    (1, 0, 0, 0, 0, 0),
    (0, 1, 1, 0, 0, 0),
    (0, 1, -1, 0, 0, 0),
    (0, 0, 0, 1, 1, 0),
    (0, 0, 0, 1, -1, 0),
    (0, 0, 0, 0, 0, 1),
)

# B^T, G and A^T, each the tuple of its factors, of which the first is applied first.
PATCH_2 = (((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),)
KERNEL_2 = (((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),)
WINDOW_2 = (((1, 1, 1, 0), (0, 1, -1, -1)),)

PATCH_4 = (
    (
        (P**2 * Q**2, 0, -(P**2) - Q**2, 0, 1, 0),
        (0, 0, -(Q**2), 0, 1, 0),
        (0, -(Q**2), 0, 1, 0, 0),
        (0, 0, -(P**2), 0, 1, 0),
        (0, -(P**2), 0, 1, 0, 0),
        (0, P**2 * Q**2, 0, -(P**2) - Q**2, 0, 1),
    ),
    (
        (1, 0, 0, 0, 0, 0),
        (0, 1, P, 0, 0, 0),
        (0, 1, -P, 0, 0, 0),
        (0, 0, 0, 1, Q, 0),
        (0, 0, 0, 1, -Q, 0),
        (0, 0, 0, 0, 0, 1),
    ),
)
KERNEL_4 = (
    (
        (1 / (P**2 * Q**2), 0, 0),
        (1 / _kernel_value(P, Q), 0, P**2 / _kernel_value(P, Q)),
        (0, P / _kernel_value(P, Q), 0),
        (1 / _kernel_value(Q, P), 0, Q**2 / _kernel_value(Q, P)),
        (0, Q / _kernel_value(Q, P), 0),
        (0, 0, 1),
    ),
    SUMS,
)
WINDOW_4 = (
    SUMS,
    ((1, 1, 0, 1, 0, 0), (0, 0, P, 0, Q, 0), (0, P**2, 0, Q**2, 0, 0), (0, 0, P**3, 0, Q**3, 1)),
)


def _turned(factors: tuple[Matrix, ...]) -> tuple[Matrix, ...]:
    """Return the factors of a product's transpose."""
    return tuple(tuple(zip(*matrix, strict=True)) for matrix in reversed(factors))


# Each is a function of a tile in memory, and returns matrix tile matrix^T. The gradients take the transposes.
patch_transform = tile_sandwich(PATCH_2, PATCH_4)  # B^T
kernel_transform = tile_sandwich(KERNEL_2, KERNEL_4)  # G
window_transform = tile_sandwich(WINDOW_2, WINDOW_4)  # A^T
from_patch = tile_sandwich(_turned(PATCH_2), _turned(PATCH_4))  # B
from_products = tile_sandwich(_turned(KERNEL_2), _turned(KERNEL_4))  # G^T
from_window = tile_sandwich(_turned(WINDOW_2), _turned(WINDOW_4))  # A
