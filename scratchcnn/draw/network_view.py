"""What the page shows of a network: its layers, what they make of an image, and which pixels spoke for a class.

Letters: H W height and width of the input, K classes.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .. import ops
from ..checks.messages import shown
from ..layers import AveragePool2D, Conv2D, Dense, Dropout, Flatten, MaxPool2D, Rescaling
from ..layers.base import Layer
from ..network import inspection
from ..network.network import Network
from ..pictures.reading import as_trained
from ..training.prediction import answers_by_softmax
from .packing import number, packed

MOST_PIXELS = 256 * 256  # of an input: 28 x 28 is what the page is made for
MOST_NUMBERS = 1 << 18  # of a layer's output that is drawn
MOST_CLASSES = 1000


class NetworkView:
    """A network that the page can show.

    Parameters
    ----------
    model : Sequential
        It takes images (H, W, 1) and answers with the probabilities of K classes. Shown as it is now; what it learns
        later does not count.

    Attributes
    ----------
    model : Sequential
    classes : int
        K.

    Raises
    ------
    ValueError
        If the model takes other images, or does not answer in this way.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> seen = NetworkView(model).see(np.zeros((28, 28), np.uint8))
    >>> seen["label"], len(seen["probabilities"]), seen["layers"][2]["peak"]
    (0, 10, 0.0)
    """

    def __init__(self, model: Network) -> None:
        if not isinstance(model, Network):
            raise ValueError(f"model must be a Sequential, such as sc.load_model(path), got {shown(model)}")
        shape = model.input_shape
        if len(shape) != 3 or shape[2] != 1 or shape[0] * shape[1] > MOST_PIXELS:
            raise ValueError(
                "the page draws in one colour: the model must take images (H, W, 1) of at most "
                f"{MOST_PIXELS:,} pixels, such as (28, 28, 1), got input_shape={shape}"
            )
        if not answers_by_softmax(model) or model.output_shape[0] > MOST_CLASSES:
            raise ValueError(
                "the page shows the probability of each class: the model must end in sc.Dense(K), K from 2 to "
                f"{MOST_CLASSES:,}, and have a softmax as its loss, sc.SoftmaxCrossEntropy(); got "
                f"output_shape={model.output_shape} and loss={shown(model.loss)}"
            )
        self.model = model
        self.classes = model.output_shape[0]
        # Of its own, each by itself and not fused: nothing of the model is touched, and buffers are used again.
        self._layers = inspection.single_layers(model)
        self._lock = threading.Lock()

    def description(self) -> dict[str, Any]:
        """Return what does not depend on the image: the layers with their names, shapes and a line on each."""
        layers = [
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "shape": list(layer.output_shape or ()),
                "text": described(layer),
                "shown": is_shown(layer),
            }
            for layer in self.model.layers
        ]
        shape = list(self.model.input_shape[:2])
        return {"input": shape, "classes": self.classes, "parameters": self.model.count_params(), "layers": layers}

    def scaled(self, image: np.ndarray) -> np.ndarray:
        """Return an image of bytes (H, W) as the batch (1, H, W, 1) that the model was trained to take."""
        return as_trained(self.model, image.reshape(1, *self.model.input_shape))

    def outputs(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the input (H, W, 1) and the output of each layer, in their order, for an image of bytes (H, W)."""
        with self._lock:
            return self._forward(self.scaled(image))

    def _forward(self, x: np.ndarray) -> list[np.ndarray]:
        return [x[0], *(output[0] for output in inspection.forward(self._layers, x).values())]

    def _input_gradient(self, class_: int) -> np.ndarray:
        """Return the gradient of a class's logit at the latest input, (1, H, W, 1)."""
        dy = np.zeros((1, self.classes), self.model.dtype)  # d logit / d logits
        dy[0, class_] = 1
        return np.array(inspection.backward(self._layers, dy)[1])

    def see(self, image: np.ndarray, class_: int | None = None) -> dict[str, Any]:
        """Return what the model makes of an image of bytes (H, W), as JSON values.

        ``evidence`` is gradient times input, pixel by pixel: how much the score of a class, its logit, owes to the ink
        there, as far as a straight line can say. Of the class given, or of the one that wins.
        """
        x = self.scaled(image)  # (1, H, W, 1)
        with self._lock:
            _, *outputs = self._forward(x)  # each without the batch axis
            logits = outputs[-1][np.newaxis]  # (1, K)
            label = int(logits[0].argmax())
            gradient = self._input_gradient(label if class_ is None else class_)  # (1, H, W, 1)
        probabilities = np.empty_like(logits)
        ops.softmax_forward(logits, out=probabilities)
        return {
            "label": label,
            "class": label if class_ is None else class_,
            "probabilities": [number(probability) for probability in probabilities[0]],
            "evidence": packed(gradient * x),
            "layers": [
                packed(output) if is_shown(layer) else None
                for layer, output in zip(self.model.layers, outputs, strict=True)
            ],
        }


def is_shown(layer: Layer) -> bool:
    """Return whether a layer's output is worth a picture: not if it is the numbers of its input, or very many."""
    numbers = int(np.prod(layer.output_shape or ()))
    return (
        not isinstance(layer, Flatten | Dropout) and numbers <= MOST_NUMBERS and len(layer.output_shape or ()) in (1, 3)
    )


def described(layer: Layer) -> str:
    """Return a few words on what a layer does.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> described(sc.Conv2D(8, 3, strides=2)), described(sc.MaxPool2D(2)), described(sc.ReLU())
    ('8 filters of 3 × 3, every 2 pixels', 'the largest of each 2 × 2', 'what is negative becomes 0')
    """
    if isinstance(layer, Conv2D):
        (height, width), (down, across) = layer.kernel_size, layer.strides
        step = (
            "" if down == across == 1 else f", every {down} pixels" if down == across else f", every {down} × {across}"
        )
        return f"{layer.filters} filters of {height} × {width}{step}"
    if isinstance(layer, MaxPool2D | AveragePool2D):
        kind = "the largest" if isinstance(layer, MaxPool2D) else "the mean"
        return f"{kind} of each {layer.pool_size[0]} × {layer.pool_size[1]}"
    if isinstance(layer, Dense):
        return f"{layer.units} weighted sums of all its inputs"
    if isinstance(layer, Rescaling):
        return "pixels to numbers that train well"
    return WORDS.get(type(layer).__name__, "")


WORDS = {
    "ReLU": "what is negative becomes 0",
    "LeakyReLU": "what is negative becomes weak",
    "ELU": "what is negative goes towards a limit",
    "Sigmoid": "squeezed between 0 and 1",
    "Tanh": "squeezed between -1 and 1",
    "BatchNorm": "each channel shifted and scaled to the usual range",
    "GlobalAveragePool2D": "each channel becomes its mean",
    "Flatten": "the same numbers, in a row",
    "Dropout": "does nothing but in training",
    "Residual": "adds what its layers make of the input to the input",
}
