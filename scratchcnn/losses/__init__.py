"""Loss functions: one number that says how wrong a network's predictions are, and its gradient.

``softmax_cross_entropy.py`` is the classifier's, ``binary_cross_entropy.py`` that of yes or no,
``mean_squared_error.py`` that of a regression; ``protocol.py`` says what a loss of your own needs.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .base import LossFunction
from .binary_cross_entropy import BinaryCrossEntropy
from .mean_squared_error import MeanSquaredError
from .protocol import Loss
from .softmax_cross_entropy import SoftmaxCrossEntropy

# The losses that a saved model may have been compiled with: load_model looks names up here and nowhere else.
LOSSES: dict[str, type[LossFunction]] = {
    loss.__name__: loss for loss in (SoftmaxCrossEntropy, BinaryCrossEntropy, MeanSquaredError)
}
__all__ = ["LOSSES", "Loss", *LOSSES]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
