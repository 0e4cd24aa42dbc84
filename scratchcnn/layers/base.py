"""What every layer has in common: parameters, gradients, state, and buffers that are reused from call to call.

A layer knows its own mathematics and nothing else: not the optimizer, not the loss, not its neighbours. It is built
once for one input shape (without the batch axis); after that ``forward`` and ``backward`` may be called with any batch
size. ``backward`` belongs to the latest ``forward``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..attributes import KnownAttributes
from ..messages import shown
from ..settings import yes_or_no
from .arrays import Arrays, View, replace_arrays, same_view

Shape = tuple[int, ...]
ARRAYS = ("params", "grads", "state")  # the dictionaries of a layer
FIXED_IN_A_MODEL = ("name", "dtype", "input_shape", "output_shape")
GUARDED = frozenset((*ARRAYS, *FIXED_IN_A_MODEL, "trainable"))


def aligned_empty(shape: Shape, dtype: Any) -> np.ndarray:
    """Return an uninitialised array whose first byte lies on a 64-byte boundary, the width of a cache line.

    A vector load that crosses two cache lines costs twice, and NumPy only promises 16 bytes.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


class Layer(KnownAttributes):
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
        frozen ``BatchNorm`` normalises with its moving statistics, as outside of training. May be changed at any time.
    dtype : numpy dtype
        Of parameters, activations and gradients; set before ``build``.
    needs_input_gradient : bool
        Where False, ``backward`` may return None in place of ``dx``: nobody below this layer learns.

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

    name: str
    trainable = True

    def __init__(self) -> None:
        self._given_name: str | None = None
        self.__dict__["name"] = type(self).__name__
        self.dtype: np.dtype = np.dtype(np.float32)
        self.params, self.grads, self.state = (Arrays(kind, self.name) for kind in ARRAYS)
        self._initial: dict[str, Any] = {}  # values that add_parameter was given, until the layer is part of a model
        self.needs_input_gradient = True
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
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

    def seal(self) -> None:
        """Take note that ``build`` is over and a model knows the layer's arrays: there can be no new ones.

        Raises
        ------
        RuntimeError
            If an attribute is the initial value of a parameter: it would never learn.
        """
        for attribute, value in vars(self).items():
            replace_arrays({attribute: value}, partial(self._require_no_initial_value, attribute))
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
        self.forget()

    def move_parameter(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        """Let a parameter and its gradient live in other arrays, which take over their values.

        What an attribute of the layer shows of the old arrays, it shows of the new ones afterwards: ``self.w``, after
        ``self.w = self.params["w"]`` in ``build``, is still the parameter.
        """
        for arrays, new in ((self.params, parameter), (self.grads, gradient)):
            old = arrays[name]
            new[...] = old
            arrays.bind(name, new)
            replace_arrays(vars(self), partial(same_view, old=old, new=new))

    def set_shapes(self, input_shape: Shape, output_shape: Shape) -> Shape:
        """Remember both shapes, without the batch axis, and return the second: the last line of every ``build``."""
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
        return np.ascontiguousarray(x, self.dtype)

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
        return np.ascontiguousarray(dy, self.dtype)

    def output_buffer(self) -> np.ndarray:
        """Return the buffer for the output of the batch that ``as_input`` has just seen."""
        assert self.output_shape is not None
        return self.buffer("y", (self._batch_size, *self.output_shape))

    def input_gradient_buffer(self) -> np.ndarray:
        """Return the buffer for the gradient of the latest input."""
        assert self.input_shape is not None
        return self.buffer("dx", (self._batch_size, *self.input_shape))

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

    def buffer_bytes(self) -> int:
        """Return the bytes now held in buffers."""
        return sum(kept.nbytes for kept in self.all_buffers())

    def forget(self) -> None:
        """Let ``backward`` raise its error until there is another ``forward``."""
        self._batch_size = 0

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute; a dictionary of arrays that is replaced as a whole is filled, as its arrays are."""
        if attribute in GUARDED:
            if attribute in ARRAYS and isinstance(vars(self).get(attribute), Arrays):
                vars(self)[attribute].fill(value)
                return
            value = self._checked(attribute, value)
        super().__setattr__(attribute, value)

    def _checked(self, attribute: str, value: Any) -> Any:
        """Return the value that a guarded attribute is to have, or raise an error."""
        if attribute == "trainable":
            return yes_or_no(f"{self.name}.trainable", value)
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

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


def _batch_of(shape: Shape, size: int | str = "N") -> str:
    """Return the shape of a batch as text: (N, 28, 28, 1)."""
    return f"({', '.join(map(str, (size, *shape)))})"
