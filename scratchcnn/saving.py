"""A model as a file, and back.

The file is an ``.npz`` archive of plain arrays, which ``numpy.load`` opens anywhere:

    config                  JSON: the layers and their arguments, the optimizer, the loss, the state of the generator
    conv2d/kernel, ...      parameters and state, by layer and name
    optimizer.mean, ...     what the optimizer remembers

Loading never runs code from the file: no pickles, and classes come from the tables below or from the caller. A file
is written beside its destination and then takes that place in one step (``files.py``), so that a crash, a full disk or
Ctrl-C leaves the old file as it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .files import open_regular, replacing
from .image_range import ImageRange
from .layers import LAYERS
from .layers.base import Layer
from .losses import SoftmaxCrossEntropy
from .optimizers import SGD, Adam, AdamW, Optimizer
from .optimizers.decay import Excluded
from .schedules import Constant, CosineDecay, OneCycle, StepDecay
from .validation import as_integer

if TYPE_CHECKING:
    from .model import Sequential

FORMAT, VERSION = "scratchcnn model", 1
LOSSES = {cls.__name__: cls for cls in (SoftmaxCrossEntropy,)}
OPTIMIZERS = {cls.__name__: cls for cls in (SGD, Adam, AdamW)}
SCHEDULES = {cls.__name__: cls for cls in (Constant, StepDecay, CosineDecay, OneCycle)}


def save_model(model: Sequential, path: str | PathLike[str], include_optimizer: bool = True) -> None:
    """Write a model to ``path``: what it is, what it has learnt, and where its training stands.

    Parameters
    ----------
    model : Sequential
        The model.
    path : path-like
        The file, in a folder that exists; taken as it is, no ``.npz`` is added.
    include_optimizer : bool, default True
        Whether to save optimizer and loss too. Training can then be continued to the same bits, with the arguments it
        had: ``load_model(path).fit(..., initial_epoch=epochs_done)``.

    Raises
    ------
    ValueError
        If the optimizer or the loss is of a class that ``load_model`` does not know.
    OSError
        If the file cannot be written, or what is there is not a regular file or is read-only. It is then untouched.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/digits.npz")
    ...     again = sc.load_model(f"{folder}/digits.npz")
    >>> bool((again.predict(x[:5]) == model.predict(x[:5])).all())
    True
    """
    arrays = {
        "config": np.array(json.dumps(describe(model, include_optimizer), default=_plain_number)),
        **_arrays(model),
    }
    if include_optimizer and model.optimizer is not None:
        arrays |= {f"optimizer.{name}": slot for name, slot in model.optimizer.slots.items()}
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no key is called allow_pickle


def load_model(path: str | PathLike[str], custom_layers: Sequence[type[Layer]] = ()) -> Sequential:
    """Return the model in a file written by ``save``, compiled as it was.

    Parameters
    ----------
    path : path-like
        The file.
    custom_layers : sequence of Layer classes
        Your own layers that the model may contain.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it does not hold a model, is damaged, or comes from a later version of this library.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> class Double(sc.Layer):
    ...     def build(self, input_shape, rng):
    ...         return self.set_shapes(input_shape, input_shape)
    ...
    ...     def forward(self, x, training=False):
    ...         return 2 * self.as_input(x)
    ...
    ...     def backward(self, dy):
    ...         return 2 * self.as_gradient(dy)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sc.Sequential([Double()], input_shape=(1,)).save(f"{folder}/double.npz")
    ...     model = sc.load_model(f"{folder}/double.npz", custom_layers=[Double])
    >>> model.forward([[3.0]]).tolist()
    [[6.0]]
    """
    with open_regular(path) as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                config = json.loads(str(archive["config"]))
                if config["format"] != FORMAT:
                    raise ValueError(f"its format is {config['format']!r}")
                if config["version"] != VERSION:
                    raise ValueError(
                        f"its version is {config['version']}, this library reads {VERSION}; update the library"
                    )
                model = _rebuild(config, custom_layers)
                for name, array in _arrays(model).items():
                    _fill(array, archive, name)
                if model.optimizer is not None:
                    for name, slot in model.optimizer.slots.items():
                        _fill(slot, archive, f"optimizer.{name}")
        except Exception as error:  # there is no end to what can be wrong with the bytes of a stranger
            raise ValueError(f"{os.fspath(path)} does not hold a model that can be loaded: {error}") from error
    return model


def describe(model: Sequential, include_optimizer: bool = True) -> dict[str, Any]:
    """Return all of a model but its arrays, as JSON values."""
    model.lay_out()  # what the optimizer remembers is of the layers that are trainable now
    config: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "layers": [_describe_layer(layer) for layer in model.layers],
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
    return config


def _predictions(model: Sequential) -> str:
    """Return what ``predict`` answers: "softmax", "logits", or what only the loss of that name can say."""
    if model.loss is None:
        return model.saved_predictions
    if getattr(type(model.loss), "predictions", None) is SoftmaxCrossEntropy.predictions:  # a subclass, too
        return "softmax"
    return f"loss {type(model.loss).__name__}" if hasattr(model.loss, "predictions") else "logits"


def _describe_layer(layer: Layer) -> dict[str, Any]:
    entry = {"class": type(layer).__name__, "config": layer.config()}
    return entry if layer.trainable else {**entry, "trainable": False}


def _describe_known(thing: Any, table: dict[str, Any]) -> dict[str, Any]:
    name = type(thing).__name__
    if table.get(name) is not type(thing):
        raise ValueError(
            f"cannot save {thing!r}: only {', '.join(table)} can be loaded again; "
            f"use one of these, or save(path, include_optimizer=False)"
        )
    return {"class": name, "config": thing.config()}


def _rebuild(config: dict[str, Any], custom_layers: Sequence[type[Layer]]) -> Sequential:
    """Return a fresh model, its arrays still to be filled."""
    from .model import Sequential  # model.py imports this file

    layers = LAYERS | {cls.__name__: cls for cls in custom_layers}
    model = Sequential(
        [_make_layer(entry, layers) for entry in config["layers"]],
        input_shape=tuple(config["input_shape"]),
        seed=config["seed"],
        dtype=config["dtype"],
        fuse=config["fuse"],
    )
    model.rng.bit_generator.state = config["rng"]
    if "image_range" in config:
        model.image_range = ImageRange(**config["image_range"])
    model.saved_predictions = str(config.get("predictions", ""))[:100]
    if "optimizer" in config:
        model.compile(_make_optimizer(config["optimizer"]), _make(config["loss"], LOSSES))
        model.optimizer.iterations = as_integer("iterations", config["iterations"], 0)  # type: ignore[union-attr]
    return model


def _make_layer(entry: dict[str, Any], table: dict[str, type[Layer]]) -> Layer:
    layer = _make(entry, table)
    layer.trainable = entry.get("trainable", True)
    return layer


def _make_optimizer(entry: dict[str, Any]) -> Optimizer:
    settings = dict(entry["config"])
    if isinstance(settings["learning_rate"], dict):
        settings["learning_rate"] = _make(settings["learning_rate"], SCHEDULES)
    if "l2_penalty" not in settings and entry["class"] in ("SGD", "Adam"):
        settings["l2_penalty"] = settings.pop("weight_decay")  # an old file, in which this was called weight_decay
    optimizer: Optimizer = _make({"class": entry["class"], "config": settings}, OPTIMIZERS)
    optimizer.excluded = Excluded(names=frozenset(entry.get("excluded", ())))
    return optimizer


def _make(entry: dict[str, Any], table: dict[str, Any]) -> Any:
    if entry["class"] not in table:
        raise ValueError(
            f"it contains a {entry['class']!r}, not one of {', '.join(table)}; pass your own in custom_layers"
        )
    return table[entry["class"]](**entry["config"])


def _arrays(model: Sequential) -> dict[str, np.ndarray]:
    """Return the arrays of the layers, not copies, by the names they have in a file."""
    return {
        f"{layer.name}/{name}": array for layer in model.layers for name, array in (layer.params | layer.state).items()
    }


def _fill(array: np.ndarray, archive: Any, name: str) -> None:
    value = archive[name]
    if value.shape != array.shape or value.dtype != array.dtype:
        raise ValueError(f"{name} is {value.dtype} {value.shape}, the model needs {array.dtype} {array.shape}")
    array[...] = value


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written as JSON; a layer's config must be made of plain values")
