"""How the error of a numerical derivative depends on the step: the V that every choice of a step is about.

A central difference (f(h) - f(-h)) / 2h is wrong for two reasons. It cuts off a series, which costs about h^2 f'''/6;
and f is known to some sixteen digits only, which costs about eps |f| / h. The first shrinks with the step and the
second grows, so the best step is about (3 eps |f| / f''')^(1/3), near 1e-5, and leaves ten digits. The five-point
formula of ``numerical.py`` cuts off at h^4: its best step is near 1e-3, and leaves thirteen (Press et al. 2007,
"Numerical Recipes", section 5.7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks.inputs import as_input_shape, as_integer
from ..layers.base import Layer
from ..types import Shape
from .inputs import separated
from .numerical import FIRST_STEP
from .subjects import LayerSubject

STEPS = 2.0 ** np.arange(-1, -44, -1.0)  # from 0.5 to 1e-13


@dataclass(frozen=True)
class StepErrors:
    """Relative errors of numerical derivatives, step by step.

    Attributes
    ----------
    title : str
        What was differentiated.
    steps : ndarray, shape (S,)
        The steps h.
    central, five_point : ndarray, shape (S,)
        Relative errors of (f(h) - f(-h)) / 2h, and of (8 f(h) - 8 f(-h) - f(2h) + f(-2h)) / 12h, against ``backward``.
    used : float
        The step that the checks begin with.
    """

    title: str
    steps: np.ndarray
    central: np.ndarray
    five_point: np.ndarray
    used: float


def error_by_step(layer: Layer, input_shape: Shape, batch_size: int = 2, seed: int = 0) -> StepErrors:
    """Return the relative error of numerical derivatives of a layer for steps from 0.5 to 1e-13.

    The derivative is that of sum dy y, with random numbers dy, along a random direction of the inputs, in float64.

    Parameters
    ----------
    layer : Layer
        A copy of it is used.
    input_shape : tuple of int
        Of one input.
    batch_size : int, default 2
    seed : int, default 0
        Of inputs, dy and direction.

    Raises
    ------
    ValueError
        If the layer cannot follow inputs of this shape.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> errors = sc.gradcheck.error_by_step(sc.Tanh(), (6,))
    >>> best = errors.steps[errors.central.argmin()]
    >>> bool(1e-7 < best < 1e-4)
    True
    """
    shape, rng = as_input_shape(input_shape), np.random.default_rng(as_integer("seed", seed, 0))
    subject = LayerSubject(layer, shape, True, seed)
    x = separated((as_integer("batch_size", batch_size, 1), *shape), rng)
    direction = rng.standard_normal(x.shape)
    dy = rng.standard_normal((len(x), *subject.layer.output_shape))
    _, gradients = subject.run(x, dy)
    exact = float(np.vdot(gradients[subject.input_name], direction))

    def slope(h: float) -> float:
        difference = subject.outputs(x + h * direction, dy) - subject.outputs(x - h * direction, dy)
        return float(np.vdot(dy, difference)) / (2 * h)

    central, five_point = [], []
    for h in STEPS:
        narrow, wide = slope(h), slope(2 * h)
        central.append(_relative(narrow, exact))
        five_point.append(_relative((4 * narrow - wide) / 3, exact))
    title = f"{subject.layer!r} on {len(x)} inputs of shape {shape}"
    return StepErrors(title, STEPS.copy(), np.array(central), np.array(five_point), FIRST_STEP)


def _relative(value: float, exact: float) -> float:
    largest = max(abs(value), abs(exact))
    return abs(value - exact) / largest if largest else 0.0
