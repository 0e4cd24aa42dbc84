"""Optimizers: how a gradient becomes a step. Stochastic gradient descent (``sgd.py``) and Adam (``adam.py``).

What they share is in ``base.py``; which parameters the weight decay leaves out, in ``decay.py``.
"""

from .adam import Adam, AdamW
from .base import Optimizer
from .settings import LearningRate
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "LearningRate", "Optimizer"]
