"""Names of what an epoch measures, and the best value so far of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.messages import shown
from ..checks.settings import as_number
from ..history import as_plain
from ..metrics import Metric

MEASURES = ("loss", "accuracy")  # by fit, of the training samples, and with the prefix val_ of the validation samples
HIGHER_IS_BETTER = ("accuracy", "acc", "auc", "f1", "f1_score", "iou", "precision", "r2", "recall", "score")


class Monitor(KnownAttributes):
    """The best value so far of one of the logs.

    Parameters
    ----------
    name : str
        Which of the logs.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": what the metric of that name says of itself, else higher if the name
        ends in one of ``HIGHER_IS_BETTER``, and lower if not.
    min_delta : float
        How much better than the best a value must be to count, >= 0.
    """

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if not isinstance(name, str):
            raise ValueError(f'monitor must be the name of one of the logs, such as "val_loss", got {shown(name)}')
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode must be "auto", "min" or "max", got {shown(mode)}')
        min_delta = as_number("min_delta", min_delta)
        if not min_delta >= 0:
            raise ValueError(f"min_delta must be at least 0, got {min_delta}")
        self.name, self.mode, self.min_delta = name, mode, min_delta
        ends = tuple(f"_{end}" for end in HIGHER_IS_BETTER)
        self._higher_by_name = f"_{name.lower()}".endswith(ends)
        self._is_expected = False  # for fit has said that it will measure it
        self.reset()

    def require_measured(self, measured: Sequence[str], others_may_come: bool) -> None:
        """Raise a ValueError, before any training, if an epoch will not measure it."""
        require_names([self.name], measured, others_may_come)
        self._is_expected = self.name in measured

    def reset(self, metrics: Iterable[Metric] | None = ()) -> None:
        """Forget what was best; the metrics that are measured may say what better means."""
        own = [metric.higher_is_better for metric in metrics or () if metric.name == self.name.removeprefix("val_")]
        higher_is_better = self._higher_by_name if not own or own[0] is None else own[0]
        self.sign = 1.0 if self.mode == "max" or (self.mode == "auto" and higher_is_better) else -1.0
        self.best = -np.inf  # of sign * value, so that higher is better
        self.measured = False  # in any epoch so far

    def get_state(self) -> dict[str, Any]:
        """Return what was best so far, for a checkpoint."""
        return {"best": float(self.best), "measured": self.measured}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what ``get_state`` returned."""
        self.best, self.measured = float(state["best"]), bool(state["measured"])

    def is_measured(self, logs: dict[str, Any]) -> bool:
        """Return whether this epoch has measured it; some callbacks measure every few epochs only.

        Raises
        ------
        ValueError
            If no epoch has so far and ``fit`` did not say that one will, or the value is no number.
        """
        value = as_plain(logs).get(self.name)
        if value is None:
            if not (self.measured or self._is_expected):
                raise ValueError(not_measured(self.name, logs))
            return False
        if not isinstance(value, int | float):
            raise ValueError(f"{shown(self.name)} is monitored, but this epoch's value is not a number: {shown(value)}")
        self.measured = True
        return True

    def improved(self, logs: dict[str, Any]) -> bool:
        """Return whether this epoch is the best so far, and remember it if so."""
        if not self.is_measured(logs):
            return False
        value = self.sign * float(as_plain(logs)[self.name])
        if value - self.min_delta > self.best:  # never true of a NaN
            self.best = value
            return True
        return False


def as_monitor(name: str, value: Any) -> Monitor:
    """Return ``value`` if it is a monitor; an error that says how to make one otherwise."""
    if not isinstance(value, Monitor):
        raise ValueError(f'{name} must be a Monitor, such as sc.callbacks.Monitor("val_accuracy"), got {shown(value)}')
    return value


def require_names(names: Iterable[str], measured: Iterable[str], others_may_come: bool) -> None:
    """Raise a ValueError, before any training, if an epoch will not measure what is asked for.

    Parameters
    ----------
    names : iterable of str
        What is asked for.
    measured : iterable of str
        What ``fit`` measures in each epoch.
    others_may_come : bool
        Whether there are callbacks that may add others. Then only what must be a misspelling is refused.
    """
    for name in names:
        if name not in measured and (not others_may_come or meant_by(name)):
            raise ValueError(not_measured(name, measured))


def not_measured(name: str, measured: Iterable[str]) -> str:
    """Return the message for a name that is not among what is measured, with the advice that leads on."""
    meant = meant_by(name)
    if meant is None and name.removeprefix("val_") not in MEASURES:
        plain = name.removeprefix("training_").removeprefix("train_")  # as others call what has no prefix here
        meant = plain if plain in measured else next(iter(get_close_matches(name, measured, 1)), None)
    text = f"there is no {shown(name)} among what an epoch measures: {', '.join(measured)}"
    text += f"; did you mean {meant!r}?" if meant else ""
    wanted = meant or name
    if wanted in measured:
        return text
    if wanted.startswith("val_") and not any(other.startswith("val_") for other in measured):
        return f"{text}; pass validation_data or validation_split"
    if wanted.endswith("accuracy") and "accuracy" not in measured:
        return f"{text}; there is no accuracy where targets are not class numbers"
    return f"{text}; monitor one of these, or let a callback add it to logs in its on_epoch_end"


def meant_by(name: str) -> str | None:
    """Return what ``fit`` may measure and a name can only be a misspelling of; None for any other name.

    Examples
    --------
    >>> meant_by("val_acc"), meant_by("validation_los"), meant_by("val_loss"), meant_by("val_f1")
    ('val_accuracy', 'val_loss', None, None)
    """
    stem = name.strip().lower().replace("-", "_").replace(" ", "_")
    prefix = next((prefix for prefix in ("validation_", "valid_", "val_", "val") if stem.startswith(prefix)), "")
    stem = stem[len(prefix) :]
    for measure in MEASURES:
        longer = len(stem) > len(measure) and (stem.startswith(measure) or stem.endswith(measure))  # a name of its own
        alike = not longer and SequenceMatcher(None, stem, measure).ratio() > 0.8
        if alike or (measure, stem) == ("accuracy", "acc"):
            meant = ("val_" if prefix else "") + measure
            return meant if meant != name else None
    return None
