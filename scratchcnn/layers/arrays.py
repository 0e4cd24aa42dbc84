"""The dictionaries of a layer: arrays by name, whose places in memory stay what they are.

A model lays the parameters of all its layers into one vector, and their gradients into another; a recording, an average
and a file hold on to arrays, too. So an array that was put in the place of another would be one that nobody else knows:
a gradient that no optimizer sees, a parameter that no update reaches. Assigning to a name therefore *fills* the array
that is there,

    self.grads["kernel"] = x.T @ dy      is the same as      self.grads["kernel"][...] = x.T @ dy
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

Replace = Callable[[np.ndarray], np.ndarray]


class Arrays(dict[str, np.ndarray]):
    """The ``params``, ``grads`` or ``state`` of a layer: a dictionary whose assignment fills.

    Parameters
    ----------
    kind : {"params", "grads", "state"}
        Which of the three.
    owner : str
        The name of the layer, for errors.

    Attributes
    ----------
    sealed : bool
        Whether the layer is part of a model, which knows its arrays: there can be no new ones.

    Raises
    ------
    ValueError
        If a value does not have the shape of the array that it is assigned to.
    RuntimeError
        If there is no array of that name, or one is to be removed.

    Examples
    --------
    >>> import numpy as np
    >>> state = Arrays("state", "batch_norm")
    >>> state["moving_mean"] = np.zeros(3)  # the first time: there was none of this name
    >>> array = state["moving_mean"]
    >>> state["moving_mean"] = [1, 2, 3]
    >>> array
    array([1., 2., 3.])
    """

    def __init__(self, kind: str, owner: str) -> None:
        super().__init__()
        self.kind, self.owner, self.sealed = kind, owner, False

    def __setitem__(self, name: str, value: Any) -> None:
        array = self.get(name)
        if value is array and array is not None:
            return  # what += ends with
        value = value if isinstance(value, np.ndarray) else np.asarray(value)
        if value.dtype.kind not in "biuf":
            raise ValueError(f"{self._item(name)} must be real numbers, got an array of dtype {value.dtype}")
        if array is not None:
            if value.shape != array.shape:
                raise ValueError(f"{self._item(name)} has shape {array.shape}, got an array of shape {value.shape}")
            array[...] = value
        elif self.kind == "state" and not self.sealed:
            self.bind(name, value if value.flags.writeable and value.flags.c_contiguous else np.array(value))
        else:
            self._refuse(name)

    def bind(self, name: str, array: np.ndarray) -> None:
        """Put another array in the place of the one of this name, or a first one."""
        super().__setitem__(name, array)

    def update(self, *others: Any, **named: Any) -> None:
        for name, value in dict(*others, **named).items():
            self[name] = value

    def __ior__(self, other: Any) -> Arrays:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, name: str, value: Any = None) -> np.ndarray:  # type: ignore[override]
        if name not in self:
            self[name] = value
        return self[name]

    def fill(self, values: dict[str, Any]) -> None:
        """Take over all values of another dictionary; it must have the same names."""
        if values is self:
            return
        values = dict(values)
        if self and set(values) != set(self):
            raise RuntimeError(
                f"{self.owner}.{self.kind} holds {_listed(self)}, got a dictionary of {_listed(values)}; "
                f'assign the arrays one by one: self.{self.kind}["{next(iter(self))}"] = ...'
            )
        self.update(values)

    def __delitem__(self, name: str) -> NoReturn:
        raise RuntimeError(f"{self._item(name)} cannot be removed: what holds on to the array would not know")

    def pop(self, name: str, *default: Any) -> NoReturn:  # type: ignore[override]
        del self[name]

    def popitem(self) -> NoReturn:
        del self[next(reversed(self), "")]

    def clear(self) -> None:
        if self:
            del self[next(iter(self))]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.kind, self.owner, self.sealed, dict(self))

    def _item(self, name: str) -> str:
        return f"{self.owner}.{self.kind}[{name!r}]"

    def _refuse(self, name: str) -> NoReturn:
        if self.kind == "state":
            raise RuntimeError(f"{self._item(name)} comes too late: a model knows the state that build has set")
        if self.sealed:
            hint = f"; its parameters are {_listed(self)}" if self else "; it has no parameters"
        else:
            hint = f'; register it in build: self.add_parameter("{name}", value), which also makes its gradient'
        raise RuntimeError(f"{self._item(name)} cannot be set: {self.owner} has no parameter {name!r}{hint}")


def _restored(kind: str, owner: str, sealed: bool, arrays: dict[str, np.ndarray]) -> Arrays:
    """Return a copied or unpickled dictionary."""
    restored = Arrays(kind, owner)
    for name, array in arrays.items():
        restored.bind(name, array)
    restored.sealed = sealed
    return restored


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names)) or "nothing"


class View(NamedTuple):
    """What a view shows of an array: how the view is made again of another array."""

    array: np.ndarray
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    writeable: bool

    @classmethod
    def of(cls, view: np.ndarray, array: np.ndarray) -> View | None:
        """Return how a view is made of an array; None if it shows something else."""
        if not np.may_share_memory(view, array):
            return None
        offset = view.__array_interface__["data"][0] - array.__array_interface__["data"][0]
        return cls(array, offset, view.shape, view.strides, view.flags.writeable)

    def made(self) -> np.ndarray:
        """Return the view; a ValueError or TypeError if it reaches beyond the array."""
        view: np.ndarray = np.ndarray(self.shape, self.array.dtype, self.array, self.offset, self.strides)
        view.flags.writeable = self.writeable
        return view


def same_view(view: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the view of ``new`` that corresponds to a view of ``old``; ``view`` itself if it is none of old."""
    if view is old:
        return new
    found = View.of(view, old)
    try:
        return view if found is None else found._replace(array=new).made()
    except (TypeError, ValueError):  # it reaches beyond the old array, and is of something else
        return view


def replace_arrays(attributes: dict[str, Any], replace: Replace, seen: set[int] | None = None) -> None:
    """Put ``replace(array)`` in the place of each array that is an attribute, in a list, or in a layer inside."""
    seen = set() if seen is None else seen
    for attribute, value in attributes.items():
        if attribute not in ("_buffers", "_views", "_initial"):
            attributes[attribute] = _replaced(value, replace, seen)


def _replaced(value: Any, replace: Replace, seen: set[int]) -> Any:
    if isinstance(value, np.ndarray):
        return replace(value)
    if type(value) is tuple:
        return tuple(_replaced(item, replace, seen) for item in value)
    if id(value) in seen:
        return value
    if isinstance(value, list):
        seen.add(id(value))
        value[:] = [_replaced(item, replace, seen) for item in value]
    elif isinstance(value, Arrays):
        for name, array in value.items():
            value.bind(name, replace(array))
    elif type(value) is dict:
        seen.add(id(value))
        value.update({key: _replaced(item, replace, seen) for key, item in value.items()})
    elif isinstance(getattr(value, "params", None), Arrays):  # a layer
        seen.add(id(value))
        replace_arrays(vars(value), replace, seen)
    return value
