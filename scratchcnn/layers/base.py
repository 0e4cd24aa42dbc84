"""What every layer has in common: parameters, gradients, state, and buffers that are reused from call to call.

A layer knows its own mathematics and nothing else: not the optimizer, not the loss, not its neighbours. It is built
once for one input shape (without the batch axis); after that ``forward`` and ``backward`` may be called with any batch
size. ``backward`` belongs to the latest ``forward``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Shape = tuple[int, ...]


def aligned_empty(shape: Shape, dtype: Any) -> np.ndarray:
    """Return an uninitialised array whose first byte lies on a 64-byte boundary, the width of a cache line.

    A vector load that crosses two cache lines costs twice, and NumPy only promises 16 bytes.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


class Layer:
    """The contract of a layer: ``build`` once, then ``forward`` and ``backward`` any number of times.

    Subclasses implement ``build``, ``forward`` and ``backward``, call ``add_parameter`` in ``build``, and take the
    arrays they return from ``buffer``.

    Attributes
    ----------
    params, grads : dict of str to ndarray
        The trainable parameters and, under the same names, the gradient of the loss with respect to each. Inside a
        ``Sequential`` both are views into the model's flat vectors.
    state : dict of str to ndarray
        What is kept but not trained: the moving statistics of a batch normalisation.
    dtype : numpy dtype
        Of parameters, activations and gradients; set before ``build``.
    needs_input_gradient : bool
        Where False, ``backward`` may return None in place of ``dx``: nobody below this layer learns.
    """

    def __init__(self) -> None:
        self.name = type(self).__name__
        self.dtype = np.dtype(np.float32)
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}
        self.state: dict[str, np.ndarray] = {}
        self.needs_input_gradient = True
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self._buffers: dict[str, np.ndarray] = {}

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Allocate the parameters for inputs of ``input_shape`` (no batch axis) and return the output shape."""
        raise NotImplementedError

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the layer's output for a batch; the array is the layer's own and is overwritten by the next call."""
        raise NotImplementedError

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Fill ``grads`` from the gradient of the output and return the gradient of the input, a buffer as well."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values: what ``save`` writes and ``load_model`` reads."""
        return {}

    def multiply_adds(self) -> int:
        """Return the multiply-add operations of one forward pass of one sample (0: not worth counting)."""
        return 0

    def add_parameter(self, name: str, value: np.ndarray) -> None:
        """Register a trainable parameter with its initial value, and a gradient of the same shape."""
        self.params[name] = np.ascontiguousarray(value, self.dtype)
        self.grads[name] = np.zeros_like(self.params[name])

    def buffer(self, name: str, shape: Shape, dtype: Any = None) -> np.ndarray:
        """Return this layer's array called ``name``, C-contiguous and 64-byte aligned, its contents undefined.

        The memory is kept and grows when a larger shape is asked for: on small networks the operating system's work
        for fresh pages costs more than the arithmetic.
        """
        dtype = np.dtype(self.dtype if dtype is None else dtype)
        size = 1
        for extent in shape:
            size *= extent
        kept = self._buffers.get(name)
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._buffers[name] = aligned_empty((size,), dtype)
        return kept[:size].reshape(shape)

    def buffer_bytes(self) -> int:
        """Return the bytes now held in buffers."""
        return sum(kept.nbytes for kept in self._buffers.values())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({arguments})"
