"""All of a model but its arrays, as JSON values: what ``save`` writes, after a look whether ``load_model`` can use it.

Which layers cannot be made again is found out in ``rebuildable.py``.
"""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..layers import LAYERS
from ..layers.base import Layer
from ..layers.names import unique_names
from ..losses import LOSSES, BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from ..metrics import METRICS
from ..metrics.base import MeanOfFunction
from ..network.network import Network
from ..optimizers import OPTIMIZERS
from ..schedules import SCHEDULES
from .rebuildable import own_config, plain, require_rebuildable

FORMAT, VERSION = "scratchcnn model", 1
MOST_LAYERS, MOST_CHARACTERS = 5_000, 2_000_000  # of a model, and of its description as JSON


def describe(model: Network, include_optimizer: bool = True) -> dict[str, Any]:
    """Return all of a model but its arrays, as JSON values.

    Raises
    ------
    ValueError
        If ``load_model`` could not make the same model of it; the message says what to write.
    """
    if len(model.layers) > MOST_LAYERS:
        raise ValueError(f"cannot save {len(model.layers)} layers, the most are {MOST_LAYERS}")
    _require_no_other_answers(model)
    if model.rng.bit_generator.state["bit_generator"] != "PCG64":
        raise ValueError(f"cannot save {shown(model.rng)}: model.rng must be made by numpy.random.default_rng(seed)")
    kinds: dict[str, type[Layer]] = dict(LAYERS)
    for layer in model.layers:
        cls = type(layer)
        if kinds.setdefault(cls.__name__, cls) is not cls:
            raise ValueError(f"cannot save: there are two classes of layers called {cls.__name__}; rename one")
        require_rebuildable(layer)
    return facts(model, include_optimizer)


def _require_no_other_answers(model: Network) -> None:
    """Raise a ValueError if a class derived from Sequential computes in its own way: a Sequential comes back."""
    library = __name__.partition(".")[0]
    known = next(kind for kind in type(model).__mro__ if kind.__module__.partition(".")[0] == library)
    for method in ("forward", "backward", "predict", "as_images"):
        if getattr(type(model), method, None) is not getattr(known, method, None):
            raise ValueError(
                f"cannot save: {type(model).__name__} has a {method} of its own, but load_model makes a Sequential; "
                "move what it does into a layer of your own"
            )


def facts(model: Network, include_optimizer: bool = True) -> dict[str, Any]:
    """Return the description, unchecked."""
    config: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "layers": [
            _describe_layer(layer, name) for layer, name in zip(model.layers, unique_names(model.layers), strict=True)
        ],
        "input_shape": list(model.input_shape),
        "seed": model.seed,
        "dtype": model.dtype.name,
        "fuse": model.fuse,
        "rng": model.rng.bit_generator.state,
    }
    if model.image_range is not None:
        config["image_range"] = asdict(model.image_range)
    if model.loss is not None or model.saved_predictions:
        config["predictions"] = _predictions(model)
    if include_optimizer and model.optimizer is not None:
        config["optimizer"] = _describe_known(model.optimizer, OPTIMIZERS)
        config["optimizer"]["excluded"] = sorted(model.optimizer.excluded.names)
        config["iterations"] = model.optimizer.iterations
        rate = model.optimizer.learning_rate
        if callable(rate):
            config["optimizer"]["config"]["learning_rate"] = _describe_known(rate, SCHEDULES)
        config["loss"] = _describe_known(model.loss, LOSSES)
        if model.metrics is not None:
            config["metrics"] = [_describe_known(metric, METRICS) for metric in model.metrics]
    return plain("the model", config)


_ANSWERS = {
    SoftmaxCrossEntropy.predictions: "softmax",
    BinaryCrossEntropy.predictions: "sigmoid",
    MeanSquaredError.predictions: "logits",
}


def _predictions(model: Network) -> str:
    """Return what ``predict`` answers: "softmax", "logits", or what only the loss of that name can say."""
    if model.loss is None:
        return model.saved_predictions
    answers = getattr(type(model.loss), "predictions", None)
    if answers in _ANSWERS:  # a subclass's, too
        return _ANSWERS[answers]
    return f"loss {type(model.loss).__name__}" if hasattr(model.loss, "predictions") else "logits"


def _describe_layer(layer: Layer, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"class": type(layer).__name__, "config": layer.config()}
    if layer.name != name:
        if not isinstance(layer.name, str):
            raise ValueError(f"cannot save: the name of {name} must be a string, got {shown(layer.name)}")
        entry["name"] = layer.name
    if not layer.trainable:
        entry["trainable"] = False
    return entry


def _describe_known(thing: Any, table: dict[str, Any]) -> dict[str, Any]:
    """Return what makes an optimizer, a loss, a schedule or a metric again: one of this library, or of the user's."""
    name = type(thing).__name__
    if table.get(name) is type(thing):
        return {"class": name, "config": thing.config()}
    function = thing.function if isinstance(thing, MeanOfFunction) else thing
    if inspect.isfunction(function) and function.__name__ != "<lambda>":
        return {"function": function.__name__}
    if name in table:
        raise ValueError(f"cannot save {shown(thing)}: its class is called as one of this library; rename it")
    if not inspect.isfunction(function) and (config := own_config(thing)) is not None:
        return {"class": name, "config": config}
    raise ValueError(
        f"cannot save {shown(function)}: only {', '.join(table)}, functions with a name, and classes of your own with "
        "a config() that returns the arguments of __init__ can be loaded again (custom_objects); use one of these, or "
        "save(path, include_optimizer=False)"
    )


def model_arrays(model: Network) -> dict[str, np.ndarray]:
    """Return the arrays of the layers, not copies, by the names they have in a file."""
    return {
        f"{name}/{key}": array
        for layer, name in zip(model.layers, unique_names(model.layers), strict=True)
        for key, array in (layer.params | layer.state).items()
    }
