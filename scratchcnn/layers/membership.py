"""What makes a layer part of a model: its name, arrays that others hold on to, and what may not be changed any more.

Nothing here is needed to understand a layer; ``base.py`` is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.elsewhere.methods import LAYER_METHODS
from ..checks.habits import attribute_elsewhere
from ..checks.messages import shown
from ..checks.settings import yes_or_no
from ..types import Shape
from .arrays import Arrays, View, replace_arrays, same_view

ARRAYS = ("params", "grads", "state")  # the dictionaries of a layer
FIXED_IN_A_MODEL = ("name", "dtype", "input_shape", "output_shape")
GUARDED = frozenset((*ARRAYS, *FIXED_IN_A_MODEL, "trainable"))


class Member(KnownAttributes):
    """Base class of ``Layer``: guards the attributes that a model relies on."""

    _watched = True
    name: str
    params: Arrays
    grads: Arrays
    state: Arrays
    trainable: bool
    dtype: np.dtype
    input_shape: Shape | None
    output_shape: Shape | None
    _batch_size: int
    _inside: tuple[Member, ...] = ()  # layers that this one is made of, and
    _part_of: str | None = None  # the name of the one that this is inside of

    def __init__(self) -> None:
        self.__dict__["name"] = type(self).__name__
        self._given_name: str | None = None
        self._initial: dict[str, Any] = {}  # values that add_parameter was given, until the layer is part of a model

    def seal(self) -> None:
        """Take note that ``build`` is over and a model knows the layer's arrays: there can be no new ones.

        Raises
        ------
        RuntimeError
            If an attribute is the initial value of a parameter: it would never learn. Or if a layer inside is frozen.
        """
        for attribute, value in vars(self).items():
            replace_arrays({attribute: value}, partial(self._require_no_initial_value, attribute))
        self._take_in_layers()
        self._initial = {}
        for arrays in (self.params, self.grads, self.state):
            arrays.owner, arrays.sealed = self.name, True

    def _require_no_initial_value(self, attribute: str, array: np.ndarray) -> np.ndarray:
        for name, value in self._initial.items():
            if array is value:
                parameter, gradient = f'self.params["{name}"]', f'self.grads["{name}"]'
                raise RuntimeError(
                    f"{self.name}.{attribute} holds the initial value of the parameter {name!r}, not the parameter: "
                    f"use {parameter} where it is needed, or keep a copy if the initial value is meant; a layer inside "
                    f"shares the parameter after layer.move_parameter(name, {parameter}, {gradient})"
                )
        return array

    def rename(self, name: str) -> None:
        """Give the layer another name although it is part of a model; the model's names must stay unique."""
        self.__dict__["name"] = self._checked_name(name)
        self._given_name = name
        for arrays in (self.params, self.grads, self.state):
            arrays.owner = name

    def unbuild(self) -> None:
        """Forget parameters, state, shapes and dtype: the layer can be built anew."""
        for kind in ARRAYS:
            self.__dict__[kind] = Arrays(kind, self.name)
        self.input_shape = self.output_shape = None
        self.dtype = np.dtype(np.float32)
        for layer in self._inside:
            layer.unbuild()
        self._inside, self._part_of = (), None
        self._batch_size = 0

    def move_parameter(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        """Let a parameter and its gradient live in other arrays, which take over their values.

        What an attribute of the layer shows of the old arrays, it shows of the new ones afterwards: ``self.w``, after
        ``self.w = self.params["w"]`` in ``build``, is still the parameter.
        """
        for arrays, new in ((self.params, parameter), (self.grads, gradient)):
            old = arrays[name]
            if new is old:
                continue
            new[...] = old
            arrays.bind(name, new)
            replace_arrays(vars(self), partial(same_view, old=old, new=new))
            old.flags.writeable = False  # what is written there now would be lost

    def _take_in_layers(self, outer: tuple[Member, ...] = ()) -> None:
        """Note which layers are inside this one, which is inside of ``outer``: they are frozen and thawed with it."""
        outer, found = (*outer, self), {id(layer): layer for layer in layers_in(vars(self))}
        for layer in found.values():
            if layer.input_shape is None or layer.params.sealed or any(layer is other for other in outer):
                continue  # not built by this one: another layer of the model, perhaps
            if self.trainable and not layer.trainable and _share(layer.params, self.params):
                raise RuntimeError(
                    f"{layer.name} is frozen, but {self.name}, which it is part of and which trains its parameters, is "
                    f"not: set trainable = False of {self.name}, or of neither"
                )
            layer._take_in_layers(outer)
            layer._part_of = self.name
            self._inside += (layer,)
            if not self.trainable:
                layer._freeze_or_thaw(False)

    def _freeze_or_thaw(self, trainable: bool) -> None:
        for layer in self._inside:
            layer._freeze_or_thaw(trainable)
        self.__dict__["trainable"] = trainable

    def _checked_trainable(self, value: Any) -> bool:
        value = yes_or_no(f"{self.name}.trainable", value)
        if self._part_of is not None and value != self.trainable:
            raise AttributeError(
                f"{self.name} is part of {self._part_of} and frozen and thawed with it: set trainable of that"
            )
        for layer in self._inside:
            layer._freeze_or_thaw(value)
        return value

    def __call__(self, *inputs: Any, **named: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not called: layers go into a list, "
            "sc.Sequential([...], input_shape=(28, 28, 1)); by hand, after build, it is layer.forward(x)"
        )

    def __getattr__(self, name: str) -> NoReturn:
        attribute_elsewhere(self, name, LAYER_METHODS)

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute; a dictionary of arrays that is replaced as a whole is filled, as its arrays are."""
        if attribute[:1] == "_":
            object.__setattr__(self, attribute, value)  # the short way for what a layer keeps from forward to backward
            return
        if attribute in GUARDED:
            if attribute in ARRAYS and isinstance(vars(self).get(attribute), Arrays):
                vars(self)[attribute].fill(value)
                return
            value = self._checked(attribute, value)
        super().__setattr__(attribute, value)

    def _checked(self, attribute: str, value: Any) -> Any:
        """Return the value that a guarded attribute is to have, or raise an error."""
        if attribute == "trainable":
            return self._checked_trainable(value)
        if attribute == "dtype":
            value = np.dtype(value)
            if value not in (np.float32, np.float64):
                raise ValueError(f'{self.name}.dtype must be "float32" or "float64", got {value}')
        if attribute == "name":
            given, value = value, type(self).__name__ if value is None else self._checked_name(value)
        before = self.__dict__.get(attribute)
        if attribute in FIXED_IN_A_MODEL and getattr(self.__dict__.get("params"), "sealed", False) and value != before:
            raise AttributeError(
                f"{self.name}.{attribute} is fixed once the layer is part of a model, to {before!r}; make a new model"
            )
        if attribute == "name":
            self._given_name = given
        return value

    def _checked_name(self, name: Any) -> str:
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"the name of a layer must be a text without /, got {shown(name)}")
        return name

    def __getstate__(self) -> dict[str, Any]:
        """Leave the buffers out of a copy or a pickle: they hold nothing, and a copy would lose their alignment.

        An attribute that is a view of a parameter, such as its transpose, is one of the copy's parameter in the copy.
        """
        state = {**self.__dict__, "_buffers": {}, "_views": {}}
        arrays = [array for kind in ARRAYS for array in state[kind].values()]
        for attribute, value in state.items():
            if isinstance(value, np.ndarray) and not any(value is array for array in arrays):
                views = (View.of(value, array) for array in arrays)
                state[attribute] = next((view for view in views if view is not None), value)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copied or unpickled layer."""
        made = {attribute: value.made() for attribute, value in state.items() if isinstance(value, View)}
        self.__dict__.update(state, **made)


def layers_in(value: Any) -> Iterator[Any]:
    """Yield the layers in a dictionary, a list or a tuple, but not those inside of layers."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Member):
            yield item
        elif isinstance(item, dict | list | tuple) and item is not value:
            yield from layers_in(item)


def _share(some: Arrays, others: Arrays) -> bool:
    return any(np.may_share_memory(array, other) for array in some.values() for other in others.values())


Kind = TypeVar("Kind", bound=Member)


def unbuilt(layer: Kind) -> Kind:
    """Return a copy of a layer as it was before ``build``."""
    layer = copy.deepcopy(layer)
    layer.unbuild()
    return layer
