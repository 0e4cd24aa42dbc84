"""What can be checked, in one form: a layer, a whole network with its loss, a loss.

A subject runs forward and backward as training does, and watches over what neither may do: write to arrays of others,
or hand out gradients that no optimizer will see. The generator and the state (moving averages, for example) are put
back before each forward.

Letters: N batch, K classes.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..layers.base import Layer
from ..layers.membership import unbuilt
from ..losses import Loss
from ..losses.use import mean_loss
from ..model import Sequential
from ..network.network import Network
from ..types import Shape

Gradients = dict[tuple[str, str], Any]  # (layer, "dx" or the name of a parameter) -> gradient


class ContractError(ValueError):
    """A layer or loss does what it may not do, so that there is nothing to check."""


class Subject:
    """Base class.

    Attributes
    ----------
    name : str
        Of whatever an error is about.
    input_name : tuple of (str, str)
        The key of the input's gradient.
    arrays : dict of (layer, parameter) to (ndarray, ndarray)
        The parameters and their gradients, where an optimizer finds them.
    """

    target_name = "the labels"

    def __init__(self, name: str, input_name: tuple[str, str], network: Network | None, training: bool) -> None:
        self.name, self.input_name, self.network, self.training = name, input_name, network, training
        self.layers: Sequence[Layer] = network.layers if network else ()
        self.arrays = {
            (layer.name, name): (layer.params[name], layer.grads[name])
            for layer in self.layers
            if layer.trainable  # a frozen one owes no gradients
            for name in layer.params
        }
        self._states = [(state, state.copy()) for layer in self.layers for state in layer.state.values()]
        self._generator: Any = network.rng.bit_generator.state if network else None

    def outputs(self, x: np.ndarray, targets: Any, training: bool | None = None) -> np.ndarray:
        """Return what ``forward`` gives, as a copy."""
        if self.network is not None:
            self.network.rng.bit_generator.state = self._generator
            for state, at_start in self._states:
                state[...] = at_start
        return np.array(self._forward(x, targets, self.training if training is None else training), np.float64)

    def run(self, x: np.ndarray, targets: Any, input_gradient: bool = True) -> tuple[np.ndarray, Gradients]:
        """Run forward and backward; return the outputs and all gradients, as copies.

        Raises
        ------
        ContractError
            If something is changed that may not be, or a gradient is not where an optimizer finds it.
        """
        watched = {"its input": x, self.target_name: targets}
        for layer in self.layers:
            watched |= {f"the parameter {name!r} of {layer.name}": array for name, array in layer.params.items()}
        before = copy.deepcopy(watched)
        outputs = self.outputs(x, targets)
        dx = self._backward(targets, input_gradient)
        for what, array in watched.items():
            self.require_same(what, before[what], array)
        self._require_own_arrays()
        gradients = {key: gradient.copy() for key, (_, gradient) in self.arrays.items()}
        return outputs, {self.input_name: None if dx is None else np.array(dx), **gradients}

    def looks_up(self, x: np.ndarray, targets: Any) -> bool:
        """Return whether nothing depends on the digits after the point of integers, so that dx is 0."""
        is_integer = np.array_equal(x, np.round(x))
        return is_integer and np.array_equal(self.outputs(x + 0.25, targets), self.outputs(x, targets))

    def _require_own_arrays(self) -> None:
        by_name = {layer.name: layer for layer in self.layers}
        for (layer, name), (parameter, gradient) in self.arrays.items():
            owner = by_name[layer]
            if owner.params.get(name) is not parameter or owner.grads.get(name) is not gradient:
                raise ContractError(
                    f"{layer} has put another array in the place of {name!r} in params or grads, which no optimizer "
                    f'will see; fill the one that is there: self.grads["{name}"][...] = value'
                )

    def poison(self) -> None:
        """Fill all that the next forward and backward must fill anew: gradients and buffers."""
        for _, gradient in self.arrays.values():
            gradient.fill(np.nan)
        for layer in [*self.layers, *(self.network.plan if self.network else [])]:
            for buffer in layer.all_buffers():
                buffer.fill(np.nan if buffer.dtype.kind == "f" else 1)

    @contextlib.contextmanager
    def other_parameters(self) -> Iterator[None]:
        """Change all parameters and all state for a while: what is computed from them must not be kept."""
        kept = [(array, array.copy()) for array, _ in self.arrays.values()]
        kept += [(at_start, at_start.copy()) for _, at_start in self._states]
        for array, _ in kept:
            array[...] = 1.5 * array  # a variance stays positive
        yield
        for array, values in kept:
            array[...] = values

    def require_same(self, what: str, before: Any, after: Any) -> None:
        """Raise a ContractError if an array has been changed."""
        if np.asarray(before).tobytes() != np.asarray(after).tobytes():
            raise ContractError(
                f"{self.name} changed {what}; a layer or loss writes only to arrays of its own (self.buffer)"
            )

    def require_double(self, what: str, array: Any) -> None:
        """Raise a ContractError if an array has not the precision that a check needs."""
        dtype = getattr(array, "dtype", np.dtype(np.float64))
        if dtype.kind == "f" and dtype != np.float64:
            raise ContractError(
                f"{self.name}.{what} has dtype {dtype}, expected float64, the dtype of the input: a check needs all "
                f"digits, so write self.dtype or x.dtype where np.{dtype} is fixed"
            )

    def _forward(self, x: np.ndarray, targets: Any, training: bool) -> Any:
        raise NotImplementedError

    def _backward(self, targets: Any, input_gradient: bool) -> Any:
        raise NotImplementedError


class LayerSubject(Subject):
    """A layer in a network of its own. The loss is the sum of dy * y, with fixed random numbers dy, the targets."""

    target_name = "dy"

    def __init__(self, layer: Layer, input_shape: Shape, training: bool, seed: int) -> None:
        name = layer.name
        network = Sequential([unbuilt(layer)], input_shape, seed=seed, dtype="float64", fuse=False)
        self.layer = network.layers[0]
        self.layer.rename(name)
        _move_away_from_initial_values(network, seed)
        super().__init__(name, (name, "dx"), network, training)

    def _forward(self, x: np.ndarray, targets: Any, training: bool) -> np.ndarray:
        self._y = y = self.layer.forward(x, training)
        self.require_double("forward", y)
        if np.shape(y) != (len(x), *(self.layer.output_shape or ())):
            raise ContractError(
                f"{self.name}.forward gives the shape {np.shape(y)}, but build has promised "
                f"{(len(x), *(self.layer.output_shape or ()))}"
            )
        return y

    def _backward(self, targets: Any, input_gradient: bool) -> Any:
        self.layer.needs_input_gradient = input_gradient
        y_before = np.array(self._y)
        dx = self.layer.backward(targets)
        self.require_double("backward", dx)
        self.require_same("the output of forward in backward", y_before, self._y)
        return dx


class LossSubject(Subject):
    """A loss, an object with ``forward(logits, targets) -> float`` and ``backward() -> dlogits``."""

    def __init__(self, loss: Loss, name: str) -> None:
        super().__init__(name, (name, "dlogits"), None, True)
        self.loss = copy.deepcopy(loss)

    def _forward(self, x: np.ndarray, targets: Any, training: bool) -> Any:
        return [mean_loss(self.loss, x, targets)]

    def _backward(self, targets: Any, input_gradient: bool) -> Any:
        dlogits = self.loss.backward()
        self.require_double("backward", dlogits)
        return dlogits


class NetworkSubject(Subject):
    """A network, fused steps included, and its loss."""

    def __init__(self, model: Network, loss: Loss, training: bool, seed: int) -> None:
        layers = [unbuilt(layer) for layer in model.layers]
        network = type(model)(layers, model.input_shape, seed=seed, dtype="float64", fuse=model.fuse)
        network.set_weights(model.get_weights())
        _move_away_from_initial_values(network, seed)
        super().__init__(type(model).__name__, ("input", "dx"), network, training)
        self.model, self.loss = network, copy.deepcopy(loss)

    def _forward(self, x: np.ndarray, targets: Any, training: bool) -> Any:
        self._logits = self.model.forward(x, training)
        self.require_double("forward", self._logits)
        loss = mean_loss(self.loss, self._logits, targets)
        return [loss + self.model.regularization_loss()]

    def _backward(self, targets: Any, input_gradient: bool) -> Any:
        logits = self._logits.copy()
        dlogits = self.loss.backward()
        before = np.array(dlogits)
        dx = self.model.backward(dlogits, input_gradient)
        self.require_same("the logits in backward", logits, self._logits)
        self.require_same("the gradient of the loss", before, dlogits)
        self.require_double("backward", dx)
        return dx


def _move_away_from_initial_values(network: Network, seed: int) -> None:
    """Change all parameters and state: a bias of 0 can lie on a kink, a gamma of 1 hides that it was forgotten."""
    rng = np.random.default_rng((seed, 1))
    for layer in network.layers:
        for parameter in layer.params.values():
            parameter += rng.normal(0, 0.1, parameter.shape)
        for state in layer.state.values():
            state += rng.uniform(0.1, 0.5, state.shape).astype(state.dtype)  # upwards: a variance stays positive
