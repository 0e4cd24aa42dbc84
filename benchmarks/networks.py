"""The networks that are measured, as plain data that every framework can be built from.

A network is a list of layers, each a tuple: its kind and its settings. Weights are kept in one layout, scratchcnn's and
Keras's: images ``(N, H, W, C)``, convolution kernels ``(KH, KW, C, F)``, dense kernels ``(D, F)``; ``channels_first``
translates them for the frameworks that put channels first.

Letters: N batch, H W height and width, C input channels, F filters, KH KW kernel, D features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

# ("conv", filters, size, padding) ("relu",) ("pool", size) ("global_average_pool",) ("flatten",) ("dropout", rate)
# ("dense", units) ("norm", momentum, epsilon)
Layer = tuple
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """A name, the shape of one image (H, W, C), and the layers in order."""

    name: str
    layers: tuple[Layer, ...]
    input_shape: Shape = (28, 28, 1)

    def shapes(self) -> Iterator[tuple[Layer, Shape, Shape]]:
        """Yield every layer with its input and its output shape, without the batch axis."""
        shape = self.input_shape
        for layer in self.layers:
            before = shape
            match layer:
                case ("conv", filters, size, padding):
                    lost = size - 1 if padding == "valid" else 0
                    shape = (shape[0] - lost, shape[1] - lost, filters)
                case ("pool", size):
                    shape = (shape[0] // size, shape[1] // size, shape[2])
                case ("flatten",):
                    shape = (int(np.prod(shape)),)
                case ("global_average_pool",):
                    shape = shape[-1:]
                case ("dense", units):
                    shape = (units,)
                case ("relu",) | ("dropout", _) | ("norm", _, _):
                    pass
                case _:
                    raise ValueError(f"unknown layer {layer!r} in network {self.name!r}")
            yield layer, before, shape

    def without_dropout(self) -> Network:
        """Return the same network as a deterministic function: what different frameworks must agree on."""
        return replace(self, layers=tuple(layer for layer in self.layers if layer[0] != "dropout"))

    def scaled(self, channels: float = 1, image_size: int | None = None) -> Network:
        """Return the network with ``channels`` times the filters, for square images of ``image_size`` pixels."""
        layers = tuple(
            (layer[0], max(1, round(layer[1] * channels)), *layer[2:]) if layer[0] == "conv" else layer
            for layer in self.layers
        )
        size = image_size or self.input_shape[0]
        return replace(self, layers=layers, input_shape=(size, size, self.input_shape[2]))

    def multiply_adds(self) -> int:
        """Return the multiply-adds of a forward pass of one image; a training step has about three times as many."""
        total = 0
        for layer, before, after in self.shapes():
            if layer[0] == "conv":
                total += after[0] * after[1] * after[2] * layer[2] ** 2 * before[2]
            elif layer[0] == "dense":
                total += before[0] * after[0]
        return total

    def initial_weights(self, seed: int = 0) -> list[np.ndarray]:
        """Return kernel and bias of every layer that has them, in order, as float32 (He 2015 normal; small biases)."""
        rng = np.random.default_rng(seed)
        weights = []
        for layer, before, after in self.shapes():
            if layer[0] == "conv":
                shape: Shape = (layer[2], layer[2], before[2], after[2])
            elif layer[0] == "dense":
                shape = (before[0], after[0])
            else:
                continue
            fan_in = int(np.prod(shape[:-1]))
            weights.append(rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32))
            weights.append(rng.normal(0, 0.01, shape[-1:]).astype(np.float32))
        return weights

    def channels_first(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Return the weights for images (N, C, H, W): convolution kernels (F, C, KH, KW), dense kernels (F, D)."""
        translated = []
        given = iter(weights)
        image: Shape | None = None  # the shape that the latest flatten saw: its features come in another order
        for layer, before, _ in self.shapes():
            if layer[0] == "flatten":
                image = before
            elif layer[0] == "conv":
                translated += [next(given).transpose(3, 2, 0, 1), next(given)]
            elif layer[0] == "norm":  # gamma, beta, and the moving mean and variance
                translated += [next(given) for _ in range(4)]
            elif layer[0] == "dense":
                kernel, bias = next(given), next(given)
                if image is not None:
                    kernel = kernel.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                translated += [kernel.T, bias]
                image = None
        return [np.ascontiguousarray(array) for array in translated]


# The usual first network for MNIST, from the examples of Keras.
KERAS = Network(
    "keras",
    (
        ("conv", 32, 3, "valid"),
        ("relu",),
        ("pool", 2),
        ("conv", 64, 3, "valid"),
        ("relu",),
        ("pool", 2),
        ("flatten",),
        ("dropout", 0.5),
        ("dense", 10),
    ),
)

# LeCun, Bottou, Bengio & Haffner 1998, with the ReLU and the max-pooling that everyone uses today.
LENET5 = Network(
    "lenet5",
    (
        ("conv", 6, 5, "same"),
        ("relu",),
        ("pool", 2),
        ("conv", 16, 5, "valid"),
        ("relu",),
        ("pool", 2),
        ("flatten",),
        ("dense", 120),
        ("relu",),
        ("dense", 84),
        ("relu",),
        ("dense", 10),
    ),
)

# The network of PyTorch's MNIST example: no pooling between its convolutions, hence by far the most arithmetic.
PYTORCH = Network(
    "pytorch",
    (
        ("conv", 32, 3, "valid"),
        ("relu",),
        ("conv", 64, 3, "valid"),
        ("relu",),
        ("pool", 2),
        ("dropout", 0.25),
        ("flatten",),
        ("dense", 128),
        ("relu",),
        ("dropout", 0.5),
        ("dense", 10),
    ),
)

SMALL = Network(
    "small",
    (
        ("conv", 8, 3, "same"),
        ("relu",),
        ("pool", 2),
        ("conv", 16, 3, "same"),
        ("relu",),
        ("pool", 2),
        ("flatten",),
        ("dense", 64),
        ("relu",),
        ("dense", 10),
    ),
)

# Of the kind of Simonyan & Zisserman 2015: pairs of convolutions, each pair at half the resolution of the one before.
VGG = Network(
    "vgg",
    (
        *(("conv", 64, 3, "same"), ("relu",), ("conv", 64, 3, "same"), ("relu",), ("pool", 2)),
        *(("conv", 128, 3, "same"), ("relu",), ("conv", 128, 3, "same"), ("relu",), ("pool", 2)),
        *(("conv", 256, 3, "same"), ("relu",), ("conv", 256, 3, "same"), ("relu",), ("pool", 2)),
        ("global_average_pool",),
        ("dense", 10),
    ),
    (28, 28, 3),
)
VGG_PIXELS = 2 * 224 * 224  # in a mini-batch, whatever the size of the images


def vgg(image_size: int) -> tuple[Network, int]:
    """Return ``VGG`` for images of this height and width, and the batch size at which they have ``VGG_PIXELS``."""
    return VGG.scaled(image_size=image_size), max(1, VGG_PIXELS // image_size**2)


# Two convolutions and little else, for any number of filters: ``CONVOLUTIONS.scaled(channels=2)`` has 32.
CONVOLUTIONS = Network(
    "convolutions",
    (
        *(("conv", 16, 3, "same"), ("relu",), ("conv", 16, 3, "same"), ("relu",)),
        ("global_average_pool",),
        ("dense", 10),
    ),
    (14, 14, 1),
)

NETWORKS = {network.name: network for network in (KERAS, LENET5, PYTORCH, SMALL, VGG)}
