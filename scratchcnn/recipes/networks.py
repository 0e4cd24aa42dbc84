"""The networks of the recipes, the quickest first. Each function takes the number of classes and makes new layers."""

from __future__ import annotations

from ..layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Rescaling,
)


def instant_network(classes: int) -> list[Layer]:
    """Return half as many filters as ``fast_network`` has; 8 filters are one vector of AVX2."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(8, 5), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 12 x 12 x 8
        *(Conv2D(16, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 16
        *(Flatten(), Dense(128), ReLU(), Dense(classes)),
    ]


def fast_network(classes: int) -> list[Layer]:
    """Return two small convolutions and a dense layer; 16 filters are one vector of AVX-512."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 12 x 12 x 16
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 32
        *(Flatten(), Dense(64), ReLU(), Dense(classes)),
    ]


def quick_network(classes: int) -> list[Layer]:
    """Return ``fast_network`` with half as many filters in its first convolution, and half as many units again."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(8, 5), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 12 x 12 x 8
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 32
        *(Flatten(), Dense(96), ReLU(), Dense(classes)),
    ]


def short_network(classes: int) -> list[Layer]:
    """Return three convolutions with normalisations: a deeper network learns more from each look, for a few looks."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2), _norm()),  # 28 x 28 x 1 -> 12 x 12 x 16
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 5 x 5 x 32
        *(Conv2D(64, 3), _norm(), ReLU()),  # -> 3 x 3 x 64
        *(Flatten(), Dense(classes)),
    ]


def middle_network(classes: int) -> list[Layer]:
    """Return ``short_network`` with one more convolution, at 12 x 12."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2), _norm()),  # 28 x 28 x 1 -> 12 x 12 x 16
        *(Conv2D(32, 3, padding="same"), _norm(), ReLU()),  # -> 12 x 12 x 32
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 5 x 5 x 32
        *(Conv2D(64, 3), _norm(), ReLU()),  # -> 3 x 3 x 64
        *(Flatten(), Dense(classes)),
    ]


def keras_network(classes: int) -> list[Layer]:
    """Return the network of the Keras example "Simple MNIST convnet"."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 13 x 13 x 32
        *(Conv2D(64, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 64
        *(Flatten(), Dropout(0.5), Dense(classes)),
    ]


def tiny_network(classes: int) -> list[Layer]:
    """Return five convolutions with 7,250 parameters in all, a dense layer included.

    In this network and the next a normalisation comes after each max-pool, not before it. It is as good there, and
    convolution, ReLU and pool are neighbours: together they have a backward pass that costs a fraction.
    """
    return [
        Rescaling(1 / 255),
        *(Conv2D(8, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 8
        *(Conv2D(8, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 8
        *(Conv2D(16, 3), _norm(), ReLU()),  # -> 10 x 10 x 16
        *(Conv2D(16, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 4 x 4 x 16
        *(Conv2D(16, 3), _norm(), ReLU()),  # -> 2 x 2 x 16
        *(Flatten(), Dense(classes)),
    ]


def pictures_network(classes: int) -> list[Layer]:
    """Return the tiny network with twice as many filters: 27,162 parameters, a file of 127 kB."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 16
        *(Conv2D(16, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 16
        *(Conv2D(32, 3), _norm(), ReLU()),  # -> 10 x 10 x 32
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 4 x 4 x 32
        *(Conv2D(32, 3), _norm(), ReLU()),  # -> 2 x 2 x 32
        *(Flatten(), Dropout(0.2), Dense(classes)),
    ]


def best_network(classes: int, dropout: float = 0.3) -> list[Layer]:
    """Return six convolutions; it ends in global average pooling over 192 filters, and a dropout of some of these.

    432,442 parameters, and 28 million multiply-adds an image.
    """
    return [
        Rescaling(1 / 255),
        *(Conv2D(32, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 32
        *(Conv2D(48, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 48
        *(Conv2D(64, 3, padding="same"), _norm(), ReLU()),  # -> 12 x 12 x 64
        *(Conv2D(96, 3, padding="same"), ReLU(), MaxPool2D(2), _norm()),  # -> 6 x 6 x 96
        *(Conv2D(128, 3, padding="same"), _norm(), ReLU()),  # -> 6 x 6 x 128
        *(Conv2D(192, 3), _norm(), ReLU()),  # -> 4 x 4 x 192
        *(GlobalAveragePool2D(), Dropout(dropout), Dense(classes)),
    ]


def lenet5_network(classes: int) -> list[Layer]:
    """Return LeNet-5 (LeCun et al. 1998) as it is built today: with ReLU, maxima and a plain last layer."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(6, 5, padding="same"), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 14 x 14 x 6
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 16
        *(Flatten(), Dense(120), ReLU(), Dense(84), ReLU(), Dense(classes)),
    ]


def _norm() -> BatchNorm:
    """Return a normalisation that remembers the latest 10 batches, not 100: the weights move quickly."""
    return BatchNorm(momentum=0.9)
