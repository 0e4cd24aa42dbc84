"""A look inside a network: what each layer makes of an image, and which way back a class's logit leads.

The layers run one by one, not as their fused neighbours do, so that nothing between two of them is left out, and in
inference mode: no dropout, moving statistics. Parameters, gradients, random numbers and recordings stay as they are;
but the layers' buffers are used: a ``backward`` by hand needs a new ``forward`` afterwards, and says so.

Letters: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..checks.inputs import as_integer, as_labels
from .network import Network


def layer_outputs(model: Network, x: Any) -> dict[str, np.ndarray]:
    """Return what each layer makes of some images, by the name of the layer, in the order of the layers.

    The last one are the logits. In Keras this takes a second model: ``keras.Model(inputs, [layer.output, ...])``.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``predict`` takes; all at once, so a few.

    Returns
    -------
    dict of str to ndarray, shape (N, *layer.output_shape)
        New arrays in the model's dtype.

    Raises
    ------
    ValueError
        If the images are none for this model.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Conv2D(4, 3), sc.ReLU()], input_shape=(28, 28, 1))
    >>> {name: output.shape for name, output in model.layer_outputs(x[:2]).items()}
    {'rescaling': (2, 28, 28, 1), 'conv2d': (2, 26, 26, 4), 'relu': (2, 26, 26, 4)}
    """
    with _by_single_layers(model):
        return _forward(model, model.as_images(x))


def input_gradient(model: Network, x: Any, class_: Any) -> np.ndarray:
    """Return how much each pixel would raise the logit of a class: d logit / d pixel (Simonyan et al. 2014).

    Times the pixels, it tells which of them spoke for the class and which against it. The pixels are those that the
    model takes: where it starts with a ``Rescaling``, those from 0 to 255.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``predict`` takes; all at once, so a few.
    class_ : int, or array_like of int, shape (N,)
        Of all images, or of each.

    Returns
    -------
    ndarray, shape (N, *input_shape)
        A new array in the model's dtype.

    Raises
    ------
    ValueError
        If the images are none for this model, it does not end in one number for each class, or a class is none of it.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> kernel = model.layers[-1].params["kernel"]
    >>> bool((abs(model.input_gradient(x[:1], 3).ravel() - kernel[:, 3] / 255) < 1e-8).all())
    True
    """
    return _gradients(model, x, class_)[0]


def layer_gradients(model: Network, x: Any, class_: Any) -> dict[str, np.ndarray]:
    """Return d logit / d output of each layer, by the name of the layer: ``input_gradient`` on its way back.

    Parameters, errors and dtype are those of ``input_gradient``, shapes those of ``layer_outputs``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(3)], input_shape=(28, 28, 1))
    >>> model.layer_gradients(x[:1], 1)["dense"].tolist()  # the logits: one of them was asked about
    [[0.0, 1.0, 0.0]]
    """
    gradients = _gradients(model, x, class_)[1:]
    return {layer.name: gradient for layer, gradient in zip(model.layers, gradients, strict=True)}


def _gradients(model: Network, x: Any, class_: Any) -> list[np.ndarray]:
    """Return d logit / d x, and d logit / d output of each layer after it."""
    x = model.as_images(x)
    classes = _as_classes(model, class_, len(x))
    with _by_single_layers(model):
        _forward(model, x)
        dy = np.zeros((len(x), *model.output_shape), model.dtype)  # (N, K)
        dy[np.arange(len(x)), classes] = 1
        gradients = [dy]
        for layer in reversed(model.layers):
            gradients.append(layer.backward(gradients[-1]).copy())
    return gradients[::-1]


def _as_classes(model: Network, class_: Any, samples: int) -> np.ndarray:
    if len(model.output_shape) != 1:
        raise ValueError(f"this needs a model that ends in one number for each class, not in {model.output_shape}")
    if np.ndim(class_) == 0:
        class_ = np.full(samples, as_integer("class_", class_, 0))
    return as_labels(class_, samples, model.output_shape[0])


def _forward(model: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    outputs = {}
    for layer in model.layers:
        x = layer.forward(x, False)
        outputs[layer.name] = np.array(x)
    return outputs


@contextmanager
def _by_single_layers(model: Network) -> Iterator[None]:
    """Hold the model while its layers run, and leave what training goes on with as it was."""
    with model.lock:
        model.lay_out()
        kept, wanted = model.gradients.copy(), [layer.needs_input_gradient for layer in model.layers]
        frozen = {id(layer): {name: g.copy() for name, g in layer.grads.items()} for layer in model.layers}
        for layer in model.layers:
            layer.needs_input_gradient = True
        try:
            yield
        finally:
            model.gradients[...] = kept
            for layer, needed in zip(model.layers, wanted, strict=True):
                layer.needs_input_gradient = needed
                for name, gradient in frozen[id(layer)].items():
                    layer.grads[name][...] = gradient
                layer.invalidate()
            model.turns.overwritten()
            model.plan[-1].invalidate()
