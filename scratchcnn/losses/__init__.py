"""Loss functions: one number that says how wrong a network's predictions are, and its gradient.

``softmax_cross_entropy.py`` is the classifier's; ``protocol.py`` says what a loss of your own needs.
"""

from .protocol import Loss
from .softmax_cross_entropy import SoftmaxCrossEntropy

__all__ = ["Loss", "SoftmaxCrossEntropy"]
