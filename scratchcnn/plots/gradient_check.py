"""The error of a numerical derivative against the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import require_drawn
from ..gradcheck.steps import StepErrors, error_by_step
from ..layers.base import Layer
from ..types import Shape
from .drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPSILON = float(np.finfo(np.float64).eps)
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.45"  # told apart with any kind of colour vision


def gradient_check(layer: Layer, input_shape: Shape, batch_size: int = 2, seed: int = 0) -> Figure:
    """Draw the error of a layer's numerical derivative against the step: the V of a gradient check.

    On the right the step is too large, and what the series cuts off is the error; on the left it is too small, and
    rounding is. A layer that is linear has no right branch, and one that is wrong has no V: its error is as large for
    every step. ``gradcheck.error_by_step`` has the numbers.

    Parameters
    ----------
    layer : Layer
        A copy of it is used.
    input_shape : tuple of int
        Of one input.
    batch_size : int, default 2
    seed : int, default 0
        Of inputs, gradients and the direction along which is differentiated.

    Raises
    ------
    ValueError
        If the layer cannot follow inputs of this shape.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> figure = sc.plots.gradient_check(sc.Tanh(), (6,))
    """
    require_drawn("layer", layer, Layer, "a layer, such as sc.Dense(3)")
    return draw_errors(error_by_step(layer, input_shape, batch_size, seed))


def draw_errors(errors: StepErrors) -> Figure:
    """Draw the errors that ``error_by_step`` returns."""
    figure = new_figure(7, 4.5)
    axes = figure.add_subplot()
    floor = EPSILON / 10  # an error of exactly 0 has no place on a logarithmic axis
    for values, color, marker, label in (
        (errors.central, ORANGE, "o", "central difference"),
        (errors.five_point, BLUE, "s", "five-point formula, which the checks use"),
    ):
        axes.plot(errors.steps, np.maximum(values, floor), marker=marker, ms=3.5, lw=1.2, color=color, label=label)
    steps = errors.steps
    axes.plot(steps, EPSILON / steps, ":", color=GREY, lw=1)
    axes.annotate(
        "rounding: eps / h", (steps[-12], EPSILON / steps[-12]), (6, 10), textcoords="offset points", color=GREY
    )
    for values, power in ((errors.central, 2), (errors.five_point, 4)):
        start = values[2]
        if start > 1e-9:  # else there is no series to cut off
            line = start * (steps / steps[2]) ** power
            shown = line > 1e-14
            axes.plot(steps[shown], line[shown], "--", color=GREY, lw=1)
            at, side, offset = (1e-5, "right", -8) if power == 2 else (1e-7, "left", 8)
            place = int(np.argmin(np.abs(np.log(line) - np.log(at))))
            axes.annotate(
                f"cut off: h^{power}", (steps[place], line[place]), (offset, 0), textcoords="offset points",
                color=GREY, ha=side, va="center",
            )  # fmt: skip
    axes.axvline(errors.used, color="0.2", lw=1, ls="-.", label="step of the checks")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor / 3, top=10)
    axes.set_xlabel("step h")
    axes.set_ylabel("relative error of the derivative")
    axes.set_title(errors.title if len(errors.title) <= 70 else f"{errors.title[:67]}...", fontsize=9, loc="left")
    axes.grid(alpha=0.25)
    axes.legend(loc="lower left", fontsize=8)
    return figure
