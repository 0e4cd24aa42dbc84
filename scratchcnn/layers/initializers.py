"""How weights start: random, and just large enough that signals neither fade nor explode from layer to layer.

An output that sums ``fan_in`` independent products w x has the variance fan_in Var(w) Var(x). To keep the variance of
the activations, Var(w) must be 1 / fan_in (LeCun); in front of a ReLU, which lets half of the signal's power through,
2 / fan_in (He). The gradients flow the other way and sum over ``fan_out`` products; Glorot divides by the mean of the
two fans, 2 / (fan_in + fan_out).

    lecun    LeCun, Bottou, Orr and Müller 1998, "Efficient backprop"
    glorot   Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"
    he       He, Zhang, Ren and Sun 2015, "Delving deep into rectifiers"

Each comes from a uniform distribution or, as in Keras, from a normal one without its tails. All numbers are drawn in
float64 and then rounded: the same seed gives the same network in both precisions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks.messages import shown, similar_name

Shape = tuple[int, ...]
Initializer = Callable[[Shape, int, int, np.random.Generator, Any], np.ndarray]

# The standard deviation of a standard normal distribution cut off at -2 and 2.
_TRUNCATED_STD = 0.8796256610342398


def uniform(shape: Shape, variance: float, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw from the uniform distribution on (-limit, limit), whose variance is limit^2 / 3."""
    limit = np.sqrt(3 * variance)
    return rng.uniform(-limit, limit, shape).astype(dtype)


def truncated_normal(shape: Shape, variance: float, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw from a normal distribution cut off at two standard deviations, and stretched to the wanted variance."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(np.count_nonzero(outside))
    return (values * (np.sqrt(variance) / _TRUNCATED_STD)).astype(dtype)


def lecun_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw uniformly, with variance 1 / fan_in."""
    return uniform(shape, 1 / fan_in, rng, dtype)


def lecun_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw from a truncated normal distribution, with variance 1 / fan_in."""
    return truncated_normal(shape, 1 / fan_in, rng, dtype)


def glorot_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw uniformly, with variance 2 / (fan_in + fan_out); the default of every layer."""
    return uniform(shape, 2 / (fan_in + fan_out), rng, dtype)


def glorot_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw from a truncated normal distribution, with variance 2 / (fan_in + fan_out)."""
    return truncated_normal(shape, 2 / (fan_in + fan_out), rng, dtype)


def he_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw uniformly, with variance 2 / fan_in; for a layer that a ReLU follows."""
    return uniform(shape, 2 / fan_in, rng, dtype)


def he_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Draw from a truncated normal distribution, with variance 2 / fan_in; for a layer that a ReLU follows."""
    return truncated_normal(shape, 2 / fan_in, rng, dtype)


def zeros(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Return zeros. For a kernel this is a network whose units all stay equal: they need different starts."""
    return np.zeros(shape, dtype)


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "zeros": zeros,
}


def check_initializer(what: str, name: Any) -> str:
    """Return ``name`` if there is an initialiser of that name; a ValueError that lists them otherwise."""
    if not isinstance(name, str) or name not in INITIALIZERS:
        close = similar_name(name, INITIALIZERS)
        hint = f"did you mean {close!r}? C" if close else "c"
        raise ValueError(
            f"{what}: there is no initializer {shown(name)}; {hint}hoose one of {', '.join(INITIALIZERS)}, or fill the "
            'kernel when the model is made: layer.params["kernel"] = values'
        )
    return name
