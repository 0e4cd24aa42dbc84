"""How exact a numerical derivative is: the error against the step, which has the form of a V.

Letters: L the loss, h the step, f the loss along a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.inputs import as_integer
from ..gradcheck.numerical import Line
from ..layers.membership import unbuilt
from ..losses import SoftmaxCrossEntropy
from ..losses.use import as_targets, gradient_of, mean_loss
from ..network.network import Network
from .canvas import BLUE, ORANGE, PURPLE, as_model, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = np.logspace(-13, 0, 53)  # four a power of ten
EPSILON = float(np.finfo(np.float64).eps)


def gradient_check(model: Network, x: Any, y: Any, seed: int = 0) -> Figure:
    """Draw the error of a numerical derivative of the loss against the step size: the V.

    The derivative is that along a random direction in the space of all trainable parameters; what ``backward`` says of
    it counts as exact. The central difference d(h) = (f(h) - f(-h)) / 2h makes two errors:

        truncation   h^2 f''' / 6             what the next terms of Taylor's series add: smaller for smaller steps
        rounding     about epsilon |f| / h    what float64 cannot tell apart: larger for smaller steps

    The best step lies where the two meet. The five-point formula that ``gradcheck`` uses has a truncation of h^4, and
    so its V is deeper. Where the error does not fall at all, ``backward`` is wrong. In networks with ReLU or maxima a
    large step crosses kinks, and the left branch alone is a straight line. All is computed on a copy in float64.

    Parameters
    ----------
    model : Sequential
        Its loss is that of ``compile``, else ``SoftmaxCrossEntropy``.
    x, y : array_like
        A few images and their targets.
    seed : int, default 0
        Of the direction.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(8, "tanh"), sc.Dense(10)]
    >>> model = sc.Sequential(layers, input_shape=(28, 28, 1))
    >>> figure = sc.plots.gradient_check(model, x[:8], y[:8])
    """
    errors, deeper, value, level = errors_by_step(as_model(model), x, y, as_integer("seed", seed, 0))
    drawing = figure(6.5, 4.5)
    axes = drawing.add_subplot()
    axes.loglog(STEPS, np.maximum(errors, 1e-18), "o-", color=BLUE, markersize=3, label="central difference")
    axes.loglog(STEPS, np.maximum(deeper, 1e-18), "s--", color=ORANGE, markersize=3, label="five points (gradcheck)")
    best = _best(errors)
    rounding = level * EPSILON / STEPS[: best + 1] / abs(value)
    axes.plot(STEPS[: best + 1], rounding, ":", color="black", label="rounding: epsilon |f| / h")
    right = min(len(STEPS) - 1, best + 4)  # a power of ten further, where rounding is small and kinks are rare
    truncation = errors[right] * (STEPS[best:] / STEPS[right]) ** 2
    axes.plot(STEPS[best:], truncation, "-.", color=PURPLE, label="truncation: h² f''' / 6")
    axes.axvline(STEPS[best], color="0.8", zorder=0, label=f"best step: about {STEPS[best]:.0e}")
    axes.set_ylim(1e-14, max(10.0, 2 * errors.max()))
    axes.set_xlabel("step h")
    axes.set_ylabel("relative error of the derivative")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return drawing


def _best(errors: np.ndarray) -> int:
    """Return the number of the best step: of the lowest median of five, for one error alone may be 0 by chance."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(errors, 2, mode="edge"), 5)
    return int(np.argmin(np.median(around, axis=1)))


def errors_by_step(model: Network, x: Any, y: Any, seed: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return the relative errors at ``STEPS`` of both formulas, the derivative itself, and the loss."""
    network = type(model)([unbuilt(layer) for layer in model.layers], model.input_shape, dtype="float64")
    network.set_weights([np.asarray(weight, np.float64) for weight in model.get_weights()])
    for copied, layer in zip(network.layers, model.layers, strict=True):
        copied.trainable = layer.trainable
    if network.parameters.size == 0:
        raise ValueError("the model has no trainable parameters, there is nothing to differentiate")
    network.loss = model.loss or SoftmaxCrossEntropy()
    images = network.as_images(x)
    targets = as_targets(network.loss, y, len(images), network.output_shape, network.dtype)
    middle = network.parameters.copy()
    direction = np.random.default_rng(seed).normal(size=middle.size)
    direction /= np.linalg.norm(direction)

    def along(h: float) -> np.ndarray:
        network.parameters[...] = middle + h * direction
        return np.array([mean_loss(network.loss, network.forward(images), targets)], np.float64)

    start = along(0.0)
    network.backpropagate(gradient_of(network.loss, network.forward(images), targets))
    value = float(network.gradients @ direction)
    if value == 0 or not np.isfinite(value):
        raise ValueError(
            f"the derivative is {value}, there is no error relative to it; train less, or take other images"
        )
    line = Line(along, np.ones(1), start)
    central = np.array([line.at(h)[0] for h in STEPS])
    five = np.array([(4 * line.at(h)[0] - line.at(2 * h)[0]) / 3 for h in STEPS])
    return np.abs(central - value) / abs(value), np.abs(five - value) / abs(value), value, abs(float(start[0]))
