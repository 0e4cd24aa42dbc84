"""What each layer is: its parameters, its shapes, and its two passes. ``base.py`` says what they have in common."""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .activations import ELU, LeakyReLU, ReLU, Sigmoid, Tanh
from .base import Layer
from .conv import Conv2D
from .dense import Dense
from .dropout import Dropout
from .normalization import BatchNorm
from .pool import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from .rescaling import Rescaling
from .residual import Residual
from .shape import Flatten

# The layers that a saved model may consist of: load_model looks names up here and nowhere else.
LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Rescaling,
        Conv2D,
        MaxPool2D,
        AveragePool2D,
        GlobalAveragePool2D,
        BatchNorm,
        ReLU,
        LeakyReLU,
        ELU,
        Sigmoid,
        Tanh,
        Flatten,
        Dropout,
        Dense,
        Residual,
    )
}
__all__ = ["LAYERS", "Layer", *LAYERS]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
