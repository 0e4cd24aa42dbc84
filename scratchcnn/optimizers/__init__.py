"""Optimizers: how a gradient becomes a step.

Gradient descent is in ``sgd.py``, Adam in ``adam.py``, RMSprop in ``rmsprop.py``. What they share is in ``base.py``;
which parameters the weight decay leaves out, in ``decay.py``.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .adam import Adam, AdamW
from .base import Optimizer
from .rmsprop import RMSprop
from .settings import LearningRate
from .sgd import SGD

# The optimizers that a saved model may have been compiled with, and those that go by a name.
OPTIMIZERS: dict[str, type[Optimizer]] = {kind.__name__: kind for kind in (SGD, Adam, AdamW, RMSprop)}
__all__ = [*OPTIMIZERS, "OPTIMIZERS", "LearningRate", "Optimizer"]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
