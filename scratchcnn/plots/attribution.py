"""Which pixels an answer rests on, by three ways to ask: the gradient, the last maps, and covering things up.

Letters: N images, H W height and width, C channels, P places of a patch.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.progress import announcing_compilation
from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..layers import LAYERS, AveragePool2D, Conv2D, Layer, MaxPool2D, Residual
from ..training.prediction import predict
from .canvas import (
    SIGNED,
    as_classes,
    as_model,
    as_model_images,
    figure,
    has_probabilities,
    limit_of,
    named,
    show_image,
    traced,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..network.network import Network


def saliency(model: Network, images: np.ndarray, class_: Any = None) -> Figure:
    """Draw images beside the size of the gradient at each pixel, and beside gradient times pixel.

    The gradient of the class's logit says what a change of a pixel would do (Simonyan et al. 2014). Multiplied by the
    pixel it says what the ink that is there does: red speaks for the class, blue against it.

    Parameters
    ----------
    model : Sequential
    images : ndarray, shape (N, *input_shape)
        A row each; a single image will do.
    class_ : int or array_like of int, shape (N,), optional
        By default the class that the model answers.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.saliency(model, x[:2])
    """
    model, images, classes = _asked(model, images, class_)
    gradient = traced(model, images, classes).input_gradient  # (N, H, W, C)
    size = np.abs(gradient).max(axis=-1)  # (N, H, W)
    product = (gradient * images).sum(axis=-1)
    drawing, rows = _rows(model, images, classes, ("size of the gradient", "gradient times pixel"))
    for axes, strength, spoken in zip(rows, size, product, strict=True):
        _with_bar(drawing, axes[0], strength, "viridis", 0.0)
        _with_bar(drawing, axes[1], spoken, SIGNED, -limit_of(spoken))
    return drawing


def grad_cam(model: Network, images: np.ndarray, class_: Any = None, layer: str | None = None) -> Figure:
    """Draw over images where the last maps of a network speak for a class: Grad-CAM (Selvaraju et al. 2017).

    With A (H, W, C) the maps of a layer and y the class's logit, a map counts as much as its gradient on average says:

        w[c] = mean over i, j of dy / dA[i,j,c]        shown is max(0, sum_c w[c] A[i,j,c])

    Parameters
    ----------
    model : Sequential
    images : ndarray, shape (N, *input_shape)
        A row each; a single image will do.
    class_ : int or array_like of int, shape (N,), optional
        By default the class that the model answers.
    layer : str, optional
        The name of a layer with maps; by default the last one that does not pool, with maps larger than 1 x 1.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 5), sc.ReLU(), sc.Flatten(), sc.Dense(10)]
    >>> model = sc.Sequential(layers, input_shape=(28, 28, 1))
    >>> figure = sc.plots.grad_cam(model, x[:2])
    """
    model, images, classes = _asked(model, images, class_)
    parts = itertools.dropwhile(_makes_no_maps, model.layers)
    with_maps = [part.name for part in parts if len(part.output_shape or ()) == 3 and _is_map(part.output_shape)]
    if not with_maps:
        raise ValueError(
            "Grad-CAM looks at the maps of a convolution, and this model has none; sc.plots.saliency(model, images) "
            "shows which pixels its answers rest on"
        )
    sharp = [name for name in with_maps if not isinstance(model.get_layer(name), MaxPool2D | AveragePool2D)]
    name = (sharp or with_maps)[-1] if layer is None else layer
    if name not in with_maps:
        known = ", ".join(with_maps)
        raise ValueError(
            f"layer must be the name of a layer with maps (H, W, C), got {shown(layer)}; there are {known}"
        )
    trace = traced(model, images, classes)
    weights = trace.gradients[name].mean(axis=(1, 2), keepdims=True)  # (N, 1, 1, C)
    maps = np.maximum((weights * trace.outputs[name]).sum(axis=-1), 0)  # (N, H, W)
    drawing, rows = _rows(model, images, classes, (f"Grad-CAM of {name}",))
    height, width = images.shape[1:3]
    for axes, image, heat in zip(rows, images, maps, strict=True):
        grey, shades = (image, "gray_r") if image.shape[2] == 1 else (image[..., :3].mean(axis=-1), "gray")
        show_image(axes[0], grey, cmap=shades, alpha=0.5, extent=(0, width, height, 0))  # colours are the map's
        options = {"cmap": "viridis", "alpha": 0.6, "extent": (0, width, height, 0), "interpolation": "bilinear"}
        _bar(drawing, axes[0], axes[0].imshow(heat, vmin=0, vmax=limit_of(heat), **options))
        if not heat.any():
            axes[0].set_xlabel("nothing speaks for it", fontsize=8)
    return drawing


def _makes_no_maps(layer: Layer) -> bool:
    """Return whether a layer is one of the library's that look for no patterns; of one's own nobody knows."""
    return type(layer) in LAYERS.values() and not isinstance(layer, Conv2D | Residual)


def _is_map(shape: Any) -> bool:
    return shape[0] * shape[1] > 1


def occlusion(model: Network, images: np.ndarray, class_: Any = None, size: int = 5, step: int = 2) -> Figure:
    """Draw how much of the class's probability is lost where a patch of background covers the image.

    Unlike a gradient it asks what happens without the ink (Zeiler and Fergus 2014). Blue is where the class becomes
    more probable without it.

    Parameters
    ----------
    model : Sequential
    images : ndarray, shape (N, *input_shape)
        A row each; a single image will do.
    class_ : int or array_like of int, shape (N,), optional
        By default the class that the model answers.
    size, step : int, default 5 and 2
        Of the patch, in pixels, and by how much it moves. It is filled with each image's lowest value.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.occlusion(model, x[:2], step=4)
    """
    size, step = as_integer("size", size, 1), as_integer("step", step, 1)
    model, images, classes = _asked(model, images, class_)
    if size > min(images.shape[1:3]):
        raise ValueError(f"size must be at most that of the images, {images.shape[1:3]}, got {size}")
    what = "probability" if has_probabilities(model) else "of the output"
    drawing, rows = _rows(model, images, classes, (f"{what} lost when covered",))
    for axes, image, number in zip(rows, images, classes, strict=True):
        with announcing_compilation():
            lost = _lost(model, image, int(number), size, step)
        limit = max(limit_of(lost), 1e-3)  # where nothing changes, rounding is not to look like something
        _with_bar(drawing, axes[0], lost, SIGNED, -limit, limit)
    return drawing


def _lost(model: Network, image: np.ndarray, number: int, size: int, step: int) -> np.ndarray:
    """Return by how much a class's probability falls, (H, W): the mean over the patches that cover a pixel."""
    height, width = image.shape[:2]
    tops, lefts = (sorted({*range(0, extent - size + 1, step), extent - size}) for extent in (height, width))
    places = [(top, left) for top in tops for left in lefts]  # P
    covered = np.repeat(image[np.newaxis], len(places) + 1, axis=0)  # (P + 1, H, W, C), the last one as it is
    for one, (top, left) in zip(covered, places, strict=False):
        one[top : top + size, left : left + size] = image.min()
    probability = predict(model, covered)[:, number]
    lost, count = np.zeros((height, width)), np.zeros((height, width))
    for drop, (top, left) in zip(probability[-1] - probability[:-1], places, strict=True):
        lost[top : top + size, left : left + size] += drop
        count[top : top + size, left : left + size] += 1
    return lost / np.maximum(count, 1)


def _asked(model: Any, images: Any, class_: Any) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return the model, the images (N, H, W, C), and the class that is asked about for each, (N,)."""
    model = as_model(model)
    images = as_model_images(model, images)
    return model, images, as_classes(model, images, class_)


def _rows(
    model: Network, images: np.ndarray, classes: np.ndarray, titles: tuple[str, ...]
) -> tuple[Any, list[list[Any]]]:
    """Return a figure with a row for each image: the image, and empty axes under titles."""
    columns = 1 + len(titles)
    drawing, rows = figure(2.5 * columns, 2.1 * len(images) + 0.3), []
    for place, (image, number) in enumerate(zip(images, classes, strict=True)):
        first, *others = (drawing.add_subplot(len(images), columns, place * columns + c + 1) for c in range(columns))
        show_image(first, image)
        first.set_title(named(model, number), fontsize=9)
        for axes, title in zip(others, titles, strict=True):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(title, fontsize=9)
        rows.append(others)
    return drawing, rows


def _with_bar(drawing: Any, axes: Any, values: np.ndarray, cmap: str, low: float, high: float | None = None) -> None:
    top = limit_of(values) if high is None else high
    _bar(drawing, axes, show_image(axes, values, cmap=cmap, vmin=low, vmax=top))


def _bar(drawing: Any, axes: Any, shading: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    drawing.colorbar(
        shading, ax=axes, shrink=0.85, format="%.3g", ticks=MaxNLocator(4, steps=[1, 2, 5, 10])
    ).ax.tick_params(labelsize=7)
