"""Weights from a Keras model, and to one. The layouts are the same; what is compared is that the networks are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.messages import shown
from ..layers import BatchNorm, Layer
from ..layers.residual import flattened
from ..network.network import Network
from .checks import require_network

KINDS = {"Conv2D": "Conv2D", "Dense": "Dense", "BatchNorm": "BatchNormalization"}  # of layers with weights


def from_keras(model: Network, keras_model: Any) -> None:
    """Take over the weights of a Keras model of the same layers.

    Parameters
    ----------
    model : Sequential
        Convolutions, dense layers and batch normalisations in the same order; what has no weights may differ, such as
        a ``Rescaling``.
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
    arrays = [[np.asarray(array) for array in theirs.get_weights()] for _, theirs in pairs]
    for (own, theirs), weights in zip(pairs, arrays, strict=True):
        _require_same(own, theirs, weights)
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
    pairs = _pairs(model, keras_model)
    for own, theirs in pairs:
        _require_same(own, theirs, [np.asarray(array) for array in theirs.get_weights()])
    for own, theirs in pairs:
        theirs.set_weights(own.get_weights())


def _pairs(model: Network, keras_model: Any) -> list[tuple[Layer, Any]]:
    require_network(model)
    if not hasattr(keras_model, "layers") or isinstance(keras_model, Network):
        raise ValueError(
            f"keras_model must be a model of Keras, got {shown(keras_model, 100)}; the file of one is read by "
            "keras.models.load_model(path)"
        )
    own = [layer for layer in flattened(model.layers) if layer.params]
    theirs = [layer for layer in _flat(keras_model) if layer.get_weights()]
    if len(own) != len(theirs):
        raise ValueError(
            f"the models differ: {len(own)} layers with weights here, {shown([layer.name for layer in own])}, "
            f"{len(theirs)} in the Keras model, {shown([layer.name for layer in theirs])}"
        )
    return list(zip(own, theirs, strict=True))


def _flat(keras_model: Any) -> list[Any]:
    """Return the layers of a Keras model, those of models inside in their place."""
    layers = []
    for layer in keras_model.layers:
        layers += _flat(layer) if hasattr(layer, "layers") else [layer]
    return layers


def _require_same(own: Layer, theirs: Any, weights: list[np.ndarray]) -> None:
    what = f"{own.name} and the Keras model's {theirs.name}"
    kind = KINDS.get(type(own).__name__)
    if type(theirs).__name__ != kind:
        raise ValueError(f"{what} are a {type(own).__name__} and a {type(theirs).__name__}")
    if getattr(theirs, "data_format", "channels_last") != "channels_last":
        raise ValueError(f"{what}: the Keras layer has its channels first; its weights are those of another network")
    shapes = [array.shape for array in own.get_weights()]
    if shapes != [array.shape for array in weights]:
        raise ValueError(f"{what} have weights of the shapes {shapes} and {[array.shape for array in weights]}")
    for setting in ("strides", "padding", "dilation_rate", "groups"):
        mine, its = getattr(own, setting, None), getattr(theirs, setting, None)
        if mine is not None and its is not None and mine != (tuple(its) if isinstance(its, list) else its):
            raise ValueError(f"{what} have {setting}={mine!r} and {its!r}; make one as the other is")
    if isinstance(own, BatchNorm) and abs(own.epsilon - theirs.epsilon) > 1e-9:
        raise ValueError(f"{what} have epsilon={own.epsilon} and {theirs.epsilon}: pass BatchNorm(epsilon=...)")
