"""The parameters of a network as one vector, their gradients as another; each layer looks at its part through views.

An update, a norm, an average or a copy of the whole network is then one operation on one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.elsewhere.methods import METHODS
from ..checks.inputs import as_integer, require_arrays
from ..checks.messages import shown
from ..concurrency.interrupts import unbroken
from ..concurrency.locks import Lock
from ..fusion.patterns import layers_of
from ..layers.base import Layer
from ..optimizers import Optimizer
from .layout import Layout


class ParameterVectors(KnownAttributes):
    """What a network has of layers that learn: the two vectors, the weights, and the optimizer that remembers them."""

    layers: tuple[Layer, ...]
    plan: tuple[Layer, ...]
    leaves: tuple[Layer, ...]
    stateful_layers: tuple[Layer, ...]
    dtype: np.dtype
    lock: Lock
    recordings: dict[Any, Any]
    _layout: Layout
    _optimizer: Optimizer | None

    @property
    def parameters(self) -> np.ndarray:
        """The parameters of all layers that are not frozen. What is assigned is filled in."""
        return self.layout.parameters

    @parameters.setter
    def parameters(self, values: np.ndarray) -> None:
        _fill("parameters", self.parameters, values)

    @property
    def gradients(self) -> np.ndarray:
        """The gradients of ``parameters``. What is assigned is filled in."""
        return self.layout.gradients

    @gradients.setter
    def gradients(self, values: np.ndarray) -> None:
        _fill("gradients", self.gradients, values)

    @property
    def layout(self) -> Layout:
        """The vectors, and what lies where in them; another one after a layer was frozen or thawed."""
        self.lay_out()
        return self._layout

    @property
    def trainable(self) -> bool:
        """Whether any layer with parameters is trainable. Assigning freezes or thaws all layers."""
        return any(layer.trainable for layer in self.layers if layer.params)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value

    @property
    def optimizer(self) -> Optimizer | None:
        """What ``fit`` updates the parameters with. Another one may be assigned, if it serves no other model."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Optimizer | None) -> None:
        if optimizer is not None:
            require_optimizer(optimizer).build(self.parameters, self.named_parameters())
        self._optimizer = optimizer

    def lay_out(self) -> None:
        """Bring the vectors in line with which layers are trainable now; most of the time they are.

        The optimizer that the model was compiled with keeps what it remembers of parameters that stay. Vectors from
        before a change belong to no layer any more and cannot be written to.
        """
        if not self._layout.is_current():
            with self.lock:
                self._lay_out_anew()

    def _lay_out_anew(self) -> None:
        old = self._layout
        if old.is_current():  # another thread was sooner
            return
        new = self._layout = Layout(self.layers, self.dtype)
        if self.optimizer is not None:
            zeros = np.zeros((), self.dtype)
            self.optimizer.follow(
                old.parameters,
                new.parameters,
                lambda slot: new.carried_over(old, slot, others=zeros),
                self.named_parameters(),
            )
        old.retire()
        self.recordings.clear()
        self._find_first_trained()

    def _find_first_trained(self) -> None:
        """Note the first layer of the plan that learns: training needs no gradients before it."""
        places = (
            place
            for place, planned in enumerate(self.plan)
            if any(layer.params and layer.trainable for layer in layers_of(planned))
        )
        self.first_trained = next(places, 0)
        for layer in self.plan:
            layer.needs_input_gradient = True

    def named_parameters(self) -> dict[str, np.ndarray]:
        """Return all parameters, frozen ones included, not copies, by names such as "conv2d/kernel"."""
        self.lay_out()
        return {f"{layer.name}/{name}": array for layer in self.layers for name, array in layer.params.items()}

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of a name, or the one at a place.

        Raises
        ------
        ValueError
            If there is none.

        Examples
        --------
        >>> import scratchcnn as sc
        >>> model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
        >>> model.get_layer("dense") is model.get_layer(index=-1)
        True
        """
        if (name is None) == (index is None):
            raise ValueError('get_layer takes a name or an index: get_layer("conv2d") or get_layer(index=0)')
        if index is not None:
            index = as_integer("index", index, -len(self.layers))
            if index >= len(self.layers):
                raise ValueError(f"there is no layer {index}; there are {len(self.layers)}")
            return self.layers[index]
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            raise ValueError(f"there is no layer {shown(name)}; there are {', '.join(self._names())}")
        return found

    def _names(self) -> list[str]:
        return [layer.name for layer in self.layers]

    def __getattr__(self, name: str) -> NoReturn:
        text = f"{type(self).__name__} has no attribute {name!r}"
        raise AttributeError(f"{text}: {METHODS[name]}" if name in METHODS else text, name=name, obj=self)

    def count_params(self) -> int:
        """Return the number of parameters, frozen ones included."""
        return sum(parameter.size for layer in self.layers for parameter in layer.params.values())

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all parameters and all state, layer by layer."""
        with self.lock:
            return [array.copy() for array in self._weights()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take over what ``get_weights`` returned, here or in a model of the same layers."""
        require_arrays(weights)
        with self.lock, unbroken:
            own, shapes = self._weights(), [np.shape(array) for array in weights]
            if [array.shape for array in own] != shapes:
                expected = shown([array.shape for array in own])
                raise ValueError(f"the weights of another network: shapes {shown(shapes)}, expected {expected}")
            for array, value in zip(own, weights, strict=True):
                array[...] = value

    def _weights(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in (*layer.params.values(), *layer.state.values())]


def require_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"optimizer must be an object such as sc.Adam(1e-3), got {shown(optimizer)}")
    return optimizer


def _fill(name: str, vector: np.ndarray, values: Any) -> None:
    if values is not vector:  # which += ends with
        if np.shape(values) != vector.shape:
            raise ValueError(f"model.{name} has shape {vector.shape}, got {np.shape(values)}")
        vector[...] = values
