"""What all pictures share: an empty figure, colours, a row of images with their colour bar.

The colours are those of Okabe and Ito 2008, "Color Universal Design". Letters: N images, H W height and width.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..callbacks.progress import announcing_compilation
from ..checks.drawn import as_pictures, require_drawn
from ..checks.inputs import as_integer
from ..losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from ..network import inspection
from ..network.network import Network

BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, "black")
SIGNED = "RdBu_r"  # blue is negative, white 0, red positive


def figure(width: float, height: float) -> Any:
    """Return an empty figure, of inches."""
    from ..figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained")


def tiles(images: Any, columns: int) -> tuple[Any, list[Any]]:
    """Return a figure of some square axes without ticks, ``columns`` in a row, one for each image."""
    columns = min(as_integer("columns", columns, 1), len(images))
    rows = math.ceil(len(images) / columns)
    drawing = figure(1.4 * columns, 1.7 * rows)
    return drawing, [drawing.add_subplot(rows, columns, place + 1) for place in range(len(images))]


def show_image(axes: Any, image: np.ndarray, **options: Any) -> Any:
    """Draw an image (H, W), or with a last axis of channels, without ticks, ink dark on light."""
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.imshow(image, **{"cmap": "gray_r", "interpolation": "nearest", **options})


def limit_of(*arrays: np.ndarray) -> float:
    """Return the largest absolute value, for a colour scale with 0 in its middle; 1 where all are 0."""
    return max((float(np.nanmax(np.abs(array), initial=0.0)) for array in arrays), default=0.0) or 1.0


def as_model(model: Any) -> Network:
    """Return a model, or raise a ValueError."""
    refuse_average("model", model)
    require_drawn("model", model, Network, "a model, sc.Sequential([...])")
    return model


def refuse_average(name: str, model: Any) -> None:
    """Raise a ValueError where an ensemble or another average stands for a model."""
    if hasattr(model, "members"):
        raise ValueError(
            f"{name} must be one model, got {type(model).__name__}, an average of answers; pass one of the models that "
            "it asks, such as average.members()[0]"
        )


def as_model_images(model: Network, images: Any) -> np.ndarray:
    """Return images (N, H, W, C) that a model takes and that can be drawn: one alone will do."""
    array = np.asarray(images) if not isinstance(images, str | bytes) else images
    shape = model.input_shape
    if isinstance(array, np.ndarray) and array.shape in (shape, shape[:-1] if shape[-1] == 1 else shape):
        array = array[np.newaxis]
    array = model.as_images(array)
    as_pictures(array)
    return array


def as_model_image(model: Network, image: Any) -> np.ndarray:
    """Return one image as a batch (1, H, W, C)."""
    images = as_model_images(model, image)
    if len(images) != 1:
        raise ValueError(f"image must be one image, of shape {model.input_shape}, got {len(images)}: pass x[0]")
    return images


def as_classes(model: Network, images: np.ndarray, class_: Any) -> np.ndarray:
    """Return the class that is asked about for each image, (N,): by default the one that the model answers."""
    if class_ is None and len(model.output_shape) == 1:
        with announcing_compilation():
            return model(images).argmax(axis=1)
    return inspection.as_classes(model, class_, len(images))


def named(model: Network, number: int) -> str:
    """Return what a model's output of that number stands for: a class, or just a number."""
    return f"class {number}" if has_classes(model) else f"output {number}"


def has_classes(model: Network) -> bool:
    """Return whether the outputs of a model are logits of classes, of which one is right."""
    if model.loss is not None:
        return isinstance(model.loss, SoftmaxCrossEntropy)
    return model.saved_predictions in ("", "softmax") and len(model.output_shape) == 1 and model.output_shape[0] > 1


def has_probabilities(model: Network) -> bool:
    """Return whether what a model predicts are probabilities, of classes or of "yes"."""
    of_yes = isinstance(model.loss, BinaryCrossEntropy) or (model.loss is None and model.saved_predictions == "sigmoid")
    return of_yes or has_classes(model)


def traced(model: Network, images: np.ndarray, classes: np.ndarray) -> inspection.Trace:
    """Return what goes through a model, and back from one logit of each image."""
    with announcing_compilation():
        return inspection.trace(model, images, classes)


def outputs_of(model: Network, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each layer makes of images."""
    with announcing_compilation():
        return inspection.layer_outputs(model, images)
