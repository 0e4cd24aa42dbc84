"""Where images lie in the eyes of the last hidden layer. Letters: N images, D features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_class_numbers
from ..checks.messages import shown
from .canvas import CYCLE, as_model, as_model_images, figure, outputs_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..network.network import Network

AT_ONCE = 256  # images that go through the network together


def embedding(model: Network, images: np.ndarray, labels: np.ndarray, layer: str | None = None) -> Figure:
    """Draw images as points in the plane in which the outputs of the last hidden layer differ most.

    The plane is that of the first two principal components: with X (N, D) the outputs less their mean, the singular
    value decomposition is X = U S V^T; the columns of V are directions, S^2 / sum S^2 is the share of the variance
    along each, and the points are the first two columns of U S (Pearson 1901). Each point is drawn as its class's
    number.

    Parameters
    ----------
    model : Sequential
    images : ndarray, shape (N, *input_shape)
        At least three; some hundred are enough for a picture.
    labels : ndarray of int, shape (N,)
        The right classes.
    layer : str, optional
        The name of another layer whose outputs to look at; by default what the last layer with parameters gets.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.embedding(model, x[:50], y[:50])
    """
    model = as_model(model)
    images = as_model_images(model, images)
    labels = as_class_numbers("labels", labels)
    if len(labels) != len(images):
        raise ValueError(f"there must be one label for each image, got {len(images)} images and {len(labels)} labels")
    if len(images) < 3:
        raise ValueError(f"images must be at least three, to lie in a plane, got {len(images)}")
    name = _last_hidden(model) if layer is None else layer
    if name not in [part.name for part in model.layers]:
        raise ValueError(f"there is no layer {shown(layer)}; there are {', '.join(p.name for p in model.layers)}")
    parts = [outputs_of(model, images[start : start + AT_ONCE])[name] for start in range(0, len(images), AT_ONCE)]
    x = np.concatenate(parts).reshape(len(images), -1).astype(np.float64)  # (N, D)
    points, shares = principal_components(x)
    drawing = figure(6.5, 5.5)
    axes = drawing.add_subplot()
    for number in np.unique(labels):
        there, color = points[labels == number], CYCLE[number % len(CYCLE)]
        axes.scatter(*there.T, s=45, marker=f"${number}$", color=color, linewidths=0.3, label=f"{number}")
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"second principal component ({shares[1]:.0%})")
    axes.set_title(f"outputs of {name}, {x.shape[1]} numbers an image, seen from one side", fontsize=10)
    axes.grid(alpha=0.3)
    return drawing


def principal_components(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (N, 2) of rows (N, D) in their first two principal components, and their shares, (2,)."""
    u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)  # s falls
    points, shares = np.zeros((len(x), 2)), np.zeros(2)
    count = min(2, len(s))
    points[:, :count] = (u * s)[:, :count]
    shares[:count] = s[:count] ** 2 / (np.square(s).sum() or 1.0)
    return points, shares


def _last_hidden(model: Network) -> str:
    """Return the name of the layer whose output the last layer with parameters gets."""
    places = [place for place, layer in enumerate(model.layers) if layer.params and place > 0]
    return model.layers[places[-1] - 1 if places else -1].name
