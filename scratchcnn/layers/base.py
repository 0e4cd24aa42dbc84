"""What every layer has in common: parameters, gradients, state, and buffers that are reused from call to call.

A layer knows its own mathematics and nothing else: not the optimizer, not the loss, not its neighbours. It is built
once for one input shape (without the batch axis); after that ``forward`` and ``backward`` may be called with any batch
size. ``backward`` belongs to the latest ``forward``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks.inputs import as_contiguous, require_arrays
from ..checks.messages import shown
from ..memory import aligned_empty
from ..types import Shape
from .arrays import Arrays
from .membership import ARRAYS, Member
from .settings import Follower


class Layer(Member):
    """The contract of a layer: ``build`` once, then ``forward`` and ``backward`` any number of times.

    Subclasses implement ``build``, ``forward`` and ``backward``, call ``add_parameter`` in ``build``, and take the
    arrays they return from ``buffer``.

    Attributes
    ----------
    name : str
        The model gives one to each layer that has none, such as ``conv2d_1``.
    params, grads : dict of str to ndarray
        The trainable parameters and, under the same names, the gradient of the loss with respect to each. Inside a
        ``Sequential`` both are views into the model's flat vectors. Assigning to a name fills the array that is there:
        ``self.grads["kernel"] = value`` is ``self.grads["kernel"][...] = value``.
    state : dict of str to ndarray
        What is kept but not trained: the moving statistics of a batch normalisation. Assigning in ``build`` makes an
        array, assigning later fills it.
    trainable : bool
        Whether training may change the layer, True at first. The parameters of a frozen layer keep their bits; a
        frozen ``BatchNorm`` normalises with its moving statistics, as at inference. May be changed at any time.
    dtype : numpy dtype
        Of parameters, activations and gradients; set before ``build``.
    needs_input_gradient : bool
        Where False, ``backward`` may return None in place of ``dx``: nobody below this layer learns.
    activation : Layer or None
        A layer that a model puts after this one, ``Dense(10, activation="relu")``; None once it has.

    Examples
    --------
    A layer of one's own: y = x^2, and so dx = 2 x dy.

    >>> import scratchcnn as sc
    >>> class Square(sc.Layer):
    ...     def build(self, input_shape, rng):
    ...         return self.set_shapes(input_shape, input_shape)
    ...
    ...     def forward(self, x, training=False):
    ...         self._x = self.as_input(x)
    ...         return self._x**2
    ...
    ...     def backward(self, dy):
    ...         return 2 * self._x * self.as_gradient(dy)
    >>> sc.gradcheck.check_layer(Square(), input_shape=(4,)).passed
    True
    """

    trainable = True
    kernel_regularizer: Any = None  # a setting of those that have one
    activation = Follower()
    _is_followed = False  # by its activation, in a model that is being made

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        if name is not None:
            self.name = name
        self.dtype = np.dtype(np.float32)
        self.params, self.grads, self.state = (Arrays(kind, self.name) for kind in ARRAYS)
        self.needs_input_gradient = True
        self.input_shape = self.output_shape = None
        self._batch_size = 0
        self._buffers: dict[str, np.ndarray] = {}
        self._views: dict[tuple[str, Shape], np.ndarray] = {}  # of the buffers, in the shapes asked for so far

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Allocate the parameters for inputs of ``input_shape`` (no batch axis) and return the output shape."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, input_shape, rng)")

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters and the state that ``build`` will make, where they are known before.

        ``load_model`` compares them with what is in the file before it spends memory on a layer.
        """
        return {}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one sample's output, without building the layer; that of the input unless said.

        A layer of your own that changes the shape says so here if it is to be part of a ``Residual``.
        """
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the layer's output for a batch; the array is the layer's own and is overwritten by the next call."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x, training=False)")

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Fill ``grads`` from the gradient of the output and return the gradient of the input, a buffer as well."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, dy)")

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values: what ``save`` writes and ``load_model`` reads."""
        return {}

    def multiply_adds(self) -> int:
        """Return the multiply-add operations of one forward pass of one sample (0: not worth counting)."""
        return 0

    def add_parameter(self, name: str, value: np.ndarray) -> None:
        """Register a trainable parameter with its initial value, which is copied, and a gradient of the same shape.

        Raises
        ------
        RuntimeError
            If the layer is part of a model already, or is registering two parameters of this name.
        """
        if self.params.sealed:
            raise RuntimeError(
                f"{self.name} is part of a model, which knows its parameters: register {name!r} in build"
            )
        if name in self.params and self.input_shape is None:
            raise RuntimeError(f"{self.name} registers two parameters under the name {name!r}")
        self._initial[name] = value
        self.params.bind(name, np.array(value, self.dtype, order="C"))
        self.grads.bind(name, np.zeros_like(self.params[name]))

    def set_shapes(self, input_shape: Shape, output_shape: Shape) -> Shape:
        """Remember both shapes, without the batch axis, and return the second: the last line of every ``build``."""
        if self.activation is not None and not self._is_followed:
            raise ValueError(
                f"{self.name}: activation={shown(self.activation)} is a layer of its own, which a Sequential puts "
                f"after this one; for a layer alone leave it out, and use {shown(self.activation)} as the next layer"
            )
        self.input_shape, self.output_shape = input_shape, output_shape
        return output_shape

    def as_input(self, x: np.ndarray) -> np.ndarray:
        """Return a batch the way the operations want it, C-contiguous and of the layer's dtype: ``x`` if it is so.

        Raises
        ------
        RuntimeError
            If the layer has not been built.
        ValueError
            If the samples do not have the shape that the layer was built for.
        """
        if self.input_shape is None:
            raise RuntimeError(f"{self.name} has not been built: put it into a Sequential, or call build first")
        if x.shape[1:] != self.input_shape:
            raise ValueError(f"{self.name} was built for a batch of shape {_batch_of(self.input_shape)}, got {x.shape}")
        self._batch_size = len(x)
        return as_contiguous(x, self.dtype)

    def as_gradient(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the latest output the way the operations want it.

        Raises
        ------
        RuntimeError
            If there was no forward yet.
        ValueError
            If ``dy`` does not have the latest output's shape.
        """
        if self._batch_size == 0:
            raise RuntimeError(f"{self.name}.backward needs a forward before it")
        if self.output_shape is None or dy.shape != (self._batch_size, *self.output_shape):
            expected = _batch_of(self.output_shape or (), self._batch_size)
            raise ValueError(
                f"{self.name}.backward expects the gradient of its latest output, {expected}, got {dy.shape}"
            )
        return as_contiguous(dy, self.dtype)

    def output_buffer(self) -> np.ndarray:
        """Return the buffer for the output of the batch that ``as_input`` has just seen."""
        assert self.output_shape is not None
        return self.buffer("y", (self._batch_size, *self.output_shape))

    def input_gradient_buffer(self) -> np.ndarray:
        """Return the buffer for the gradient of the latest input."""
        assert self.input_shape is not None
        return self.buffer("dx", (self._batch_size, *self.input_shape))

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the layer's parameters and state, in their order: kernel, bias."""
        return [array.copy() for array in (*self.params.values(), *self.state.values())]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take over arrays as ``get_weights`` returns them; a ValueError if their shapes do not fit."""
        require_arrays(weights)
        own = [*self.params.values(), *self.state.values()]
        expected, shapes = [array.shape for array in own], [np.shape(array) for array in weights]
        if shapes != expected:
            built = "" if self.input_shape is not None else "; the layer has no weights before it is part of a model"
            raise ValueError(f"{self.name} has weights of the shapes {shown(expected)}, got {shown(shapes)}{built}")
        for array, value in zip(own, weights, strict=True):
            array[...] = value

    def buffer(self, name: str, shape: Shape, dtype: Any = None) -> np.ndarray:
        """Return this layer's array called ``name``, C-contiguous and 64-byte aligned, its contents undefined.

        A name always goes with the same dtype, the layer's own unless said.

        The memory is kept and grows when a larger shape is asked for: on small networks the operating system's work
        for fresh pages costs more than the arithmetic.
        """
        view = self._views.get((name, shape))
        if view is None:
            size, dtype = math.prod(shape), np.dtype(self.dtype if dtype is None else dtype)
            if name not in self._buffers or self._buffers[name].size < size:
                self._buffers[name] = aligned_empty((size,), dtype)
                self._views.clear()
            view = self._views[name, shape] = self._buffers[name][:size].reshape(shape)
        return view

    def all_buffers(self) -> list[np.ndarray]:
        """Return the memory of all buffers."""
        return list(self._buffers.values())

    def invalidate(self) -> None:
        """After this, ``backward`` needs a new ``forward``."""
        if self._batch_size:  # looking is sooner than setting
            self._batch_size = 0

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


def _batch_of(shape: Shape, size: int | str = "N") -> str:
    """Return the shape of a batch as text: (N, 28, 28, 1)."""
    return f"({', '.join(map(str, (size, *shape)))})"
