"""The model: a network with ``compile``, ``fit``, ``evaluate``, ``predict``, ``save`` and ``summary``.

What they do is below: the network itself in ``network``, the loop in ``training``, files in ``saving``.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from .checks.habits import explained
from .checks.messages import say
from .checks.settings import yes_or_no
from .layers.base import Layer
from .losses import Loss
from .losses.choice import as_loss
from .metrics.choice import as_metrics
from .network import inspection
from .network.network import Network
from .network.summary import html_summary, summary
from .optimizers import Optimizer
from .optimizers.choice import as_optimizer
from .saving import files as saving
from .saving import weights
from .saving.known import Known
from .training import evaluation, on_batch, prediction
from .training import loop as training


class Sequential(Network):
    """Layers in a row, the output of each the input of the next; the last one gives the logits.

    Parameters
    ----------
    layers : sequence of Layer
        Fresh layers; a layer belongs to one model.
    input_shape : tuple of int
        Shape of one sample, without the batch axis: ``(28, 28, 1)`` for MNIST.
    seed : int, default 0
        Everything random comes from it; see Notes.
    dtype : {"float32", "float64"}
        Of parameters, activations and gradients.
    fuse : bool, default True
        Whether neighbouring layers may run as one. The result is the same, sooner.

    Attributes
    ----------
    layers : tuple of Layer
        As given, each with a unique ``name``: its own, or ``conv2d``, ``conv2d_1``, ...
    plan : tuple
        What ``forward`` runs: the layers, neighbours fused into one where they can be.
    parameters, gradients : ndarray
        The parameters of all trainable layers and their gradients, one vector each, in the order of the layers. They
        are other arrays after a layer was frozen (``layer.trainable = False``) or thawed.
    trainable : bool
        Whether any layer is trainable. Assigning freezes or thaws all layers.
    output_shape : tuple of int
        Shape of one sample's output.
    rng : numpy.random.Generator
        The source of everything random.
    history : History or None
        Of the latest ``fit``, also of one that was interrupted.
    lock : Lock
        Held by the thread that is using the model: ``with model.lock: ...``. It may take the lock again.
    image_range : ImageRange or None
        Of the images that the model was trained on. Others are worth a ``RuntimeWarning``, once a model.

    Notes
    -----
    ``rng``, made from ``seed``, is drawn from in this order: the initial parameters, layer by layer, when the model is
    made; then, in each epoch of ``fit``, one permutation of the training samples, and in each batch a seed for the
    augmentation, if there is one, and what the layers need, in their order (a dropout: one seed). Saving a model saves
    the generator's state, so a training that is continued from a file takes the same course as one that was never
    interrupted. The samples of ``validation_split`` are drawn from ``seed`` alone, and are therefore the same in each
    call of ``fit``.

    Several threads may use a model: ``predict``, ``evaluate``, ``fit`` and the other methods take ``lock`` for one
    batch at a time, or for one update. So another thread's answers come between two updates, and do not change what is
    learnt. Only one thread at a time can ``fit``. ``forward`` and ``backward`` by hand return the model's own arrays,
    which the next batch of any thread overwrites: hold ``lock`` for as long as you need them. A ``backward`` that comes
    too late raises an error. What is pickled while another thread trains should be pickled under the lock, too.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> history = model.fit(x[:500], y[:500], epochs=3, validation_split=0.1, verbose=0)
    >>> loss, accuracy = model.evaluate(x[500:600], y[500:600])
    >>> accuracy > 0.5
    True
    >>> model.predict(x[:2]).shape  # the probability of each class, for each image
    (2, 10)
    """

    def __init_subclass__(cls) -> None:
        for name in ("call", "train_step", "test_step", "predict_step"):
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name} would never be called; override forward(self, x, training=False), or write "
                    "the loop: loss, correct = train_step(model, images, labels) of scratchcnn.training.step"
                )

    @explained
    def summary(self, kernels: bool = False) -> None:
        """Print the layers with their output shapes, parameters, multiply-adds and bytes kept for backward.

        Parameters
        ----------
        kernels : bool, default False
            Whether to print, for each convolution, which algorithms compute its output and its gradients in training.
            Their names are those of the table in ``ops/jit/convolution/choice.py``.

        Examples
        --------
        >>> import scratchcnn as sc
        >>> model = sc.Sequential([sc.Conv2D(8, 3), sc.ReLU()], input_shape=(6, 6, 1))
        >>> with sc.ops.using("reference"):
        ...     model.summary(kernels=True)
        layer   output shape  parameters  multiply-adds  bytes kept  forward  kernel gradient  input gradient
        -----------------------------------------------------------------------------------------------------
        conv2d  (N, 4, 4, 8)          80          1,152              NumPy    NumPy
        + relu  (N, 4, 4, 8)           0              0         512
        -----------------------------------------------------------------------------------------------------
        total                         80          1,152         512
        multiply-adds of a forward pass and bytes kept for backward are for one image, in float32
        + is fused with the layer above; the bytes are those of all that are fused
        """
        say(summary(self, yes_or_no("kernels", kernels)))

    def _repr_html_(self) -> str:
        """Return the summary as a table, which a notebook shows."""
        return html_summary(self)

    @explained
    def compile(
        self, optimizer: Optimizer | str | None = None, loss: Loss | str | None = None, metrics: Any = None
    ) -> None:
        """Choose how to train: ``Adam()`` and ``SoftmaxCrossEntropy()`` where nothing else is given.

        Parameters
        ----------
        optimizer : Optimizer or str
            Such as ``sc.Adam(1e-3)``; ``"adam"`` is ``sc.Adam()``.
        loss : Loss or str
            Any object with the methods of ``losses.Loss``; ``"sparse_categorical_crossentropy"`` and
            ``"categorical_crossentropy"`` are ``sc.SoftmaxCrossEntropy()``, ``"mse"`` is ``sc.MeanSquaredError()``.
        metrics : list, optional
            What to measure beside the loss: metrics (``sc.metrics``), their names such as ``"accuracy"``, and functions
            of (targets, predictions) that return a number, or one for each sample. Without it, the accuracy where there
            is one.

        Raises
        ------
        ValueError
            If these are not objects of their kind, or the loss is none for the outputs of this network, as
            ``SoftmaxCrossEntropy`` where it does not end in one number for each class.

        Examples
        --------
        >>> import scratchcnn as sc
        >>> model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", sc.metrics.F1Score()])
        """
        optimizer, loss, chosen = as_optimizer(optimizer), as_loss(loss), as_metrics(metrics)
        self._require_loss(loss)
        with self.lock:
            self.optimizer = optimizer  # which may be refused: then nothing is changed
            self.loss, self.metrics = loss, chosen
            self.recordings.clear()

    fit = explained(training.fit)
    evaluate = explained(evaluation.evaluate)
    predict = explained(prediction.predict)
    train_on_batch = explained(on_batch.train_on_batch)
    test_on_batch = explained(on_batch.test_on_batch)
    predict_on_batch = explained(on_batch.predict_on_batch)
    layer_outputs = explained(inspection.layer_outputs)
    input_gradient = explained(inspection.input_gradient)
    save = explained(saving.save_model)
    save_weights = explained(weights.save_weights)
    load_weights = explained(weights.load_weights)
    to_json = explained(weights.to_json)


def model_from_json(text: str, custom_layers: Sequence[type[Layer]] = (), custom_objects: Any = None) -> Sequential:
    """Return a fresh model, as ``model.to_json()`` described it: the same layers, and their initial weights.

    Parameters
    ----------
    text : str
    custom_layers : sequence of Layer classes
        Your own layers that the model may contain.
    custom_objects : dict or sequence, optional
        The same, as in Keras: {"MyLayer": MyLayer}.

    Raises
    ------
    ValueError
        If the text does not describe a model.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> text = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1)).to_json()
    >>> sc.model_from_json(text).output_shape
    (10,)
    """
    return weights.from_json(text, Known.of(custom_layers, custom_objects), Sequential)


@explained
def load_model(
    path: str | PathLike[str], custom_layers: Sequence[type[Layer]] = (), custom_objects: Any = None
) -> Sequential:
    """Return the model in a file written by ``save``, compiled as it was.

    Memory and time are bounded by the size of the file, whatever it says. Layers of your own are made and built with
    what the file says, and are as careful as you have written them; ``Layer.weight_shapes`` helps.

    Parameters
    ----------
    path : path-like
        The file.
    custom_layers : sequence of Layer classes
        Your own layers that the model may contain.
    custom_objects : dict or sequence, optional
        All of your own that it may name: layers, an optimizer, a loss, a schedule, metrics, functions; as in Keras
        {"MyLoss": MyLoss}, or [MyLoss].

    Raises
    ------
    OSError
        If the file cannot be opened, or is not a regular file.
    ValueError
        If it does not hold a model, is damaged, or comes from a later version of this library.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> class Double(sc.Layer):
    ...     def build(self, input_shape, rng):
    ...         return self.set_shapes(input_shape, input_shape)
    ...
    ...     def forward(self, x, training=False):
    ...         return 2 * self.as_input(x)
    ...
    ...     def backward(self, dy):
    ...         return 2 * self.as_gradient(dy)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sc.Sequential([Double()], input_shape=(1,)).save(f"{folder}/double.npz")
    ...     model = sc.load_model(f"{folder}/double.npz", custom_layers=[Double])
    >>> model.forward([[3.0]]).tolist()
    [[6.0]]
    """
    return saving.read(path, Known.of(custom_layers, custom_objects), Sequential)
