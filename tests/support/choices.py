"""Which algorithm the compiled operations choose for a convolution."""


def output_tile(OH, OW, kernel, strides=(1, 1)):
    """Return the size of Winograd's output tiles, 0 where another algorithm is chosen."""
    from scratchcnn.ops.jit.convolution.choice import Convolution, choose_forward

    return choose_forward(Convolution(kernel.shape, (OH, OW), strides, kernel.dtype)).output_tile
