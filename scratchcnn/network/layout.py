"""Where the parameters of a network lie: those that are trained in one vector, their gradients in another.

An update, a norm, an average or a copy of all that learns is then one operation on one array. Parameters of frozen
layers lie elsewhere, each by itself, so nothing that works on the vectors can reach them: no momentum or decay left
over, no clipping, no average.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import numpy as np

from ..layers.base import Layer
from ..memory import aligned_empty


class Layout:
    """The two vectors of a network, for the layers that are trainable now.

    Making one moves the parameters and gradients of all layers: the layers' dictionaries hold views of the vectors
    afterwards, or arrays of their own where the layer is frozen.

    Parameters
    ----------
    layers : sequence of Layer
    dtype : numpy dtype
    new : bool, default False
        Whether the layers were just built, so that nobody can hold on to their arrays but they themselves.

    Raises
    ------
    RuntimeError
        If ``build`` of a new layer has put an array where it cannot be found and moved.

    Attributes
    ----------
    parameters, gradients : ndarray
        The vectors, in the order of the layers.
    parts : dict
        Where in them a layer's parameter lies: a slice for (place of the layer, name of the parameter).
    """

    def __init__(self, layers: Sequence[Layer], dtype: np.dtype, new: bool = False) -> None:
        self._layers = [layer for layer in layers if layer.params]
        self._trainable = [layer.trainable for layer in self._layers]
        self.parts: dict[tuple[int, str], slice] = {}
        size = 0
        for place, layer in enumerate(layers):
            for name in layer.params if layer.trainable else ():
                start, size = size, size + layer.params[name].size
                self.parts[place, name] = slice(start, size)
        self.parameters, self.gradients = aligned_empty((size,), dtype), aligned_empty((size,), dtype)
        for place, layer in enumerate(layers):
            for name in layer.params:
                part, shape = self.parts.get((place, name)), layer.params[name].shape
                arrays = (
                    aligned_empty(shape, dtype) if part is None else vector[part].reshape(shape)
                    for vector in (self.parameters, self.gradients)
                )
                before = [weakref.ref(array[name]) for array in (layer.params, layer.grads)]
                layer.move_parameter(name, *arrays)
                if new:
                    _require_gone(before, layer, name)

    def is_current(self) -> bool:
        """Return whether the same layers as when this was made are trainable."""
        return [layer.trainable for layer in self._layers] == self._trainable

    def carried_over(self, old: Layout, values: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return a vector of this layout from one of an old layout, with ``others`` for what was not in that."""
        result = aligned_empty(self.parameters.shape, values.dtype)
        result[...] = others
        for key, part in self.parts.items():
            if key in old.parts:
                result[part] = values[old.parts[key]]
        return result

    def retire(self) -> None:
        """Let nobody write to the vectors any more: an update would reach no layer."""
        self.parameters.flags.writeable = self.gradients.flags.writeable = False


def _require_gone(arrays: Sequence[weakref.ref[np.ndarray]], layer: Layer, name: str) -> None:
    """Raise a RuntimeError if somebody still holds an array that was a layer's: it would never learn."""
    if any(array() is not None for array in arrays):
        gc.collect()
    for kind, array in zip(("params", "grads"), arrays, strict=True):
        if array() is not None:
            raise RuntimeError(
                f"build of {layer.name} has put the array self.{kind}[{name!r}] into something that is no attribute, "
                f"list or dictionary of the layer, such as an object or a function of its own, where it would not be "
                f"the one that learns; write self.{kind}[{name!r}] where it is needed, or keep a copy"
            )
