"""The gradients of a convolution by 3 x 3 kernels with Winograd's algorithm (``tiles.py``): as few products here, too.

The forward pass is linear in the input tile d and in the kernel, so each gradient takes the transposes of its
transforms in reverse order. With W = G kernel G^T, I = B^T d B, and O = A dy A^T of the same output tile:

    dd      = B [ W * O ] B^T        the sum over filters inside; neighbouring input tiles overlap, and are added
    dkernel = G^T [ I * O ] G        the sum over all output tiles of the batch inside

Both share O, and for each element both are matrix products: (tiles x F) (F x C) and (C x tiles) (tiles x F). The tiles
are those of the output: where it is smaller than the input, this takes fewer products than convolving dy, with a border
of zeros, to get the input's gradient.
"""

from .....types import Array, Pair
from ....settings import Gradients
from ...machine.tile import tile_add, tile_fma, tile_load, tile_shape, tile_store, tile_zeros
from ...machine.tile_rows import row_where_positive
from ...runtime.arguments import or_empty, read_arrays, read_dims
from ...runtime.chunks import chunks_of_reduction, part_of, round_up
from ...runtime.compile import device, native
from ...runtime.launch import run
from ...runtime.scratch import Name, chunk_scratch, scratch, scratch_of
from ...shared.padded_image import copy_back, zero
from ...shared.reduce import add_kernel_chunks
from ...shared.transpose import transpose
from ..shapes import WinogradDims
from .tiles import PAD, collect_input_tiles, next_tile, product_tile, tiles_of, transformed_kernel
from .transforms import from_input, from_output, from_products

GROUP_BYTES = 1 << 19  # of transformed input tiles and output gradients at a time: half of an L2 cache
CHANNELS = 16  # whose products with the same output gradients, in L1 meanwhile, are made one after the other
LEAST_GROUP = 64  # output tiles, even where they take more: a group reads the kernel, and reads and writes its gradient


def gradients_winograd(
    x: Array,
    kernel: Array,
    dy: Array,
    y: Array | None,
    padding: Pair,
    size: int,
    out: Gradients,
) -> None:
    """Compute the gradients of input, kernel and bias; with y, of a ReLU's output, dy counts only where y > 0."""
    dx, dkernel, dbias = out
    N, _, _, C = x.shape
    _, OH, OW, F = dy.shape
    tile, dx_tile = product_tile(F, x.dtype, rows=C), product_tile(C, x.dtype)
    columns, outputs, elements = round_up(F, tile.columns), tiles_of(OH, OW, size), (size + 2) ** 2
    each = outputs[0] * outputs[1]
    summed = (9 * C + 1) * columns  # the kernel's gradient, then the bias's
    chunks = chunks_of_reduction(N, summed * x.itemsize)
    most = max(LEAST_GROUP, GROUP_BYTES // (elements * (C + F) * x.itemsize))  # output tiles
    images = max(1, min(most // each, -(-N // chunks)))  # whole ones in a group, or a part of one
    group = min(most, images * each)
    rows = round_up(group, dx_tile.inner)
    g = WinogradDims.of(x, dy, size, outputs, padding, columns, group, images)._replace(
        relu=y is not None, wants_dx=dx is not None
    )
    sums = scratch("kernel gradients", (chunks, summed), x.dtype)
    weights = x
    if dx is not None:  # the kernel with its channels and filters exchanged
        transposed = scratch("transposed kernel", (3, 3, F, C), x.dtype)
        transpose(kernel.reshape(9, C, F), transposed, F * C, C)
        weights = transformed_kernel(transposed, dx_tile, size)
    sizes: dict[Name, int] = {
        "lines": (size + 2) * g.width * C,
        "passed": size * size * outputs[1] * columns,
        "input tiles": elements * (group * C + PAD),
        "transformed output tiles": elements * (rows * columns + PAD),
        "products": elements * (max(rows * dx_tile.columns, max(CHANNELS, tile.inner) * tile.columns) + PAD),
        "image gradients": images * g.height * g.width * C,
    }
    memory = [chunk_scratch(name, chunks, extent, x.dtype) for name, extent in sizes.items()]
    address = _gradients_kernel(x.dtype, *tile, *dx_tile[1:], size, PAD)
    run(address, chunks, g, x, dy, dy if y is None else y, weights, *memory, sums, or_empty(dx, x.dtype))
    add_kernel_chunks(sums, 3 * C, columns, dkernel, dbias)


@native
def _gradients_kernel(dtype, outer, inner, vectors, lanes, dx_inner, dx_vectors, depth_lanes, size, pad):
    side = size + 2  # of an input tile
    at_once = max(1, CHANNELS // inner) * inner  # channels

    def winograd_gradients(chunk, chunks, dims, pointers):
        """A chunk of the batch, with sums of its own, a group of tiles at a time: some images, or a part of one.

        Input tiles and output tiles are transformed once, for both gradients. The kernel's: for each register tile of
        channels x filters its products, the group innermost; then they are transformed back and added to the sums. The
        input's: for each panel of channels and each element, register tiles of the group x channels, the filters
        innermost; then each input tile is transformed back and added to the gradient of its padded image.

        Registers: the register tile. L1: its products, and one element's columns of the operands; one reading of a
        kernel's panel serves the whole group. L2: the transformed tiles, and the sums if they fit.
        """
        g = read_dims(dims, WinogradDims)
        x, dy, y, weights, lines, passed, inputs, outputs, products, dimages, sums, dx = read_arrays(
            pointers, 12, dtype
        )
        tile, dx_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, dx_inner, dx_vectors, depth_lanes)
        square, input_tile = tile_shape(side, side, 1, lanes), tile_shape(side, side, 1, depth_lanes)
        output_tile, three = tile_shape(size, size, 1, lanes), tile_shape(3, 3, 1, lanes)
        row = tile_shape(1, 1, vectors, lanes)
        lines, passed = scratch_of(lines, chunk, chunks), scratch_of(passed, chunk, chunks)
        total = part_of(sums, chunk, chunks)
        inputs, outputs = scratch_of(inputs, chunk, chunks), scratch_of(outputs, chunk, chunks)
        products, dimages = scratch_of(products, chunk, chunks), scratch_of(dimages, chunk, chunks)
        width, dx_width = vectors * lanes, dx_vectors * depth_lanes
        rows = (g.group + dx_inner - 1) // dx_inner * dx_inner
        dx_columns = (g.C + dx_width - 1) // dx_width * dx_width
        input_plane, plane, weight_plane = g.group * g.C + pad, rows * g.columns + pad, g.F * dx_columns + pad
        product_plane, dx_plane = at_once * width + pad, rows * dx_width + pad
        each, image_size = g.down * g.across, g.height * g.width * g.C
        zero(lines)
        zero(passed)
        zero(total)
        last = (chunk + 1) * g.N // chunks
        held, held_outputs = -1, -1
        for n in range(chunk * g.N // chunks, last, g.images):
            here = min(g.images, last - n)
            if g.wants_dx:
                zero(dimages)
            after = n, 0, 0
            for begin in range(0, here * each, g.group):
                count, first = min(g.group, here * each - begin), after
                shapes = output_tile, square, row, lanes, width
                held_outputs = collect_output_tiles(
                    shapes, dy, y, g, passed, held_outputs, first, count, outputs, rows, plane, total
                )
                held, after = collect_input_tiles(
                    input_tile, depth_lanes, x, g, lines, held, first, count, inputs, input_plane
                )
                for f in range(0, g.columns, width):
                    for c in range(0, g.C, at_once):
                        channels = min(at_once, g.C - c)  # what the last tile reads after them is dropped
                        for element in range(side * side):
                            for r in range(0, channels, inner):
                                acc = tile_zeros(tile, x)
                                a, b = element * input_plane + c + r, element * plane + f * rows
                                for p in range(count):
                                    acc = tile_fma(tile, acc, inputs, a + p * g.C, 0, 1, outputs, b + p * width)
                                tile_store(tile, acc, products, element * product_plane + r * width, 0, width)
                        add_kernel(square, three, lanes, products, width, product_plane, g, c, channels, f, total)
                for c in range(0, g.C if g.wants_dx else 0, dx_width):
                    for element in range(side * side):
                        for p in range(0, count, dx_inner):
                            acc = tile_zeros(dx_tile, x)
                            for f in range(0, g.F, width):
                                a = element * plane + f * rows + p * width
                                b = element * weight_plane + c * g.F + f * dx_width
                                for k in range(min(width, g.F - f)):
                                    acc = tile_fma(dx_tile, acc, outputs, a + k, 0, width, weights, b + k * dx_width)
                            tile_store(dx_tile, acc, products, element * dx_plane + p * dx_width, 0, dx_width)
                    add_input_tiles(
                        input_tile, depth_lanes, products, dx_width, dx_plane, g, n, first, count, c, dimages
                    )
            for i in range(here if g.wants_dx else 0):
                copy_back(dimages[i * image_size : (i + 1) * image_size], g, dx, (n + i) * g.H * g.W * g.C)

    return winograd_gradients


@device
def add_kernel(square, three, lanes, products, width, plane, g, c, channels, f, total):
    """Transform a tile of products back, and add it to the kernel's gradient from channel c and filter f on."""
    distance = g.C * g.columns
    for r in range(channels):
        for v in range(0, width, lanes):
            values = from_products(square, three, products, r * width + v, (g.size + 2) * plane, plane)
            to = (c + r) * g.columns + f + v
            values = tile_add(values, tile_load(three, total, to, 3 * distance, distance))
            tile_store(three, values, total, to, 3 * distance, distance)


@device
def add_input_tiles(input_tile, lanes, products, width, plane, g, n, position, count, c, dimages):
    """Transform the products of ``count`` tiles back, and add them to their input tiles, from channel c on.

    ``dimages`` are the gradients of the padded images from number n on.
    """
    for p in range(count):
        line = (position[0] - n) * g.height + g.size * position[1]
        corner = (line * g.width + g.size * position[2]) * g.C + c
        for v in range(0, min(width, g.C - c), lanes):
            values = from_input(input_tile, input_tile, products, p * width + v, (g.size + 2) * plane, plane)
            values = tile_add(values, tile_load(input_tile, dimages, corner + v, g.width * g.C, g.C))
            tile_store(input_tile, values, dimages, corner + v, g.width * g.C, g.C)
        position = next_tile(g, position)


@device
def collect_output_tiles(shapes, dy, y, g, passed, held, position, count, outputs, rows, plane, total):
    """Transform the gradients of ``count`` output tiles into matrices (count, F), in panels (rows, width).

    ``passed`` holds those of row number ``held`` of tiles, counted through all images, as ReLU let them pass. Returns
    which row it is then.
    """
    output_tile, square, row, lanes, width = shapes
    for p in range(count):
        n, line, pixel = position
        if n * g.down + line != held:
            pass_row(row, width, dy, y, g, n, line, passed, total)
            held = n * g.down + line
        corner = pixel * g.size * g.columns
        for f in range(0, g.columns, lanes):
            to = f // width * width * rows + p * width + f % width
            values = from_output(output_tile, square, passed, corner + f, g.size * g.across * g.columns, g.columns)
            tile_store(square, values, outputs, to, (g.size + 2) * plane, plane)
        position = next_tile(g, position)
    return held


@device
def pass_row(row, width, dy, y, g, n, line, passed, total):
    """Copy the gradients of a row of tiles, zero where ReLU stopped them, and add them to the bias's gradient.

    Registers: the sums of a panel of filters, and a pixel's gradients; what is left over goes number by number.
    """
    bias, whole = total.size - g.columns, g.F // width * width
    for i in range(g.size):
        oy, to = g.size * line + i, i * g.size * g.across * g.columns
        if oy >= g.OH:
            zero(passed[to:])
            break
        begin = (n * g.OH + oy) * g.OW * g.F
        for f in range(0, whole, width):
            sums = tile_load(row, total, bias + f, 0, 0)
            for ox in range(g.OW):
                gradient = tile_load(row, dy, begin + ox * g.F + f, 0, 0)
                if g.relu:
                    gradient = row_where_positive(row, gradient, y, begin + ox * g.F + f)
                sums = tile_add(sums, gradient)
                tile_store(row, gradient, passed, to + ox * g.columns + f, 0, 0)
            tile_store(row, sums, total, bias + f, 0, 0)
        for ox in range(g.OW if whole < g.F else 0):
            for f in range(whole, g.F):
                place = begin + ox * g.F + f
                gradient = dy[place] if y[place] > 0 or not g.relu else 0
                passed[to + ox * g.columns + f] = gradient
                total[bias + f] += gradient
