"""A container of layers with a skip connection. Letters: F what the layers compute, S what the shortcut computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..checks.messages import shown
from ..types import Shape
from .activation_argument import forget_activation, with_activations
from .base import Layer
from .names import names_of


class Residual(Layer):
    """Add what some layers make of the input to the input itself: y = x + F(x).

    The layers only have to learn what is to be changed, and the gradient has a way back on which nothing weakens it
    (He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition"). Where F changes the shape, a shortcut
    S changes that of the input: y = S(x) + F(x), usually with a convolution of 1 x 1.

    Backward: the sum moves with both of its terms one to one, so dy goes back through the layers and past them, and
    both ways meet at the input: dx = (what backward of F makes of dy) + dy, or + (what backward of S makes of dy).

    Parameters
    ----------
    layers : sequence of Layer
        F: fresh layers in a row. They run as one where they could in a model.
    shortcut : sequence of Layer, optional
        S; without any, the input as it is.
    name : str, optional

    Input shape: any that the layers take. Output shape: that of F, which must be that of S, or of the input. Parameters
    and state: those of the layers inside, "conv2d/kernel" and "shortcut/conv2d/kernel"; they are frozen together.
    Raises ValueError where the shapes differ.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> def block(filters, strides=1):
    ...     layers = [sc.Conv2D(filters, 3, strides, "same"), sc.BatchNorm(), sc.ReLU()]
    ...     layers += [sc.Conv2D(filters, 3, padding="same"), sc.BatchNorm()]
    ...     shortcut = [sc.Conv2D(filters, 1, strides, "same")] if strides > 1 else []
    ...     return [sc.Residual(layers, shortcut), sc.ReLU()]
    >>> sc.Sequential([*block(16), *block(32, strides=2)], input_shape=(28, 28, 16)).output_shape
    (14, 14, 32)
    """

    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...]

    def __init__(self, layers: Sequence[Any], shortcut: Sequence[Any] = (), name: str | None = None) -> None:
        super().__init__(name)
        self.layers, self.shortcut = _as_branch("layers", layers), _as_branch("shortcut", shortcut)
        if not self.layers:
            raise ValueError("Residual needs at least one layer")
        self._plans = self.layers, self.shortcut  # what runs: neighbours may be fused

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes = {}
        for prefix, branch in self._branches():
            shape = input_shape
            for layer, name in zip(branch, names_of(branch), strict=True):
                shapes.update({f"{prefix}{name}/{key}": value for key, value in layer.weight_shapes(shape).items()})
                shape = layer.compute_output_shape(shape)
        return shapes

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        shapes = []
        for prefix, branch in self._branches():
            shape = input_shape
            for layer, name in zip(branch, names_of(branch), strict=True):
                layer.__dict__["name"], layer.dtype = name, self.dtype
                layer.input_shape, layer.output_shape = shape, layer.build(shape, rng)
                self._take_over(f"{prefix}{name}", layer)
                shape = layer.output_shape
            shapes.append(shape)
        if shapes[0] != shapes[1]:
            way = "the shortcut makes" if self.shortcut else "the input is"
            raise ValueError(
                f"Residual: the layers make {shapes[0]}, {way} {shapes[1]}, which cannot be added; convolutions with "
                'padding="same" keep height and width, and shortcut=[sc.Conv2D(filters, 1, strides, "same")] changes '
                "the input's shape to that of the layers"
            )
        return self.set_shapes(input_shape, shapes[0])

    def _branches(self) -> list[tuple[str, tuple[Layer, ...]]]:
        return [("", self.layers), ("shortcut/", self.shortcut)]

    def _take_over(self, prefix: str, layer: Layer) -> None:
        """Let parameters and state of a layer inside be those of this one."""
        for name, value in layer.params.items():
            self.add_parameter(f"{prefix}/{name}", value)
            layer.move_parameter(name, self.params[f"{prefix}/{name}"], self.grads[f"{prefix}/{name}"])
        for name, value in layer.state.items():
            self.state[f"{prefix}/{name}"] = value
            layer.state.bind(name, self.state[f"{prefix}/{name}"])

    def run_as(self, plans: tuple[Sequence[Layer], Sequence[Layer]]) -> None:
        """Run these layers from now on, which compute the same, some of them fused."""
        self._plans = tuple(plans[0]), tuple(plans[1])

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        both = []
        for plan in self._plans:
            y = x
            for layer in plan:
                y = layer.forward(y, training)
            both.append(y)
        y = self.output_buffer()
        ops.add(*both, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)
        both: list[np.ndarray | None] = []
        for plan in self._plans:
            dx: Any = dy
            for layer in reversed(plan):
                layer.needs_input_gradient = layer is not plan[0] or self.needs_input_gradient
                dx = layer.backward(dx)
            both.append(dx)
        if not self.needs_input_gradient or both[0] is None or both[1] is None:
            return None
        dx = self.input_gradient_buffer()
        ops.add(both[0], both[1], out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"layers": _described(self.layers), "shortcut": _described(self.shortcut)}

    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds() for layer in (*self.layers, *self.shortcut))

    def all_buffers(self) -> list[np.ndarray]:
        inside = [buffer for plan in self._plans for layer in plan for buffer in layer.all_buffers()]
        return [*super().all_buffers(), *inside]

    def unbuild(self) -> None:
        super().unbuild()
        for layer in (*self.layers, *self.shortcut):
            layer.unbuild()
        self._plans = self.layers, self.shortcut

    def __repr__(self) -> str:
        shortcut = f", shortcut={list(self.shortcut)!r}" if self.shortcut else ""
        return f"Residual({list(self.layers)!r}{shortcut})"


def flattened(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield layers, those inside of a Residual in its place; it has nothing of its own."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from flattened((*layer.layers, *layer.shortcut))
        else:
            yield layer


def planned(plan: Iterable[Layer]) -> Iterator[Layer]:
    """Yield all that a plan runs, a Residual first and then what it runs inside."""
    for layer in plan:
        yield layer
        if isinstance(layer, Residual):
            for inside in layer._plans:
                yield from planned(inside)


def _as_branch(argument: str, layers: Any) -> tuple[Layer, ...]:
    """Return layers in a row, each followed by its activation; what ``config`` returned will do, too."""
    from . import LAYERS  # where this class is listed, too

    if not isinstance(layers, Layer | Iterable):
        raise ValueError(f"Residual: {argument} must be a list of layers, got {shown(layers)}")
    given = [layers] if isinstance(layers, Layer) else list(layers)
    branch: list[Layer] = []
    for place, layer in enumerate(given):
        if isinstance(layer, dict) and layer.keys() >= {"class", "config"} and layer["class"] in LAYERS:
            name, layer = layer.get("name"), LAYERS[layer["class"]](**layer["config"])
            layer.name = name  # type: ignore[assignment]  # None: it gets one
        if not isinstance(layer, Layer):
            raise ValueError(f"Residual: {argument}[{place}] must be a layer, such as sc.ReLU(), got {shown(layer)}")
        if layer.input_shape is not None or any(layer is other for other in branch):
            raise ValueError(f"Residual: {argument}[{place}], {shown(layer)}, is used already; make a new one")
        branch.append(layer)
    followed = tuple(with_activations(branch))
    for layer in branch:
        forget_activation(layer)
    return followed


def _described(layers: Iterable[Layer]) -> list[dict[str, Any]]:
    """Return what makes layers again, as JSON values; a ValueError where one is not of this library."""
    from . import LAYERS

    entries = []
    for layer in layers:
        name = type(layer).__name__
        if LAYERS.get(name) is not type(layer):
            raise ValueError(
                f"a Residual can only be written down with layers of this library inside, not with {name}; derive a "
                "layer of your own from Residual that makes them itself"
            )
        entry = {"class": name, "config": layer.config()}
        entries.append(entry if layer._given_name is None else {**entry, "name": layer._given_name})
    return entries
