"""Weights from a Keras model, and to one. The layouts are the same; what is compared is that the networks are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.messages import shown
from ..layers import Layer
from ..layers.residual import flattened
from ..network.network import Network
from .checks import require_network
from .keras_activations import require_same_activations
from .keras_settings import require_same_settings

KINDS = {  # of layers with weights, here and in Keras
    "Conv2D": ("Conv2D", "DepthwiseConv2D"),
    "Dense": ("Dense",),
    "BatchNorm": ("BatchNormalization",),
}


def from_keras(model: Network, keras_model: Any) -> None:
    """Take over the weights of a Keras model of the same layers.

    Parameters
    ----------
    model : Sequential
        Convolutions, dense layers and batch normalisations in the same order, with the same settings and followed by
        the same activations; what else has no weights may differ, such as a ``Rescaling``. A ``DepthwiseConv2D`` of C
        channels is here ``sc.Conv2D(C * depth_multiplier, 3, groups=C)``, a ``ZeroPadding2D(1)`` the ``padding=1`` of
        the convolution after it. Of a Keras model that is no ``Sequential``, activations are compared where they are
        arguments, ``activation="relu"``; what stands between its layers cannot be told. A softmax or a sigmoid at
        the end is left out here.
    keras_model : keras.Model
        With channels last, built.

    Raises
    ------
    ValueError
        If the layers with weights are not the same; nothing is changed.

    Examples
    --------
    With ``keras_model = keras.models.load_model("digits.keras")``, or any other that is in memory; here something that
    has the weights of one:

    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> class Dense:
    ...     name = "dense"
    ...
    ...     def get_weights(self):
    ...         return [np.ones((3, 2)), np.zeros(2)]
    >>> keras_model = SimpleNamespace(layers=[Dense()])
    >>> model = sc.Sequential([sc.Dense(2)], input_shape=(3,))
    >>> sc.interchange.from_keras(model, keras_model)
    >>> model.forward([[1, 2, 3]]).tolist()
    [[6.0, 6.0]]
    """
    pairs = _pairs(model, keras_model)
    arrays = [_weights(theirs) for _, theirs in pairs]
    with model.lock:
        for (own, _), weights in zip(pairs, arrays, strict=True):
            own.set_weights(weights)


def to_keras(model: Network, keras_model: Any) -> None:
    """Give a Keras model of the same layers the weights of this one; see ``from_keras``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> class Dense:  # stands for a layer of Keras
    ...     name = "dense"
    ...     weights = [np.ones((3, 2)), np.zeros(2)]
    ...
    ...     def get_weights(self):
    ...         return self.weights
    ...
    ...     def set_weights(self, weights):
    ...         self.weights = weights
    >>> keras_model = SimpleNamespace(layers=[Dense()])
    >>> model = sc.Sequential([sc.Dense(2)], input_shape=(3,))
    >>> sc.interchange.to_keras(model, keras_model)
    >>> bool((keras_model.layers[0].weights[0] == model.layers[0].params["kernel"]).all())
    True
    """
    for own, theirs in _pairs(model, keras_model):
        shapes = [np.shape(array) for array in theirs.get_weights()]
        theirs.set_weights([array.reshape(shape) for array, shape in zip(own.get_weights(), shapes, strict=True)])


def _pairs(model: Network, keras_model: Any) -> list[tuple[Layer, Any]]:
    require_network(model)
    if not hasattr(keras_model, "layers") or isinstance(keras_model, Network):
        raise ValueError(
            f"keras_model must be a model of Keras, got {shown(keras_model, 100)}; the file of one is read by "
            "keras.models.load_model(path)"
        )
    layers, keras_layers = list(flattened(model.layers)), _flat(keras_model)
    own = [layer for layer in layers if layer.params]
    places = [place for place, layer in enumerate(keras_layers) if layer.get_weights()]
    theirs = [keras_layers[place] for place in places]
    if len(own) != len(theirs):
        raise ValueError(
            f"the models differ: {len(own)} layers with weights here, {shown([layer.name for layer in own])}, "
            f"{len(theirs)} in the Keras model, {shown([layer.name for layer in theirs])}"
        )
    for layer, place in zip(own, places, strict=True):
        _require_same(layer, keras_layers[place], keras_layers[place - 1] if place else None)
    require_same_activations(layers, keras_layers, _in_a_row(keras_model))
    return list(zip(own, theirs, strict=True))


def _flat(keras_model: Any) -> list[Any]:
    """Return the layers of a Keras model, those of models inside in their place."""
    layers = []
    for layer in keras_model.layers:
        layers += _flat(layer) if hasattr(layer, "layers") else [layer]
    return layers


def _in_a_row(keras_model: Any) -> bool:
    """Return whether each layer of a Keras model follows the one before it."""
    inside = [layer for layer in keras_model.layers if hasattr(layer, "layers")]
    return type(keras_model).__name__ == "Sequential" and all(map(_in_a_row, inside))


def _require_same(own: Layer, theirs: Any, ahead: Any) -> None:
    what = f"{own.name} and the Keras model's {theirs.name}"
    if type(theirs).__name__ not in KINDS.get(type(own).__name__, ()):
        raise ValueError(f"{what} are a {type(own).__name__} and a {type(theirs).__name__}")
    if getattr(theirs, "data_format", "channels_last") != "channels_last":
        raise ValueError(f"{what}: the Keras layer has its channels first; its weights are those of another network")
    require_same_settings(what, own, theirs, ahead)
    shapes, its_shapes = ([array.shape for array in arrays] for arrays in (own.get_weights(), _weights(theirs)))
    if shapes != its_shapes:
        raise ValueError(f"{what} have weights of the shapes {shapes} and {its_shapes}")


def _weights(theirs: Any) -> list[np.ndarray]:
    """Return the weights of a layer of Keras in the shapes they have here."""
    arrays = [np.asarray(array) for array in theirs.get_weights()]
    if type(theirs).__name__ == "DepthwiseConv2D":
        KH, KW, C, M = arrays[0].shape  # M filters for each channel, which are those of its group
        arrays[0] = arrays[0].reshape(KH, KW, 1, C * M)
    return arrays
