"""What each layer makes of one image, and what each layer's gradient looks like on the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.inputs import as_integer
from .canvas import SIGNED, as_classes, as_model, as_model_image, has_classes, named, outputs_of, traced
from .mosaic import distinct, draw_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..network.network import Network


def feature_maps(model: Network, image: np.ndarray, maps: int = 8) -> Figure:
    """Draw what each layer makes of an image, from the pixels to the logits: the layer's maps, or its numbers.

    Layers that only reorder or pass on what they get, such as ``Flatten`` and, at inference, ``Dropout``, are left
    out. Each row has colours of its own; where a layer has negative outputs, blue is negative and red positive.

    Parameters
    ----------
    model : Sequential
    image : ndarray, of the shape of one sample
    maps : int, default 8
        The most channels of a layer that are drawn, the first ones.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 5), sc.ReLU(), sc.Flatten(), sc.Dense(10)]
    >>> model = sc.Sequential(layers, input_shape=(28, 28, 1))
    >>> figure = sc.plots.feature_maps(model, x[0])
    """
    model, maps = as_model(model), as_integer("maps", maps, 1)
    outputs = outputs_of(model, as_model_image(model, image))
    return draw_rows(distinct(outputs), maps, "gray_r", signed=False, what="outputs of the layers, channel by channel")


def gradient_maps(model: Network, image: np.ndarray, class_: int | None = None, maps: int = 8) -> Figure:
    """Draw the gradient of a class's logit on its way back through the layers, down to the pixels.

    Each row shows d logit[class_] / d output of a layer: more there, red, would speak for the class, and blue against
    it. White is where nothing depends on the output, such as after a ReLU that is off or a maximum that is another
    one's.

    Parameters
    ----------
    model : Sequential
    image : ndarray, of the shape of one sample
    class_ : int, optional
        By default the class that the model answers.
    maps : int, default 8
        The most channels of a layer that are drawn, the first ones.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 5), sc.ReLU(), sc.Flatten(), sc.Dense(10)]
    >>> model = sc.Sequential(layers, input_shape=(28, 28, 1))
    >>> figure = sc.plots.gradient_maps(model, x[0], class_=3)
    """
    model, maps = as_model(model), as_integer("maps", maps, 1)
    batch = as_model_image(model, image)
    classes = as_classes(model, batch, class_)
    trace = traced(model, batch, classes)
    rows = {"pixels": trace.input_gradient, **trace.gradients}
    logit = "the logit of " if has_classes(model) else ""
    what = f"gradient of {logit}{named(model, classes[0])}\nwith respect to the output of each layer"
    return draw_rows(distinct(rows), maps, SIGNED, signed=True, what=what)
