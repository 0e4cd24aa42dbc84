"""The classes and functions that a file may name: those of this library, and those that its reader hands over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..checks.messages import shown
from ..layers import LAYERS
from ..layers.base import Layer
from ..losses import LOSSES
from ..metrics import METRICS, Metric
from ..optimizers import OPTIMIZERS, Optimizer
from ..schedules import SCHEDULES


class Known(NamedTuple):
    """What a file may name, by name."""

    layers: dict[str, type[Layer]]
    optimizers: dict[str, Any]
    losses: dict[str, Any]
    schedules: dict[str, Any]
    metrics: dict[str, Any]
    functions: dict[str, Callable[..., Any]]

    @classmethod
    def of(cls, custom_layers: Iterable[type[Layer]] = (), custom_objects: Any = None) -> Known:
        """Return what the library has, and what is handed over.

        Raises
        ------
        ValueError
            If these are no classes or functions, or two have the same name.
        """
        known = cls(dict(LAYERS), dict(OPTIMIZERS), dict(LOSSES), dict(SCHEDULES), dict(METRICS), {})
        for layer in custom_layers or ():
            if not (isinstance(layer, type) and issubclass(layer, Layer)):
                raise ValueError(f"custom_layers must be classes of layers, such as [MyLayer], got {shown(layer)}")
            _add("custom_layers", known.layers, layer.__name__, layer)
        for name, thing in _named(custom_objects):
            if not isinstance(thing, type):
                _add("custom_objects", known.functions, name, thing)
            elif issubclass(thing, Layer):
                _add("custom_objects", known.layers, name, thing)
            elif issubclass(thing, Optimizer):
                _add("custom_objects", known.optimizers, name, thing)
            elif issubclass(thing, Metric):
                _add("custom_objects", known.metrics, name, thing)
            else:
                table = known.losses if hasattr(thing, "backward") else known.schedules
                _add("custom_objects", table, name, thing)
        return known


def _named(custom_objects: Any) -> list[tuple[str, Any]]:
    """Return classes and functions with their names; as a dictionary or a list."""
    if custom_objects is None:
        return []
    if isinstance(custom_objects, Mapping):
        pairs = list(custom_objects.items())
    elif isinstance(custom_objects, Iterable) and not isinstance(custom_objects, str):
        pairs = [(getattr(thing, "__name__", ""), thing) for thing in custom_objects]
    else:
        pairs = [("", custom_objects)]
    for name, thing in pairs:
        if not (callable(thing) and isinstance(name, str) and name):
            raise ValueError(
                f"custom_objects must be classes and functions, [MyLoss, my_metric] or {{'MyLoss': MyLoss}}, got "
                f"{shown(custom_objects)}"
            )
    return pairs


def _add(argument: str, table: dict[str, Any], name: str, thing: Any) -> None:
    if table.setdefault(name, thing) is not thing:
        what = "classes of layers" if issubclass(type(thing), type) and issubclass(thing, Layer) else "things"
        raise ValueError(f"{argument}: there are two {what} called {name}; rename one")
