"""What a loss is: what training asks of any object that is passed to ``compile(loss=...)``.

Letters: N batch, K classes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Loss(Protocol):
    """What ``compile(loss=...)`` takes: any object with these two methods, and as many of the following as it needs.

    ``check_targets(y, samples, output_shape)``
        Returns the targets in the form that ``forward`` wants, an array of ``samples`` rows, or raises a ValueError
        that says what is wrong with them. Called once for all targets that ``fit`` or ``evaluate`` is given. Without it
        targets are numbers of any shape, finite, one row for each sample: integers as int64, others in the model's
        dtype.
    ``check_outputs(output_shape)``
        Raises a ValueError if a network with such outputs cannot be trained with this loss. Called by ``compile``.
    ``predictions(logits)``
        Returns what ``model.predict`` is to answer for a batch, one row for each sample. Without it the logits as they
        are.
    ``correct(logits, targets)``
        Returns how many samples of a batch are answered rightly, from which the accuracy comes. Without it targets
        (N,) that are integers from 0 to K - 1 are taken for class numbers, of which the highest of K >= 2 logits
        chooses one; there is no accuracy for any others.

    ``per_sample()``
        Returns the loss of each sample of the latest ``forward``, floats (N,). ``fit`` needs it for ``class_weight``
        and ``sample_weight``.

    Examples
    --------
    The mean squared error, for targets (N, 1) of a network that ends in ``Dense(1)``:

    >>> import numpy as np
    >>> class MeanSquaredError:
    ...     def forward(self, logits, targets):
    ...         self.error = logits - targets
    ...         return float(np.mean(self.error**2))
    ...
    ...     def backward(self):
    ...         return 2 * self.error / self.error.size
    >>> loss: Loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    2.0
    """

    def forward(self, logits: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the mean loss of a batch of outputs (N, *output_shape), which must not be changed."""

    def backward(self) -> np.ndarray:
        """Return its gradient at the outputs of the latest ``forward``, of their shape."""
