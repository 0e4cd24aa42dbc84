"""Augmentation: every image is drawn anew from random places of its source; what is drawn is in ``reference``.

A chunk takes some of the images, one after the other, in three steps whose arrays (a few KB for a digit) stay in L1:

    place   where each pixel comes from, rows and columns side by side, places (H, 2, W), from five random numbers
    bend    an elastic distortion adds bumps @ noise @ bumps^T to both; two small products, about sigma times cheaper
            than filtering noise of the full size
    draw    each pixel is a mix of four; the source is copied into a frame of zeros first, so that no pixel has to ask
            whether it is inside

Whole rows of numbers go through the same arithmetic, which the compiler turns into SIMD instructions by itself; in
``draw`` the four neighbours are gathered.
"""

import math
from typing import NamedTuple

import numpy as np

from ...types import Array
from ..reference.augment import MOVES, bumps
from ..settings import Distortion
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_rows
from .runtime.compile import device, native
from .runtime.launch import exclusive, run
from .runtime.scratch import chunk_scratch, scratch_of
from .shared.random import STEP, mix


class Batch(NamedTuple):
    """The integers of an augmentation."""

    N: int
    H: int
    W: int
    C: int
    GH: int  # points of the grid of an elastic distortion
    GW: int
    seed: int

    @property
    def scratch_size(self) -> int:
        """Numbers of scratch memory for an image: its places, the framed source, noise, and half-smoothed noise."""
        return 2 * self.H * self.W + (self.H + 3) * (self.W + 3) + 2 * self.GH * (self.GW + self.W)


@exclusive
def augment(images: Array, indices: Array, seed: int, distortion: Distortion, *, out: Array) -> None:
    """Compute out[i] = images[indices[i]], distorted at random."""
    if out.size == 0:
        return
    N, H, W, C = out.shape
    alpha, sigma = distortion.elastic
    is_bytes = out.dtype == np.uint8
    dtype = np.dtype(np.float32) if is_bytes else out.dtype
    down = (alpha * bumps(H, sigma)).astype(dtype)  # (H, GH)
    across = np.ascontiguousarray(bumps(W, sigma).T, dtype)  # (GW, W)
    g = Batch(N, H, W, C, down.shape[1], across.shape[0], int(np.uint64(seed).view(np.int64)))
    chunks = chunks_for_rows(N)
    memory = chunk_scratch("augmentation", chunks, g.scratch_size, dtype)
    angle, slant = math.radians(distortion.rotation), math.radians(distortion.shear)
    limits = np.array([angle, distortion.zoom, slant, distortion.shift, distortion.shift, float(distortion.flip)])
    address = _augment_kernel(dtype, out.dtype, 0.5 if is_bytes else 0.0)
    run(address, chunks, g, down, across, memory, images, out, indices, limits)


@native
def _augment_kernel(dtype, pixels, half):
    def augment(chunk, chunks, dims, pointers):
        """The images of this chunk; ``half`` is what turns cutting off into rounding, 0.5 for bytes."""
        g, (down, across, memory) = read_dims(dims, Batch), read_arrays(pointers, 3, dtype)
        images, out = read_array(pointers, 3, pixels), read_array(pointers, 4, pixels)
        indices, limits = read_array(pointers, 5, np.int64), read_array(pointers, 6, np.float64)
        area, frame, grid = g.H * g.W, (g.H + 3) * (g.W + 3), 2 * g.GH * g.GW
        memory = scratch_of(memory, chunk, chunks)
        places, framed, memory = memory[: 2 * area], memory[2 * area : 2 * area + frame], memory[2 * area + frame :]
        noise, smoothed = memory[:grid], memory[grid:]
        framed[:] = 0
        for i in chunk_range(g.N, chunk, chunks):
            first_draw = i * (MOVES + grid)
            place(g, limits, first_draw, places)
            if grid > 0:
                bend(g, down, across, first_draw + MOVES, noise, smoothed, places)
            image = images[indices[i] * area * g.C : (indices[i] + 1) * area * g.C]
            result = out[i * area * g.C : (i + 1) * area * g.C]
            for c in range(g.C):
                draw(g, image, c, places, framed, result, half)
            if limits[MOVES] > 0 and draw_uniform(g.seed, g.N * (MOVES + grid) + i) >= 0:
                mirror(g, result)

    return augment


@device
def mirror(g, image):
    """Exchange left and right, in place."""
    for r in range(g.H):
        for x in range(g.W // 2):
            left, right = (r * g.W + x) * g.C, (r * g.W + g.W - 1 - x) * g.C
            for c in range(g.C):
                image[left + c], image[right + c] = image[right + c], image[left + c]


@device
def draw_uniform(seed, j):
    """Return random number j of ``seed``, in [-1, 1)."""
    z = mix(np.uint64(seed) + (np.uint64(j) + np.uint64(1)) * STEP)
    return np.float64(np.int64(z >> np.uint64(40)) - 2**23) * 2.0**-23


@device
def place(g, limits, first_draw, places):
    """Write where each pixel comes from when the image as a whole is moved: linear in its row and its column."""
    number = places.dtype.type
    t = limits[0] * draw_uniform(g.seed, first_draw)
    z = limits[1] * draw_uniform(g.seed, first_draw + 1)
    s = limits[2] * draw_uniform(g.seed, first_draw + 2)
    shift_down = limits[3] * draw_uniform(g.seed, first_draw + 3)
    shift_right = limits[4] * draw_uniform(g.seed, first_draw + 4)
    middle_y, middle_x = (g.H - 1) / 2, (g.W - 1) / 2
    cosine, sine, slant = math.cos(t) / (1 + z), math.sin(t) / (1 + z), math.tan(s)
    for r in range(g.H):
        y = r - middle_y - shift_down
        left = -middle_x - shift_right  # x of the first column
        row, row_step = number(y * cosine + left * sine + middle_y), number(sine)
        unslanted = left * cosine - y * sine + (y * cosine + left * sine) * slant
        column, column_step = number(unslanted + middle_x), number(cosine + sine * slant)
        line = places[r * 2 * g.W : (r + 1) * 2 * g.W]
        rows, columns = line[: g.W], line[g.W :]
        for x in range(g.W):
            rows[x] = row + number(x) * row_step
            columns[x] = column + number(x) * column_step


@device
def bend(g, down, across, first_draw, noise, smoothed, places):
    """Add smooth noise to rows and columns at once: down (H, GH) @ noise (2, GH, GW) @ across (GW, W).

    The product with ``across`` comes first and puts the two side by side, smoothed (GH, 2, W), as ``places`` has them:
    the loop of the second product is then twice as long.
    """
    for j in range(noise.size):
        noise[j] = draw_uniform(g.seed, first_draw + j)
    smoothed[:] = 0
    for axis in range(2):
        for k in range(g.GH):
            line = smoothed[(2 * k + axis) * g.W : (2 * k + axis + 1) * g.W]
            for j in range(g.GW):
                value, bump = noise[(axis * g.GH + k) * g.GW + j], across[j * g.W : (j + 1) * g.W]
                for x in range(line.size):
                    line[x] += value * bump[x]
    for r in range(g.H):
        line = places[r * 2 * g.W : (r + 1) * 2 * g.W]
        for k in range(g.GH):
            value, displacement = down[r * g.GH + k], smoothed[k * 2 * g.W : (k + 1) * 2 * g.W]
            for x in range(line.size):
                line[x] += value * displacement[x]


@device
def draw(g, image, c, places, framed, result, half):
    """Write channel c of the result from the same channel of the image, by bilinear sampling."""
    number = framed.dtype.type
    width = g.W + 3
    for r in range(g.H):
        line = framed[(r + 1) * width + 1 :]
        for x in range(g.W):
            line[x] = number(image[(r * g.W + x) * g.C + c])
    last_row, last_column, zero, one = number(g.H + 1), number(g.W + 1), number(0), number(1)
    for r in range(g.H):
        line = places[r * 2 * g.W : (r + 1) * 2 * g.W]
        rows, columns, pixels = line[: g.W], line[g.W :], result[r * g.W * g.C : (r + 1) * g.W * g.C]
        for j in range(g.W):
            y, x = rows[j] + one, columns[j] + one
            y = min(y if y > zero else zero, last_row)  # a NaN is no place in the image either
            x = min(x if x > zero else zero, last_column)
            top, left = np.int64(y), np.int64(x)
            v, u = y - number(top), x - number(left)
            corner = top * width + left
            a = (one - u) * framed[corner] + u * framed[corner + 1]
            b = (one - u) * framed[corner + width] + u * framed[corner + width + 1]
            pixels[j * g.C + c] = result.dtype.type((one - v) * a + v * b + number(half))
