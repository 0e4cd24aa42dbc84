"""Does a layer keep parameters that nobody knows of? ``self.W`` and ``self.dW``, say, without ``add_parameter``.

All derivatives of such a layer may be right, and yet it never learns: an optimizer sees only what is registered. An
attribute is a parameter if the outputs depend on it, no pass changes it, and ``backward`` leaves its gradient in
another attribute. That is what tells it from fixed filters, which have no gradient, from statistics, which forward
changes, and from what is kept of a batch. A gradient is known by its values or, where they are wrong, by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..layers.base import Layer
from .history import Batch
from .subjects import Subject

DIRECTIONS = 3
STEP, AGREE = 1e-4, 1e-4  # relative: of a change, and between two derivatives
DEEPEST = 4  # containers within containers
NO_PLACES = ("_buffers", "_views", "_initial", "_inside", "__doc__")  # of parameters
AFFIX = "grads?|gradients?"


class Kept(NamedTuple):
    """A float or an array of floats that a layer keeps, in an attribute, a dictionary or a list."""

    container: Any
    key: Any
    value: Any


def unregistered_parameters(subject: Subject, batch: Batch, other: Batch) -> list[str]:
    """Return a sentence for each parameter that a layer has not registered, and what to write.

    Parameters
    ----------
    subject : Subject
        Will have seen other batches afterwards.
    batch, other : (ndarray, targets)
        Two with different numbers of samples.
    """
    known = [array for layer in subject.layers for array in _known(layer)]
    known += [buffer for step in (subject.network.plan if subject.network else ()) for buffer in step.all_buffers()]
    layers = [layer for layer in subject.layers if layer.trainable]
    subject.run(*other)
    before = [{place: np.array(kept.value) for place, kept in _kept_by(layer, known).items()} for layer in layers]
    subject.outputs(*other, training=True)
    subject.outputs(*batch, training=False)
    _, gradients = subject.run(*batch)
    sentences = []
    for layer, earlier in zip(layers, before, strict=True):
        now = _kept_by(layer, known)
        changed = {
            place: np.array(kept.value, np.float64)
            for place, kept in now.items()
            if place not in earlier or not _same(earlier[place], kept.value)
        }
        registered = [gradient for (owner, _), gradient in gradients.items() if owner == layer.name]
        for place in [place for place in now if place not in changed]:
            size = np.size(now[place].value)
            alike = {name: g for name, g in changed.items() if g.size == size and _is_new(g, registered)}
            gradient = _gradient_of(subject, batch, now[place], place, alike) if alike else None
            if gradient is not None:
                sentences.append(f"{layer.name}: {_advice(layer, place, gradient)}")
    return sentences


def _known(layer: Layer) -> list[np.ndarray]:
    return [*layer.params.values(), *layer.grads.values(), *layer.state.values(), *layer.all_buffers()]


def _kept_by(layer: Layer, known: list[np.ndarray]) -> dict[str, Kept]:
    """Return by their places what a layer keeps, but for known arrays and views of these."""
    return {
        place: kept
        for place, kept in _walk(layer, "self", set(), layer)
        if not (isinstance(kept.value, np.ndarray) and any(np.may_share_memory(kept.value, a) for a in known))
    }


def _walk(container: Any, place: str, seen: set[int], layer: Layer, depth: int = 0) -> Iterator[tuple[str, Kept]]:
    if id(container) in seen or depth > DEEPEST:
        return
    seen.add(id(container))
    is_object = not isinstance(container, dict | list | tuple)
    items = vars(container) if is_object else container
    for key, value in list(items.items() if isinstance(items, dict) else enumerate(items)):
        there = f"{place}.{key}" if is_object else f"{place}[{key!r}]"
        if key in NO_PLACES:
            continue
        if isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            if np.size(value) and id(value) not in seen:  # an array with two names has the first
                yield there, Kept(container, key, value)
            if isinstance(value, np.ndarray):
                seen.add(id(value))
        elif isinstance(value, Layer):
            if value in layer._inside and value.trainable:  # others are of another model, or looked at by themselves
                yield from _walk(value, there, seen, value, depth + 1)
        elif isinstance(value, dict | list | tuple) or _is_of_the_user(value):
            yield from _walk(value, there, seen, layer, depth + 1)


def _is_of_the_user(value: Any) -> bool:
    """Return whether something is an object with attributes, and not of this library or of NumPy."""
    package = type(value).__module__.partition(".")[0]
    return hasattr(value, "__dict__") and package not in (__name__.partition(".")[0], "numpy", "builtins")


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _is_new(gradient: np.ndarray, registered: list[Any]) -> bool:
    """Return whether an array is not just a copy of a gradient that is registered."""
    return not any(known is not None and _same(gradient, known) for known in registered)


def _gradient_of(
    subject: Subject, batch: Batch, kept: Kept, place: str, candidates: dict[str, np.ndarray]
) -> str | None:
    """Return the place of the gradient of an array or number; None if it has none, or nothing depends on it."""
    x, targets = batch
    weights = targets if subject.target_name == "dy" else 1.0
    rng = np.random.default_rng(0)
    slopes, directions = [], []
    for _ in range(DIRECTIONS):
        try:
            with np.errstate(all="ignore"):
                direction = rng.standard_normal(np.shape(kept.value))
                ends, moved = [], []
                for sign in (1, -1):
                    with _moved(kept, sign * STEP * direction) as values:
                        moved.append(values)
                        ends.append(subject.outputs(x, targets))
        except Exception:  # it may not be changed: no parameter
            return None
        directions.append(moved[0] - moved[1])
        slopes.append(float(np.sum((ends[0] - ends[1]) * weights)))
    if not (np.isfinite(slopes).all() and any(slopes)):
        return None
    largest = max(abs(slope) for slope in slopes)
    for name, gradient in candidates.items():
        if gradient.shape != directions[0].shape:
            continue
        products = [float(np.sum(gradient * direction)) for direction in directions]
        if np.allclose(products, slopes, rtol=0, atol=AGREE * largest):
            return name
    return next((name for name in candidates if _is_named_gradient(place, name)), None)


@contextmanager
def _moved(kept: Kept, change: np.ndarray) -> Iterator[np.ndarray]:
    """Change an array or a number for a while; yield what it is meanwhile."""
    value = kept.value
    if isinstance(value, np.ndarray):
        before = value.copy()
        value += np.asarray(change, value.dtype)
        try:
            yield value.astype(np.float64)
        finally:
            value[...] = before
    else:
        _put(kept, moved := type(value)(value + float(change)))
        try:
            yield np.array(moved, np.float64)
        finally:
            _put(kept, value)


def _put(kept: Kept, number: Any) -> None:
    if isinstance(kept.container, dict | list):
        kept.container[kept.key] = number
    else:
        setattr(kept.container, kept.key, number)


def _is_named_gradient(place: str, other: str) -> bool:
    """Return whether ``other`` is called the gradient of ``place``: W and dW, w and grad_w, params["W"], grads["W"]."""
    *above, name = re.findall(r"\w+", place)
    *others_above, others_name = re.findall(r"\w+", other)
    name, others_name = name.strip("_"), others_name.strip("_")
    if name.lower() == others_name.lower():
        return above != others_above and re.search(AFFIX, "".join(others_above), re.IGNORECASE) is not None
    word = re.escape(name)
    pattern = rf"(d|g|{AFFIX})_?{word}|{word}_?({AFFIX})"
    return above == others_above and re.fullmatch(pattern, others_name, re.IGNORECASE) is not None


def _advice(layer: Layer, place: str, gradient: str) -> str:
    """Return what is wrong with an attribute that is a parameter, and what to write."""
    name = re.findall(r"\w+", place)[-1].strip("_")
    name = f"parameter_{name}" if name.isdigit() else name
    fault = f"{place} is a parameter that no optimizer knows of, so it never learns, although backward fills {gradient}"
    register = f'register it in build: self.add_parameter("{name}", '
    inside = re.fullmatch(r"(.*)\.params\['.*'\]", place)
    if inside and layer._inside:
        return (
            f'{fault}; {register}{place}), and let the layer inside share it: {inside[1]}.move_parameter("{name}", '
            f'self.params["{name}"], self.grads["{name}"])'
        )
    return (
        f'{fault}; {register}initial_value), use self.params["{name}"] in its place, and fill self.grads["{name}"] '
        "in backward"
    )
