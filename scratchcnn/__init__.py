"""A convolutional network written from scratch with NumPy and numba: readable, gradient-checked, and fast.

The names below are in an order in which the code can be read.
"""

import importlib
from typing import Any

# isort: off
from .checks.habits import elsewhere as _elsewhere
from . import ops
from .layers import (
    Layer,
    Rescaling,
    Conv2D,
    ReLU,
    LeakyReLU,
    ELU,
    Sigmoid,
    Tanh,
    MaxPool2D,
    AveragePool2D,
    GlobalAveragePool2D,
    Flatten,
    Dense,
    BatchNorm,
    Dropout,
    Residual,
)
from .losses import SoftmaxCrossEntropy, BinaryCrossEntropy, MeanSquaredError
from .optimizers import SGD, Adam, AdamW, RMSprop
from . import metrics
from . import regularizers
from . import schedules
from .history import History
from .model import Sequential
from . import callbacks
from .callbacks.averaging import ExponentialMovingAverage
from .training.learning_rate_finder import lr_find
from .model import load_model, model_from_json
from .ensemble import Ensemble
from .shift_average import ShiftAverage
from . import data
from . import recipes
from . import terminal
from . import plots
from . import pictures
from .pictures import read_digit, read_digits
from . import gradcheck
from . import interchange
# isort: on

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "SGD",
    "Adam",
    "AdamW",
    "AveragePool2D",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Conv2D",
    "Dense",
    "Dropout",
    "Ensemble",
    "ExponentialMovingAverage",
    "Flatten",
    "GlobalAveragePool2D",
    "History",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "MeanSquaredError",
    "RMSprop",
    "ReLU",
    "Rescaling",
    "Residual",
    "Sequential",
    "ShiftAverage",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Tanh",
    "callbacks",
    "data",
    "gradcheck",
    "interchange",
    "load_model",
    "lr_find",
    "metrics",
    "model_from_json",
    "ops",
    "pictures",
    "plots",
    "read_digit",
    "read_digits",
    "recipes",
    "regularizers",
    "schedules",
    "terminal",
]


def __getattr__(name: str) -> Any:
    if name in ("draw", "sklearn"):  # a server, and what needs scikit-learn: imported when they are asked for
        return importlib.import_module(f".{name}", __name__)
    _elsewhere(__name__, name)
