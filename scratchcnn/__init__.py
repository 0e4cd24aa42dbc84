"""A convolutional network written from scratch with NumPy and numba: readable, gradient-checked, and fast.

The names below stand in an order in which the code can be read.
"""

from . import ops
from .layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Rescaling,
)
from .losses import SoftmaxCrossEntropy

__version__ = "0.1.0"

__all__ = [
    "AveragePool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "ReLU",
    "Rescaling",
    "SoftmaxCrossEntropy",
    "ops",
]
