"""Images in scratch memory, with a border of zeros, so that no window leaves them; in the L1 cache while worked on."""

from ..machine.tile import copy_run
from ..runtime.compile import device


@device
def copy_image(x, start, g, image):
    """Copy the image that begins at x[start] to its place in the padded ``image``; the rest is zero and stays so."""
    first = max(0, -g.left)
    pixels = min(g.W, g.width - g.left) - first
    for line in range(g.H):
        to_line = line * g.dilation_y + g.top
        if 0 <= to_line < g.height:
            if g.dilation_x == 1:
                if pixels > 0:
                    to = (to_line * g.width + g.left + first) * g.C
                    copy_run(x, start + (line * g.W + first) * g.C, image, to, pixels * g.C)
            else:
                for pixel in range(g.W):
                    to_pixel = pixel * g.dilation_x + g.left
                    if 0 <= to_pixel < g.width:
                        to = (to_line * g.width + to_pixel) * g.C
                        copy_run(x, start + (line * g.W + pixel) * g.C, image, to, g.C)


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
