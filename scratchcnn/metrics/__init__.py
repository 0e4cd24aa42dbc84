"""Metrics: numbers for people that say how good a network is. They are measured, never differentiated.

``base.py`` says what a metric of your own needs; a plain function of targets and predictions will often do.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .accuracy import Accuracy, TopKAccuracy
from .base import Metric
from .precision_recall import F1Score, Precision, Recall

# The metrics that a saved model may have been compiled with, and those that go by a name.
METRICS: dict[str, type[Metric]] = {
    metric.__name__: metric for metric in (Accuracy, TopKAccuracy, Precision, Recall, F1Score)
}
__all__ = ["METRICS", "Metric", *METRICS]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
