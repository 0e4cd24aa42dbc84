"""What happens inside of a network on the way to an answer: the outputs of its layers, gradients down to the pixels.

All of this is computed on a copy of the layers, one after the other and not fused, so nothing of the model is touched:
a training by hand may ask between its ``forward`` and its ``backward``.

Letters: N images, K classes.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from ..checks.inputs import as_integer, as_labels
from ..checks.messages import shown
from ..layers.base import Layer
from ..layers.residual import planned
from .network import Network


class Trace(NamedTuple):
    """What went through a network: forward for some images, and back from one logit of each.

    Attributes
    ----------
    outputs : dict of str to ndarray
        The output of each layer, (N, ...), by its name.
    gradients : dict of str to ndarray
        The gradient of the chosen logits with respect to each of these outputs, of the same shapes.
    input_gradient : ndarray, shape (N, *input_shape)
        With respect to the images as they were given.
    """

    outputs: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    input_gradient: np.ndarray


def layer_outputs(model: Network, x: Any) -> dict[str, np.ndarray]:
    """Return what each layer makes of images, as at inference: nothing is dropped, and moving statistics are used.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, as ``predict`` takes them. The outputs of all of them are in memory at once.

    Returns
    -------
    dict of str to ndarray
        The output (N, ...) of each layer by its name, in the order of the layers: new arrays. The last one holds the
        logits. Layers that the model runs as one are here one by one; those inside of a ``Residual`` are not listed.

    Raises
    ------
    ValueError
        If the images are not as described.

    Warns
    -----
    RuntimeWarning
        As ``predict`` does, if the images are in another range than those the model was trained on.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 5), sc.ReLU(), sc.Flatten(), sc.Dense(10)]
    >>> model = sc.Sequential(layers, input_shape=(28, 28, 1))
    >>> {name: output.shape for name, output in model.layer_outputs(x[:2]).items() if name != "flatten"}
    {'rescaling': (2, 28, 28, 1), 'conv2d': (2, 24, 24, 4), 'relu': (2, 24, 24, 4), 'dense': (2, 10)}
    """
    images = model.as_images(x)
    return forward(single_layers(model), images)


def input_gradient(model: Network, x: Any, class_: Any) -> np.ndarray:
    """Return the derivative of a class's logit with respect to each pixel: which pixels speak for it, and how strongly.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, as ``predict`` takes them.
    class_ : int or array_like of int, shape (N,)
        The class, one for all images or one for each.

    Returns
    -------
    ndarray, shape (N, *input_shape)
        d logit[class_] / dx in the model's dtype, a new array. It is with respect to the pixels as they are given: of
        a model that starts with ``Rescaling(1 / 255)`` it is what one more of 255 shades does. Computed as at
        inference; the model's gradients of its parameters stay what they are.

    Raises
    ------
    ValueError
        If images or classes are not as described, or the model's output is not one number for each class.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> gradient = model.input_gradient(x[:2], y[:2])
    >>> kernel = model.get_layer("dense").params["kernel"]  # of a linear model, it is the weights of the class
    >>> bool(np.allclose(gradient[0].ravel(), kernel[:, y[0]] / 255))
    True
    """
    return trace(model, x, class_).input_gradient


def trace(model: Network, x: Any, class_: Any) -> Trace:
    """Return both: the output of each layer, and the gradient of a class's logit with respect to each."""
    images = model.as_images(x)
    classes = as_classes(model, class_, len(images))
    layers = single_layers(model)
    outputs = forward(layers, images)
    dy = np.zeros((len(images), *model.output_shape), model.dtype)  # (N, K): d logit / d logits is 1 at the class
    dy[np.arange(len(images)), classes] = 1
    gradients, dx = backward(layers, dy)
    return Trace(outputs, gradients, np.array(dx, model.dtype))


def single_layers(model: Network) -> tuple[Layer, ...]:
    """Return copies of a model's layers, as they are at a moment between two batches; each hands its gradient down."""
    with model.lock:
        layers = copy.deepcopy(model.layers)
    for layer in planned(layers):
        layer.needs_input_gradient = True
    return layers


def forward(layers: tuple[Layer, ...], x: np.ndarray) -> dict[str, np.ndarray]:
    """Return a copy of the output of each layer at inference, by its name."""
    outputs = {}
    for layer in layers:
        x = layer.forward(x, False)
        outputs[layer.name] = x.copy()
    return outputs


def backward(layers: tuple[Layer, ...], dy: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the gradient at the output of each layer, a copy by its name, and the one at the input.

    ``dy`` is the gradient at the last output; ``forward`` must have been called with the same layers.
    """
    gradients = {}
    for layer in reversed(layers):
        gradients[layer.name] = dy.copy()
        dy = layer.backward(dy)
        if dy is None:
            raise ValueError(f"{layer.name}.backward returned None: there is no gradient of its input")
    return dict(reversed(gradients.items())), dy


def as_classes(model: Network, class_: Any, samples: int) -> np.ndarray:
    """Return a class number for each sample, (N,), of one for all or one for each."""
    if len(model.output_shape) != 1:
        raise ValueError(
            f"a class needs outputs (N, K), a number for each; this model's are (N, *{model.output_shape})"
        )
    classes = model.output_shape[0]
    if np.ndim(class_) > 0:
        return as_labels(class_, samples, classes)
    number = as_integer("class_", class_, 0)
    if number >= classes:
        raise ValueError(f"class_ must be below {classes}, the number of the model's outputs, got {shown(class_)}")
    return np.full(samples, number)
