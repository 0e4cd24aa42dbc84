"""A model made again from an archive that nobody vouches for.

What the file says is compared before it is believed: each layer's shapes with those of its arrays before the layer is
built, and in the end all that was said with what the model says of itself.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, TypeVar

import numpy as np

from ..checks.messages import shown
from ..layers import LAYERS
from ..layers.base import Layer
from ..metrics.choice import as_metrics
from ..network.image_range import ImageRange
from ..network.network import Network
from ..optimizers import Optimizer
from ..optimizers.decay import Excluded
from ..types import Shape
from .archive import Header
from .description import (
    FORMAT,
    MOST_CHARACTERS,
    MOST_LAYERS,
    VERSION,
    facts,
    model_arrays,
)
from .known import Known

Kind = TypeVar("Kind", bound=Network)


class Arrays(Protocol):
    """The arrays of a file, or of a part of one: what of an ``Archive`` is needed here."""

    names: set[str]

    def header(self, name: str) -> Header:
        """Return shape and dtype of an array."""

    def require(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Raise a ValueError unless there is an array of this name, shape and dtype."""

    def read(self, name: str) -> np.ndarray:
        """Return an array."""

    def read_into(self, name: str, array: np.ndarray) -> None:
        """Fill an array of the same shape and dtype."""


LONGEST_NUMBER = 1000  # digits of an integer in a file
MOST_ITERATIONS = 1 << 53
OWN = "custom_objects"
ARCHITECTURE = ("layers", "input_shape", "seed", "dtype", "fuse")  # what makes a network, before it learns


def rebuild(archive: Arrays, known: Known, kind: type[Kind]) -> Kind:
    """Return the network of an archive, as an object of the class ``kind``."""
    config = _read_config(archive)
    entries = _entries_of(config)
    layers = [_make_layer(entry, known.layers) for entry in entries]
    model = kind.__new__(kind)
    look = _Look(archive, draw=any(type(layer) not in LAYERS.values() for layer in layers))
    model.before_build = look
    model.__init__(  # type: ignore[misc]
        layers,
        input_shape=tuple(config["input_shape"]),
        seed=config["seed"],
        dtype=config["dtype"],
        fuse=config["fuse"],
    )
    del model.before_build
    for layer, initializer in look.left_zero:
        vars(layer)["kernel_initializer"] = initializer  # which is fixed now
    model.rng.bit_generator.state = config["rng"]
    if "image_range" in config:
        model.image_range = ImageRange(**config["image_range"])
    model.saved_predictions = str(config.get("predictions", ""))[:100]
    arrays = model_arrays(model)
    for layer, entry in zip(layers, entries, strict=True):  # before compile: what does not decay goes by these names
        if "name" in entry:
            layer.rename(entry["name"])
    if len({layer.name for layer in layers}) < len(layers):
        raise ValueError("two of its layers have the same name")
    if "optimizer" in config:
        _compile(model, config, archive, known)
        assert model.optimizer is not None
        arrays |= {f"optimizer.{name}": slot for name, slot in model.optimizer.slots.items()}
    if homeless := archive.names - arrays.keys() - {"config"}:
        raise ValueError(f"it holds arrays that have no place in this network: {shown(sorted(homeless))}")
    for name, array in arrays.items():
        archive.read_into(name, array)
    _require_all_told(config, facts(model), "config")
    return model


def fresh(config: Any, known: Known, kind: type[Kind]) -> Kind:
    """Return a network that is what a description says, with its initial weights."""
    _require_format(config)
    entries = _entries_of(config)
    layers = [_make_layer(entry, known.layers) for entry in entries]
    for layer, entry in zip(layers, entries, strict=True):
        layer.name = entry.get("name")  # type: ignore[assignment]  # None: the model gives one
    settings = {key: config[key] for key in ARCHITECTURE if key != "layers"}
    model = kind(layers, **{**settings, "input_shape": tuple(settings["input_shape"])})
    _require_all_told({key: config[key] for key in ARCHITECTURE}, facts(model), "description")
    return model


def _entries_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the descriptions of the layers, not too many of them, those inside of others counted."""
    entries: list[dict[str, Any]] = config["layers"]
    count, pending = 0, [entries]
    while pending:
        for entry in pending.pop():
            count += 1
            if isinstance(entry, dict) and isinstance(entry.get("config"), dict):
                pending += [entry["config"][key] for key in ("layers", "shortcut") if entry["config"].get(key)]
    if count > MOST_LAYERS:
        raise ValueError(f"it has {count} layers, the most are {MOST_LAYERS}")
    return entries


def _read_config(archive: Arrays) -> dict[str, Any]:
    """Return the description of the model, of a version that is known here."""
    header = archive.header("config")
    if header.shape != () or header.dtype.kind != "U" or header.dtype.itemsize > 4 * MOST_CHARACTERS:
        raise ValueError(f"its config is {header}, expected a text of at most {MOST_CHARACTERS} characters")
    config = json.loads(str(archive.read("config")), parse_constant=_no_nan, parse_int=_short_integer)
    _require_format(config)
    return config


def _require_format(config: Any) -> None:
    """Raise a ValueError unless this is the description of a model, of a version that is known here."""
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else config
        raise ValueError(f"its format is {shown(found)}, expected {FORMAT!r}")
    if config["version"] != VERSION:
        raise ValueError(f"its version is {shown(config['version'])}, this library reads {VERSION}; update the library")


def _no_nan(name: str) -> float:
    if name == "NaN":
        raise ValueError("its config contains NaN")
    return float(name)


def _short_integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"its config contains a number of {len(digits)} digits")
    return int(digits)


class _Look:
    """A look at the arrays of a layer of this library before it is built: it costs no more than the file has.

    Its weights will be overwritten, so no random numbers are drawn for them. Only where there are layers of the user's
    own, which may draw numbers that are kept nowhere else, all are drawn as they were when the model was made.
    """

    def __init__(self, archive: Arrays, draw: bool) -> None:
        self.archive, self.draw = archive, draw
        self.left_zero: list[tuple[Any, str]] = []  # layers, and the initializers that they should have

    def __call__(self, layer: Layer, input_shape: Shape) -> None:
        try:
            shapes = layer.weight_shapes(input_shape)
        except ValueError:
            return  # build will say the same
        for name, shape in shapes.items() if _depth(layer, "weight_shapes") <= _depth(layer, "build") else ():
            self.archive.require(f"{layer.name}/{name}", shape, layer.dtype)
        if not self.draw and hasattr(layer, "kernel_initializer"):
            self.left_zero.append((layer, layer.kernel_initializer))
            layer.kernel_initializer = "zeros"


def _depth(layer: Layer, method: str) -> int:
    """Return how far above a layer's class a method is written: one inherited knows nothing of overridden ones."""
    return next(depth for depth, cls in enumerate(type(layer).__mro__) if method in vars(cls))


def _compile(model: Network, config: dict[str, Any], archive: Arrays, known: Known) -> None:
    """Compile a model as it was, after a look at what the optimizer is to remember."""
    optimizer = _make_optimizer(config["optimizer"], known)
    for name in optimizer.slot_names:
        archive.require(f"optimizer.{name}", model.parameters.shape, model.dtype)
    model.optimizer, model.loss = optimizer, _make(config["loss"], known.losses, OWN)
    if "metrics" in config:
        model.metrics = as_metrics([_make_or_find(entry, known.metrics, known) for entry in config["metrics"]])
    if config["iterations"] > MOST_ITERATIONS:
        raise ValueError(f"its iterations are {shown(config['iterations'])}, the most are {MOST_ITERATIONS}")
    optimizer.iterations = config["iterations"]


def _make_optimizer(entry: dict[str, Any], known: Known) -> Optimizer:
    if "l2_penalty" not in entry["config"] and entry["class"] in ("SGD", "Adam"):
        entry["config"]["l2_penalty"] = entry["config"].pop("weight_decay")  # an old file, where this was its name
    rate = entry["config"]["learning_rate"]
    if isinstance(rate, dict) and rate.get("class") == "Constant":  # an old file, where a number could be a schedule
        entry["config"]["learning_rate"] = rate["config"]["learning_rate"]
    settings = dict(entry["config"])
    if isinstance(settings["learning_rate"], dict):
        settings["learning_rate"] = _make_or_find(settings["learning_rate"], known.schedules, known)
    optimizer: Optimizer = _make({"class": entry["class"], "config": settings}, known.optimizers, OWN)
    optimizer.excluded = Excluded(names=frozenset(entry.get("excluded", ())))
    return optimizer


def _make_layer(entry: dict[str, Any], kinds: dict[str, type[Layer]]) -> Layer:
    layer = _make(entry, kinds)
    layer.trainable = entry.get("trainable", True)
    layer.name = None  # type: ignore[assignment]  # arrays go by the names that a model gives
    return layer


def _make(entry: dict[str, Any], table: dict[str, Any], own: str = "custom_layers") -> Any:
    name = entry["class"]
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"it contains a {shown(name)}, not one of {', '.join(table)}; pass your own in {own}")
    return table[name](**entry["config"])


def _make_or_find(entry: dict[str, Any], table: dict[str, Any], known: Known) -> Any:
    """Return what an entry describes, or the function that it names."""
    if "function" not in entry:
        return _make(entry, table, OWN)
    name = entry["function"]
    if name not in known.functions:
        raise ValueError(f"it needs the function {shown(name)}; pass it in {OWN}")
    return known.functions[name]


def _require_all_told(told: Any, loaded: Any, where: str) -> None:
    """Raise a ValueError if a file says something that the model loaded from it does not say of itself."""
    if isinstance(told, dict) and isinstance(loaded, dict):
        for key, value in told.items():
            if key not in loaded:
                raise ValueError(f"its {where} has {shown(key)}, unknown to this version; update the library")
            _require_all_told(value, loaded[key], f"{where}[{shown(key)}]")
    elif isinstance(told, list) and isinstance(loaded, list) and len(told) == len(loaded):
        for place, (value, other) in enumerate(zip(told, loaded, strict=True)):
            _require_all_told(value, other, f"{where}[{place}]")
    elif type(told) is not type(loaded) or told != loaded:
        raise ValueError(f"its {where} is {shown(told)}, but the model made of it has {shown(loaded)}")
