"""What a metric is: something that looks at targets and predictions, batch by batch, and has a result.

Letters: N batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.calls import why_not_callable
from ..checks.elsewhere.methods import METRIC_METHODS
from ..checks.habits import attribute_elsewhere
from ..checks.messages import shown


class Metric(KnownAttributes):
    """Base class of metrics, with the methods of Keras's: ``reset_state``, ``update_state``, ``result``.

    Attributes
    ----------
    name : str
        What the value is called in ``history``, in callbacks and on the screen; with ``val_`` before it where it is of
        the validation data.
    higher_is_better : bool or None
        What callbacks that look for the best are told; None, the default: they go by the name.

    Examples
    --------
    How often the right class is the most probable one with a probability above a half:

    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> class SureAndRight(sc.metrics.Metric):
    ...     def __init__(self):
    ...         super().__init__("sure_and_right")
    ...
    ...     def reset_state(self):
    ...         self.right = self.samples = 0
    ...
    ...     def update_state(self, targets, predictions):
    ...         self.right += np.count_nonzero(predictions[np.arange(len(targets)), targets] > 0.5)
    ...         self.samples += len(targets)
    ...
    ...     def result(self):
    ...         return float(self.right / self.samples)
    >>> metric = SureAndRight()
    >>> metric.reset_state()
    >>> metric.update_state(np.array([1, 0]), np.array([[0.2, 0.8], [0.4, 0.6]]))
    >>> metric.result()
    0.5
    """

    higher_is_better: bool | None = None
    classifies = False  # whether it makes no sense where nothing is classified

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name or name.startswith("val_"):
            raise ValueError(f"name must be a text, without val_ at its beginning, got {shown(name)}")
        self.name = name

    def __getattr__(self, name: str) -> NoReturn:
        attribute_elsewhere(self, name, METRIC_METHODS)

    def reset_state(self) -> None:
        """Forget all samples; comes before the first of them."""
        raise NotImplementedError(f"{type(self).__name__} must define reset_state(self)")

    def update_state(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        """Take in a batch: targets as the loss has them, and what ``model.predict`` answers, N rows each."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, targets, predictions)")

    def result(self) -> float:
        """Return the value over all samples so far."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self)")

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {"name": self.name}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.config().items())})"


class MeanOfFunction(Metric):
    """The mean over all samples of what a function of the user's returns for a batch.

    Parameters
    ----------
    function : callable
        Of targets and predictions, N rows each; returns the mean over the batch, or a number for each sample (N,).
    """

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], Any]) -> None:
        super().__init__(getattr(function, "__name__", type(function).__name__).strip("<>"))
        self.function = function
        if problem := why_not_callable(function, "targets", "predictions"):
            raise ValueError(f"the metric {self.name} must be a function of (targets, predictions): {problem}")
        self.reset_state()

    def reset_state(self) -> None:
        self._total, self._samples = 0.0, 0

    def update_state(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        values = np.asarray(self.function(targets, predictions))
        if values.dtype.kind not in "biuf" or (values.size != 1 and values.shape != (len(targets),)):
            raise ValueError(
                f"the metric {self.name} must return a number, or one for each of {len(targets)} samples, got "
                f"{values.dtype} of shape {values.shape}"
            )
        self._total += float(values.mean()) * len(targets)
        self._samples += len(targets)

    def result(self) -> float:
        return self._total / self._samples if self._samples else float("nan")
