"""Images in scratch memory, with a border of zeros, so that no window leaves them; in the L1 cache while worked on."""

from ..machine.tile import copy_run
from ..runtime.compile import device


@device
def hold_image(x, n, copied, g, image):
    """Copy image number n to its place in the padded ``image``, unless that holds it; the rest is zero and stays so.

    Its pixels are (dilation_y, dilation_x) apart there. ``image`` holds image number ``copied``. Returns n.
    """
    for line in range(g.H if n != copied else 0):
        to_line = line * g.dilation_y + g.top
        if 0 <= to_line < g.height and g.dilation_x == 1:
            copy_line(x, n, line, g, image, to_line * g.width * g.C)
        elif 0 <= to_line < g.height:
            for pixel in range(g.W):
                to_pixel = pixel * g.dilation_x + g.left
                if 0 <= to_pixel < g.width:
                    place = ((n * g.H + line) * g.W + pixel) * g.C
                    copy_run(x, place, image, (to_line * g.width + to_pixel) * g.C, g.C)
    return n


@device
def hold_lines(x, n, first, count, g, lines):
    """Copy ``count`` lines of the padded image number n to ``lines``, from number ``first`` on.

    Those above and below the image become zero; what is left and right of it is zero and stays so.
    """
    for i in range(count):
        line, to = first + i - g.top, i * g.width * g.C
        if 0 <= line < g.H:
            copy_line(x, n, line, g, lines, to)
        else:
            zero(lines[to : to + g.width * g.C])


@device
def copy_line(x, n, line, g, lines, to):
    """Copy what a padded line has room for of a line of image number n; ``to`` is where the padded line begins."""
    first = max(0, -g.left)
    pixels = min(g.W, g.width - g.left) - first
    if pixels > 0:
        copy_run(x, ((n * g.H + line) * g.W + first) * g.C, lines, to + (g.left + first) * g.C, pixels * g.C)


@device
def zero(a):
    """Fill an array with zeros."""
    for i in range(a.size):
        a[i] = 0


@device
def copy_back(dimage, g, dx, start):
    """Copy the part of a padded image's gradient that belongs to the image itself; pixels outside of it get zero."""
    for line in range(g.H):
        to_line = line + g.top
        begin = start + line * g.W * g.C
        inside = min(g.W, g.width - g.left) if to_line < g.height else 0
        if inside > 0:
            copy_run(dimage, (to_line * g.width + g.left) * g.C, dx, begin, inside * g.C)
        for i in range(max(0, inside) * g.C, g.W * g.C):
            dx[begin + i] = 0
