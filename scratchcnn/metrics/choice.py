"""What ``compile(metrics=...)`` takes: metrics, their names, functions of the user's own."""

from __future__ import annotations

from typing import Any

from ..checks.messages import shown
from . import METRICS
from .base import MeanOfFunction, Metric

NAMES = {  # what Keras calls them, in small letters
    "accuracy": "Accuracy",
    "acc": "Accuracy",
    "binary_accuracy": "Accuracy",
    "categorical_accuracy": "Accuracy",
    "sparse_categorical_accuracy": "Accuracy",
    "top_k_accuracy": "TopKAccuracy",
    "top_k_categorical_accuracy": "TopKAccuracy",
    "sparse_top_k_categorical_accuracy": "TopKAccuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1Score",
    "f1_score": "F1Score",
}
_ADVICE = 'metrics=["accuracy", sc.metrics.F1Score(), my_function], a function of (targets, predictions) among them'


def as_metrics(metrics: Any) -> tuple[Metric, ...] | None:
    """Return the metrics that a user asks for, or None where nothing is asked for.

    Raises
    ------
    ValueError
        If one of them is none, or two have the same name.
    """
    if metrics is None:
        return None
    given = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    chosen = tuple(_as_metric(place, metric) for place, metric in enumerate(given))
    names = [metric.name for metric in chosen]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two metrics are called {name!r}; give one another, such as name={name + '_2'!r}")
        if name == "loss":
            raise ValueError("a metric cannot be called 'loss', which the loss is")
    return chosen


def _as_metric(place: int, metric: Any) -> Metric:
    if isinstance(metric, str):
        kind = NAMES.get(metric.strip().lower().replace(" ", "_"), metric)
        if kind not in METRICS:
            known = ", ".join(METRICS)
            raise ValueError(f"metrics[{place}]: there is no metric {shown(metric)}; there are {known}: {_ADVICE}")
        chosen = METRICS[kind]()  # type: ignore[call-arg]  # each has a name of its own
        if metric.islower() and metric.isidentifier():  # as in Keras, the value goes by the name that was asked for
            chosen.name = metric
        return chosen
    if isinstance(metric, type) and issubclass(metric, Metric):
        raise ValueError(f"metrics[{place}] is the class {metric.__name__}; write {metric.__name__}(...)")
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return MeanOfFunction(metric)
    raise ValueError(f"metrics[{place}] must be a metric, its name or a function, got {shown(metric)}; {_ADVICE}")
