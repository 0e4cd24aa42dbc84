"""One step of an optimizer: a single pass over the flat vectors, each number read and written once.

The vectors of a small network lie in the L2 cache; the arithmetic between is free. Nothing is summed over the
parameters but the norm for gradient clipping, which has a fixed number of partial sums.
"""

import math

import numpy as np

from ...types import Array
from ..settings import AdamSettings, RMSpropSettings, SGDSettings
from .runtime.arguments import or_empty, read_array, read_arrays
from .runtime.chunks import BLOCK, chunks_of_reduction
from .runtime.compile import native
from .runtime.launch import exclusive, run
from .runtime.scratch import scratch
from .shared.flat import chunk_of, run_flat


@exclusive
def sgd_step(parameters: Array, gradients: Array, velocity: Array | None, settings: SGDSettings) -> None:
    """Update ``parameters`` and ``velocity`` by stochastic gradient descent, with momentum unless velocity is None."""
    learning_rate, momentum, nesterov, weight_decay = settings
    if velocity is None:
        momentum, nesterov = 0.0, False
        velocity = scratch("no velocity", parameters.shape, parameters.dtype)
        velocity[:] = 0
    scalars = np.array([learning_rate, momentum, weight_decay, nesterov], parameters.dtype)
    run_flat(_sgd(parameters.dtype), parameters.size, parameters, gradients, velocity, scalars)


@exclusive
def adam_step(
    parameters: Array, gradients: Array, mean: Array, variance: Array, step: int, settings: AdamSettings
) -> None:
    """Update ``parameters`` and the moving averages by Adam, or AdamW where weight decay is ``decoupled``."""
    learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled = settings
    alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    kept = 1 - learning_rate * weight_decay if decoupled else 1.0
    penalty = 0.0 if decoupled else weight_decay
    scalars = np.array([alpha, 1 - beta_1, 1 - beta_2, epsilon, kept, penalty], parameters.dtype)
    run_flat(_adam(parameters.dtype), parameters.size, parameters, gradients, mean, variance, scalars)


@exclusive
def rmsprop_step(
    parameters: Array,
    gradients: Array,
    square: Array,
    mean: Array | None,
    velocity: Array | None,
    settings: RMSpropSettings,
) -> None:
    """Update ``parameters`` and the moving averages by RMSprop; ``mean`` is None unless it is centered."""
    learning_rate, rho, momentum, epsilon = settings
    dtype = parameters.dtype
    numbers = [learning_rate, 1 - rho, momentum, epsilon, mean is not None, velocity is not None]
    given = (or_empty(mean, dtype), or_empty(velocity, dtype))
    run_flat(_rmsprop(dtype), parameters.size, parameters, gradients, square, *given, np.array(numbers, dtype))


@exclusive
def clip_by_norm(gradients: Array, max_norm: float) -> float:
    """Scale the vector so that its norm is at most ``max_norm``; return the norm before."""
    sums = scratch("squares", (chunks_of_reduction(gradients.size // BLOCK, 8),), np.float64)
    run(_sum_of_squares(gradients.dtype), sums.size, (), gradients, sums)
    norm = math.sqrt(math.fsum(sums))
    if math.isfinite(norm) and norm > max_norm:
        gradients *= max_norm / norm
    return norm


@native
def _sgd(dtype):
    def sgd(chunk, chunks, dims, pointers):
        """v <- momentum v - lr g; w <- w + v or, with Nesterov's look ahead, w + momentum v - lr g."""
        w, g, v, scalars = read_arrays(pointers, 4, dtype)
        learning_rate, momentum, weight_decay, nesterov = scalars[0], scalars[1], scalars[2], scalars[3] != 0
        first, last = chunk_of(chunk, chunks, w.size)
        w, g, v = w[first:last], g[first:last], v[first:last]
        for i in range(w.size):
            gradient = g[i] + weight_decay * w[i]
            v[i] = momentum * v[i] - learning_rate * gradient
            w[i] += momentum * v[i] - learning_rate * gradient if nesterov else v[i]

    return sgd


@native
def _adam(dtype):
    def adam(chunk, chunks, dims, pointers):
        """m and v move towards the gradient and its square; w moves against m / sqrt(v)."""
        w, g, m, v, scalars = read_arrays(pointers, 5, dtype)
        alpha, one_minus_beta_1, one_minus_beta_2 = scalars[0], scalars[1], scalars[2]
        epsilon, kept, penalty = scalars[3], scalars[4], scalars[5]
        first, last = chunk_of(chunk, chunks, w.size)
        w, g, m, v = w[first:last], g[first:last], m[first:last], v[first:last]
        for i in range(w.size):
            gradient = g[i] + penalty * w[i]
            m[i] += one_minus_beta_1 * (gradient - m[i])
            v[i] += one_minus_beta_2 * (gradient * gradient - v[i])
            w[i] = kept * w[i] - alpha * m[i] / (np.sqrt(v[i]) + epsilon)

    return adam


@native
def _rmsprop(dtype):
    def rmsprop(chunk, chunks, dims, pointers):
        """s moves towards the square of the gradient, a towards it; w moves against g / sqrt(s - a^2)."""
        w, g, s, a, v, scalars = read_arrays(pointers, 6, dtype)
        learning_rate, one_minus_rho, momentum, epsilon = scalars[0], scalars[1], scalars[2], scalars[3]
        centered, has_velocity = scalars[4] != 0, scalars[5] != 0
        first, last = chunk_of(chunk, chunks, w.size)
        for i in range(first, last):
            s[i] += one_minus_rho * (g[i] * g[i] - s[i])
            variance = s[i]
            if centered:
                a[i] += one_minus_rho * (g[i] - a[i])
                variance = max(s[i] - a[i] * a[i], s.dtype.type(0))
            step = learning_rate * g[i] / np.sqrt(variance + epsilon)
            if has_velocity:
                v[i] = momentum * v[i] + step
                step = v[i]
            w[i] -= step

    return rmsprop


@native
def _sum_of_squares(dtype):
    def sum_of_squares(chunk, chunks, dims, pointers):
        """Sixteen sums side by side, so that the loop can use SIMD though its order of additions is fixed."""
        (gradients,) = read_arrays(pointers, 1, dtype)
        sums = read_array(pointers, 1, np.float64)
        first, last = chunk_of(chunk, chunks, gradients.size)
        lanes = np.zeros(16)
        whole = first + (last - first) // 16 * 16
        for i in range(first, whole, 16):
            for lane in range(16):
                lanes[lane] += np.float64(gradients[i + lane]) ** 2
        for i in range(whole, last):
            lanes[0] += np.float64(gradients[i]) ** 2
        sums[chunk] = 0
        for lane in range(16):
            sums[chunk] += lanes[lane]

    return sum_of_squares
