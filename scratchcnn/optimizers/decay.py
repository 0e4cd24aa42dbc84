"""Which parameters the weight decay leaves alone.

The optimizer sees one vector. What the user names, by layer, by parameter or by a part of a name, is found in it by its
address: a parameter of a layer is a view of the vector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..layers.base import Layer

USUAL_NAMES = ("kernel", "bias", "gamma", "beta")  # may be listed though a network has none


@dataclass(frozen=True)
class Excluded:
    """What was asked for: single parameters and layers, parts of names, and whole names found for these in a model."""

    variables: tuple[Any, ...] = ()
    parts_of_names: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, var_list: Iterable[Any], var_names: Iterable[str]) -> Excluded:
        """Return what is asked for, or raise an error that says what cannot be meant."""
        if isinstance(var_names, str):
            raise ValueError(f"var_names must be a list, got a string; pass [{shown(var_names)}]")
        if isinstance(var_list, Layer | np.ndarray):
            raise ValueError("var_list must be a list of layers or parameters, got a single one; put it in brackets")
        variables, parts = tuple(var_list or ()), tuple(var_names or ())
        for variable in variables:
            if not isinstance(variable, Layer | np.ndarray):
                raise ValueError(
                    f"var_list must hold layers or parameters such as layer.params['bias'], got {shown(variable)}; "
                    f"names go into var_names"
                )
        for part in parts:
            if not isinstance(part, str) or not part:
                raise ValueError(f'var_names must hold parts of names such as "bias", got {shown(part)}')
        return cls(variables, parts)

    def find(self, parameters: np.ndarray, named: dict[str, np.ndarray] | None) -> tuple[Excluded, list[slice] | None]:
        """Return what is meant in this vector, and the parts of it that decay; None for the whole of it.

        Where the names are known, what is meant becomes whole names, which a copy or a file of the model knows as well.
        """
        if self == Excluded():
            return self, None
        if named is not None:
            found = self._names_in(named)
            return Excluded(names=found), _parts_without([named[name] for name in found], parameters)
        if self.parts_of_names or self.names:
            raise ValueError(
                "exclude_from_weight_decay was given names, and a vector has none; before the first step, call "
                "optimizer.build(model.parameters, model.named_parameters())"
            )
        arrays = _arrays_of(variable for variable in self.variables if getattr(variable, "trainable", True))
        for array in arrays:
            if _start(array, parameters) is None:
                raise _no_parameter(array)
        return self, _parts_without(arrays, parameters)

    def _names_in(self, named: dict[str, np.ndarray]) -> frozenset[str]:
        if unknown := self.names - named.keys():
            raise ValueError(f"there is no parameter {shown(min(unknown))} to exclude from weight decay")
        names = set(self.names)
        for part in self.parts_of_names:
            matches = {name for name in named if part in name}
            if not matches and part not in USUAL_NAMES:
                raise ValueError(
                    f"no parameter has {shown(part)} in its name, to be excluded from weight decay; there are "
                    f"{', '.join(named)}"
                )
            names |= matches
        for array in _arrays_of(self.variables):
            matches = {name for name, parameter in named.items() if np.may_share_memory(array, parameter)}
            if not matches:
                raise _no_parameter(array)
            names |= matches
        return frozenset(names)


def _arrays_of(variables: Iterable[Any]) -> list[np.ndarray]:
    arrays: list[np.ndarray] = []
    for variable in variables:
        arrays += variable.params.values() if isinstance(variable, Layer) else [variable]
    return arrays


def _start(array: np.ndarray, vector: np.ndarray) -> int | None:
    """Return where in the vector a view of it begins; None if it is not one, as the parameters of a frozen layer."""
    start = (array.ctypes.data - vector.ctypes.data) // vector.itemsize
    return start if 0 <= start and start + array.size <= vector.size else None


def _parts_without(arrays: Iterable[np.ndarray], vector: np.ndarray) -> list[slice]:
    """Return the parts of the vector that lie in none of the arrays."""
    decays = np.ones(vector.size, bool)
    for array in arrays:
        start = _start(array, vector)
        if start is not None:
            decays[start : start + array.size] = False
    edges = np.flatnonzero(np.diff(decays, prepend=False, append=False))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _no_parameter(array: np.ndarray) -> ValueError:
    return ValueError(
        f"an array of shape {array.shape} in var_list is no parameter of this model; pass its layers, or views such as "
        f"model.layers[0].params['bias']"
    )
