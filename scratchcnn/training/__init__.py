"""How a network learns: the loop, evaluation, replay of recorded steps, the learning-rate finder.

Start with ``step.py``, then ``loop.py``. This folder knows networks and callbacks; it does not know the class
``Sequential`` above it.
"""

from .step import train_step

__all__ = ["train_step"]
