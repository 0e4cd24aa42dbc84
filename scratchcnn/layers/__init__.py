"""What each layer is: its parameters, its shapes, and its two passes. ``base.py`` says what they have in common."""

from .activations import LeakyReLU, ReLU
from .base import Layer
from .conv import Conv2D
from .dense import Dense
from .dropout import Dropout
from .normalization import BatchNorm
from .pool import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from .shape import Flatten, Rescaling

__all__ = [
    "LAYERS",
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
]

# The layers that a saved model may consist of: load_model looks names up here and nowhere else.
LAYERS: dict[str, type[Layer]] = {
    "Rescaling": Rescaling,
    "Conv2D": Conv2D,
    "MaxPool2D": MaxPool2D,
    "AveragePool2D": AveragePool2D,
    "GlobalAveragePool2D": GlobalAveragePool2D,
    "BatchNorm": BatchNorm,
    "ReLU": ReLU,
    "LeakyReLU": LeakyReLU,
    "Flatten": Flatten,
    "Dropout": Dropout,
    "Dense": Dense,
}
