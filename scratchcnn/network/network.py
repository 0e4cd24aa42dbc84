"""A network as a chain of layers: it builds them, runs them forward and backward, and can be copied.

How all its parameters are one vector, and all gradients another, is in ``vectors.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..checks.habits import explained
from ..checks.inputs import as_images, as_input_shape, as_integer
from ..checks.messages import shown
from ..checks.settings import yes_or_no
from ..concurrency.locks import Lock
from ..concurrency.turns import Turns
from ..fusion.patterns import fuse as fuse_layers
from ..history import History
from ..layers import Rescaling, Sigmoid
from ..layers.activation_argument import forget_activation, with_activations
from ..layers.base import Layer
from ..layers.names import names_of
from ..layers.residual import flattened
from ..losses import Loss
from ..losses.use import require_loss, takes_logits
from ..metrics import Metric
from ..regularizers import add_gradients, penalties
from ..types import Shape
from .given_layers import as_layers
from .image_range import ImageRange, check_range, notice
from .layout import Layout
from .vectors import ParameterVectors

FIXED = frozenset({"layers", "plan", "input_shape", "output_shape", "seed", "dtype", "fuse", "rng"})


class Network(ParameterVectors):
    """Layers in a row, the output of each the input of the next; the last one gives the logits.

    It has what the loop needs: ``forward`` and ``backward``, all parameters as one vector and all gradients as another,
    and the optimizer and the loss that it is trained with. Its arguments and attributes are those of ``Sequential``,
    which adds ``compile``, ``fit``, ``evaluate``, ``predict`` and ``save``.
    """

    saved_predictions = ""  # how a model answered that was saved without its loss: see saving.py
    image_range: ImageRange | None = None
    warned_of_range = False
    noticed_batches = 0  # of a training by hand
    before_build: Callable[[Layer, Shape], None] | None = None  # called by load_model's wish, to look before it builds
    loss: Loss
    metrics: tuple[Metric, ...] | None = None  # what is measured beside the loss; None: the accuracy, if there is one
    fitted_by: tuple[int, int] | None = None  # the process and the thread that is training the model

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        input_shape: Shape | None = None,
        seed: int = 0,
        dtype: str = "float32",
        fuse: bool = True,
    ) -> None:
        self.lock = Lock()
        self.turns = Turns()
        given = as_layers(layers, input_shape)
        self.layers = tuple(with_activations(given))
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
        self._list_layers()
        for layer in given:
            forget_activation(layer)

        self._layout = Layout(self.layers, self.dtype, new=True)

        self.plan: tuple[Any, ...] = tuple(fuse_layers(self.layers)) if self.fuse else self.layers
        self._find_first_trained()
        self.optimizer = None
        self.loss = None  # type: ignore[assignment]  # until compile
        self.history: History | None = None
        self.recordings: dict[Any, Any] = {}  # of what was done with the model before; see training/replay.py
        self.stop_training = False  # a callback, or another thread, sets it; fit obeys at the end of the epoch

    def _list_layers(self) -> None:
        self.leaves = tuple(flattened(self.layers))  # those inside of a Residual in its place
        self.stateful_layers = tuple(layer for layer in self.layers if layer.state)

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

    @explained
    def __call__(self, x: Any, training: bool = False) -> np.ndarray:
        """Return the logits (N, classes) of images, as ``forward`` does, in an array of the caller's."""
        with self.lock:
            return self.forward(self.as_images(x), training).copy()

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
            add_gradients(self.leaves)
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
        return penalties(self.leaves)

    @cached_property
    def takes_bytes(self) -> bool:
        """Whether the network starts with a ``Rescaling``, and so takes raw uint8 pixels as they are."""
        return isinstance(self.layers[0], Rescaling)

    def as_images(self, x: Any, convert: bool = True) -> np.ndarray:
        """Return samples in the form that ``forward`` works on, or raise an error that says what is wrong with them.

        With ``convert=False`` they are looked at, and returned in the dtype they have: they may be many.
        """
        x, extent = as_images(x, self.input_shape, self.dtype, self.takes_bytes, convert)
        check_range(self, x, extent)
        return x

    def _require_loss(self, loss: Any) -> None:
        require_loss(loss)
        if takes_logits(loss) and isinstance(self.layers[-1], Sigmoid):
            raise ValueError(
                f"the network ends in a sigmoid, and {type(loss).__name__} takes logits: end it in "
                f"{self._last_dense()}, without activation; predict answers with the probabilities"
            )
        if hasattr(loss, "check_outputs"):
            loss.check_outputs(self.output_shape)

    def _last_dense(self) -> str:
        return f"sc.Dense({self.output_shape[-1] if self.output_shape else 1})"

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
        self._list_layers()
        self._layout = Layout(self.layers, self.dtype)
        if self.optimizer is not None:
            self.optimizer.build(self.parameters, self.named_parameters())

    def __repr__(self) -> str:
        lines = "".join(f"    {layer!r},\n" for layer in self.layers)
        name = type(self).__name__
        return f"{name}([\n{lines}], input_shape={self.input_shape}, seed={self.seed}, dtype={self.dtype.name!r})"
