"""Whether a layer can be made again from what its ``config`` tells.

A layer comes back as ``type(layer)(**layer.config())``. Where that makes another layer than the one that is saved, for
an argument that ``config`` does not give or an attribute that was changed since, the model cannot be saved: better
an error now than another network later.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np

from ..checks.messages import reason, shown
from ..layers import LAYERS, Dense
from ..layers.base import Layer
from .layer_attributes import require_same_attributes


def plain(what: str, config: Any) -> Any:
    """Return values as they come back from JSON, or raise a ValueError if they would come back as others."""
    try:
        back = json.loads(json.dumps(config, default=_plain_number))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot save {what}: {reason(error)}; {_ADVICE}") from error
    if not _same(config, back):
        raise ValueError(f"cannot save {what}: {shown(config)} would come back as {shown(back)}; {_ADVICE}")
    return back


_ADVICE = "config() must return numbers, strings, lists and dictionaries of them, and arrays belong into self.state"


def _same(value: Any, back: Any) -> bool:
    """Return whether a value came back from JSON as it was, but for tuples, which become lists."""
    if isinstance(value, dict):
        return isinstance(back, dict) and value.keys() == back.keys() and all(_same(value[k], back[k]) for k in value)
    if isinstance(value, tuple | list):
        return isinstance(back, list) and len(value) == len(back) and all(map(_same, value, back))
    return bool(value == back)


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{shown(value)} cannot be written as JSON")


def own_config(thing: Any) -> dict[str, Any] | None:
    """Return the arguments that make an object of the user's own again; None if nobody knows them."""
    kind = type(thing)
    if not callable(getattr(thing, "config", None)):
        takes_none = kind.__init__ is object.__init__ or len(inspect.signature(kind).parameters) == 0
        return {} if takes_none else None
    config = thing.config()
    if isinstance(config, dict) and callable(config.get("learning_rate")):
        config = {**config, "learning_rate": 0.0}  # a schedule is described by itself
    config = plain(kind.__name__, config)
    try:
        same = isinstance(config, dict) and plain(kind.__name__, kind(**config).config()) == config
    except Exception as error:
        raise ValueError(
            f"cannot save {kind.__name__}: {kind.__name__}(**config()) fails ({reason(error)}); config() must return "
            "the arguments of __init__"
        ) from error
    return config if same else None


def require_rebuildable(layer: Layer) -> None:
    """Raise a ValueError unless ``type(layer)(**layer.config())`` is the same layer, its arrays aside."""
    cls = type(layer)
    name = cls.__name__
    config = plain(name, layer.config())
    if not isinstance(config, dict):
        raise ValueError(f"cannot save {name}: config() must return a dictionary, got {shown(config)}")
    _require_arguments(layer, config)
    try:
        twin = cls(**config)
    except Exception as error:
        raise ValueError(
            f"cannot save {name}: {name}(**layer.config()) fails ({reason(error)}); config() must return the arguments "
            f"of {name}.__init__ as numbers, strings and lists"
        ) from error
    if (back := plain(name, twin.config())) != config:
        raise ValueError(
            f"cannot save {name}: it would come back with config() {shown(back)} instead of {shown(config)}"
        )
    require_same_attributes(layer, twin, config)
    for key in layer.params.keys() & layer.state.keys():
        raise ValueError(f"cannot save {layer.name}: {key!r} is both a parameter and state; rename one")
    if LAYERS.get(name) is cls:
        _require_same_shapes(layer, twin)


def _require_arguments(layer: Layer, config: dict[str, Any]) -> None:
    """Raise a ValueError unless ``config`` has a value for every argument that the layer can have been made with."""
    cls, passes_on = type(layer), False
    for base in cls.__mro__:
        if base is Layer:
            if passes_on and cls.config is Layer.config:
                break  # the last __init__ takes **options, and nobody says which it got
            return
        if base in LAYERS.values():
            return  # may leave out what was not asked for; an attribute that differs is found below
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        kinds = {parameter.kind for parameter in parameters}
        passes_on = inspect.Parameter.VAR_KEYWORD in kinds
        if inspect.Parameter.POSITIONAL_ONLY in kinds or (inspect.Parameter.VAR_POSITIONAL in kinds and not passes_on):
            raise ValueError(
                f"cannot save {cls.__name__}: {cls.__name__}(**layer.config()) cannot give arguments by position; "
                "write def __init__(self, name, ...) without * or / for them"
            )
        for parameter in parameters:
            if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
                continue
            if parameter.name not in config and (base is cls or _takes(cls, config, parameter)):
                _refuse(cls, parameter.name)
        if not passes_on:
            return
    _refuse(cls, "options")


def _takes(cls: type[Layer], config: dict[str, Any], parameter: inspect.Parameter) -> bool:
    """Return whether a class hands an argument on to the class above it, rather than choosing it itself."""
    try:
        cls(**config, **{parameter.name: parameter.default})
    except TypeError:  # got multiple values
        return False
    except Exception:
        return True
    return True


def _refuse(cls: type[Layer], argument: str) -> None:
    advice = f'def config(self): return {{**super().config(), "{argument}": self.{argument}}}'
    raise ValueError(
        f"cannot save {cls.__name__}: its config() does not give the argument {argument!r} of __init__, which would be "
        f"another one after loading; write {advice}"
    )


def _require_same_shapes(layer: Layer, twin: Layer) -> None:
    """Raise a ValueError if a layer of this library was changed after it was built, so that it is another one now."""
    assert layer.input_shape is not None
    expected = {key: array.shape for key, array in (layer.params | layer.state).items()}
    try:
        same = twin.weight_shapes(layer.input_shape) == expected
        if same and not isinstance(twin, Dense):  # which has no shapes but those of its weights, and may be large
            vars(twin).update(kernel_initializer="zeros", dtype=layer.dtype)
            same = twin.build(layer.input_shape, np.random.default_rng(0)) == layer.output_shape
    except ValueError:
        same = False
    if not same:
        raise ValueError(
            f"cannot save {layer.name}: an attribute was changed after the model was made, {layer!r} has other shapes; "
            "make a new Sequential"
        )
