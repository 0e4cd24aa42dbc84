"""A network as a chain of layers, and its parameters as one vector.

``Network`` builds the layers, runs them forward and backward, and lays all their parameters end to end in one flat
vector, all gradients in another. Each layer keeps looking at its own part through views. An update, a norm, an average
or a copy of the whole network is then one operation on one array.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.inputs import as_images, as_input_shape, as_integer
from ..checks.messages import shown
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import unbroken
from ..concurrency.locks import Lock
from ..concurrency.turns import Turns
from ..fusion.patterns import fuse as fuse_layers
from ..fusion.patterns import layers_of
from ..history import History
from ..layers import Rescaling
from ..layers.base import Layer
from ..optimizers import Optimizer
from ..regularizers import add_gradients, penalties
from ..types import Shape
from .image_range import ImageRange, check_range, notice
from .layout import Layout
from .names import names_of, require_layers

FIXED = frozenset({"layers", "plan", "input_shape", "output_shape", "seed", "dtype", "fuse", "rng"})


class Network(KnownAttributes):
    """Layers in a row, the output of each the input of the next; the last one gives the logits.

    It has what the loop needs: ``forward`` and ``backward``, all parameters as one vector and all gradients as another,
    and the optimizer and the loss that it is trained with. Its arguments and attributes are those of ``Sequential``,
    which adds ``compile``, ``fit``, ``evaluate``, ``predict`` and ``save``.
    """

    saved_predictions = ""  # how a model answered that was saved without its loss: see saving.py
    image_range: ImageRange | None = None
    warned_of_range = False
    noticed_batches = 0  # of a training by hand
    watched_layers: tuple[list[Layer], list[Layer]] | None = None  # those whose settings and state replay.py looks at
    before_build: Callable[[Layer, Shape], None] | None = None  # called by load_model's wish, to look before it builds
    fitted_by: tuple[int, int] | None = None  # the process and the thread that is training the model

    def __init__(
        self, layers: Sequence[Layer], input_shape: Shape, seed: int = 0, dtype: str = "float32", fuse: bool = True
    ) -> None:
        self.lock = Lock()
        self.turns = Turns()
        require_layers(list(layers))
        self.layers = tuple(layers)
        self.input_shape = as_input_shape(input_shape)
        self.seed = as_integer("seed", seed, 0)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f'dtype must be "float32" or "float64", got {shown(dtype)}')
        self.fuse = yes_or_no("fuse", fuse)
        self.rng = np.random.default_rng(self.seed)
        for layer, name in zip(self.layers, names_of(self.layers), strict=True):
            layer.__dict__["name"] = name  # which is not one that was given
        self.output_shape = self._build_layers()

        self._layout = Layout(self.layers, self.dtype, new=True)

        self.plan: tuple[Any, ...] = tuple(fuse_layers(self.layers)) if self.fuse else self.layers
        self._find_first_trained()
        self.optimizer = None
        self.loss: Any = None
        self.history: History | None = None
        self.recordings: dict[Any, Any] = {}  # of what was done with the model before; see training/replay.py
        self.stop_training = False  # a callback, or another thread, sets it; fit obeys at the end of the epoch

    def _build_layers(self) -> Shape:
        shape = self.input_shape
        for place, layer in enumerate(self.layers):
            if layer.dtype not in (np.float32, self.dtype):
                raise ValueError(f"{layer.name} was given the dtype {layer.dtype}; pass it to the model: dtype=...")
            layer.dtype = self.dtype
            if self.before_build is not None:
                self.before_build(layer, shape)
            try:
                layer.input_shape, layer.output_shape = shape, layer.build(shape, self.rng)
            except ValueError as error:
                raise ValueError(
                    f"layer {place}, {layer.name}, cannot follow an output of shape {shape}: {error}"
                ) from error
            layer.seal()
            shape = layer.output_shape
        return shape

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

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the logits (N, classes) of a batch: an array of the model's own, overwritten by the next call.

        Parameters
        ----------
        x : ndarray, shape (N, *input_shape)
            A batch, of the model's dtype, or uint8 where the first layer is a ``Rescaling``. Anything else is
            converted where that is possible.
        training : bool, default False
            Whether dropout drops and batch normalisation uses, and remembers, the statistics of this batch.
        """
        with self.lock:
            self.turns.forward()
            ready = isinstance(x, np.ndarray) and (x.dtype == self.dtype or (x.dtype == np.uint8 and self.takes_bytes))
            if not (ready and x.shape[1:] == self.input_shape and x.flags.c_contiguous and x.flags.aligned):
                x = self.as_images(x)
            if training and self.fitted_by is None:  # fit has looked at all images
                notice(self, x)
            for layer in self.plan:
                x = layer.forward(x, training)
            return x

    def backward(self, dlogits: np.ndarray, input_gradient: bool = True) -> np.ndarray | None:
        """Fill ``gradients`` from the gradient of the loss at the logits of the latest ``forward``.

        The gradients of the layers' regularizers, of which the loss knows nothing, are added to it; see
        ``regularization_loss``.

        Returns the gradient of the loss at the images, a buffer as well. With ``input_gradient=False``, which is what
        training needs, the first layer that learns is the last one visited, and None is returned.

        Raises
        ------
        RuntimeError
            If there was no forward, or another thread has used the model since that of this thread.
        """
        with self.lock:
            self.turns.backward("model")
            dx = self.backpropagate(dlogits, input_gradient)
            add_gradients(self.layers)
        return dx

    def backpropagate(self, dlogits: np.ndarray, input_gradient: bool = True) -> np.ndarray | None:
        """Do what ``backward`` does, but for the regularizers."""
        self.lay_out()
        first = self.first_trained
        self.plan[first].needs_input_gradient = input_gradient
        dy = dlogits
        for layer in reversed(self.plan if input_gradient else self.plan[first:]):
            dy = layer.backward(dy)
        return dy if input_gradient else None

    def regularization_loss(self) -> float:
        """Return the sum of the penalties of the layers' regularizers, 0 where no layer has one.

        The losses that ``fit`` and ``evaluate`` report include it, as in Keras. In a loop of one's own ``backward``
        sees to the gradients; the loss to look at is ``loss.forward(logits, labels) + model.regularization_loss()``.
        """
        return penalties(self.layers)

    def named_parameters(self) -> dict[str, np.ndarray]:
        """Return all parameters, frozen ones included, not copies, by names such as "conv2d/kernel"."""
        self.lay_out()
        return {f"{layer.name}/{name}": array for layer in self.layers for name, array in layer.params.items()}

    @property
    def takes_bytes(self) -> bool:
        """Whether the network starts with a ``Rescaling``, and so takes raw uint8 pixels as they are."""
        return isinstance(self.layers[0], Rescaling)

    def as_images(self, x: Any) -> np.ndarray:
        """Return samples in the form that ``forward`` works on, or raise an error that says what is wrong with them."""
        x, extent = as_images(x, self.input_shape, self.dtype, self.takes_bytes)
        check_range(self, x, extent)
        return x

    def count_params(self) -> int:
        """Return the number of parameters, frozen ones included."""
        return sum(parameter.size for layer in self.layers for parameter in layer.params.values())

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all parameters and all state, layer by layer."""
        with self.lock:
            return [array.copy() for array in self._weights()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take over what ``get_weights`` returned, here or in a model of the same layers."""
        with self.lock, unbroken:
            own, shapes = self._weights(), [np.shape(array) for array in weights]
            if [array.shape for array in own] != shapes:
                expected = shown([array.shape for array in own])
                raise ValueError(f"the weights of another network: shapes {shown(shapes)}, expected {expected}")
            for array, value in zip(own, weights, strict=True):
                array[...] = value

    def _weights(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in (*layer.params.values(), *layer.state.values())]

    def _require_loss(self, loss: Any) -> None:
        if not (callable(getattr(loss, "forward", None)) and callable(getattr(loss, "backward", None))) or isinstance(
            loss, type
        ):
            raise ValueError(
                f"loss must be an object such as SoftmaxCrossEntropy(), got {shown(loss)}; one of your own needs the "
                f"methods forward and backward"
            )
        if hasattr(loss, "check_outputs"):
            loss.check_outputs(self.output_shape)

    def __copy__(self) -> Network:
        """Return a deep copy: the layers of this model cannot be part of another one as well."""
        return copy.deepcopy(self)

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute, unless the network has been made of it; a loss is checked."""
        if attribute in FIXED and attribute in self.__dict__ and value is not self.__dict__[attribute]:
            hint = "set model.rng.bit_generator.state" if attribute == "rng" else "make a new model"
            raise AttributeError(f"model.{attribute} is fixed once the model is made; {hint}")
        if attribute == "loss" and value is not None:
            self._require_loss(value)
        super().__setattr__(attribute, value)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the recordings out of a copy or a pickle: they hold addresses of this model's arrays.

        The vectors are left out too: a copy lays its own.
        """
        self.lay_out()
        return {**self.__dict__, "_layout": None, "recordings": {}, "fitted_by": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        """Return a copy of a moment between two batches, whatever other threads do."""
        with self.lock:
            copied = memo[id(self)] = type(self).__new__(type(self))
            copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copied or unpickled model: its layers came with copies in place of views."""
        self.lock, self.turns = Lock(), Turns()  # which older pickles lack
        self.__dict__.update(state)
        self._layout = Layout(self.layers, self.dtype)
        if self.optimizer is not None:
            self.optimizer.build(self.parameters, self.named_parameters())

    def __repr__(self) -> str:
        lines = "".join(f"    {layer!r},\n" for layer in self.layers)
        name = type(self).__name__
        return f"{name}([\n{lines}], input_shape={self.input_shape}, seed={self.seed}, dtype={self.dtype.name!r})"


def require_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"optimizer must be an object such as Adam(1e-3), got {shown(optimizer)}")
    return optimizer


def _fill(name: str, vector: np.ndarray, values: Any) -> None:
    if values is not vector:  # which += ends with
        if np.shape(values) != vector.shape:
            raise ValueError(f"model.{name} has shape {vector.shape}, got {np.shape(values)}")
        vector[...] = values
