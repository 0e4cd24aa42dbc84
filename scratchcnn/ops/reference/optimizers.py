"""One step of an optimizer, in place, on a flat vector that holds all parameters of a model.

Letters: w parameters, g gradients, lr learning rate, t the number of the step, from 1. The formulas are Keras's, but
for a ``weight_decay`` that is added to the gradient, which is PyTorch's: the optimizers call that one ``l2_penalty``.
"""

from __future__ import annotations

import numpy as np

from ..settings import AdamSettings, RMSpropSettings, SGDSettings


def sgd_step(parameters: np.ndarray, gradients: np.ndarray, velocity: np.ndarray | None, settings: SGDSettings) -> None:
    """Go downhill; with momentum, like a heavy ball (Polyak 1964):

        g <- g + weight_decay w            the gradient of the penalty weight_decay/2 |w|^2 (L2)
        v <- momentum v - lr g
        w <- w + v                         or, Nesterov (Sutskever et al. 2013):  w <- w + momentum v - lr g

    Nesterov looks one step ahead: it adds the step that the new velocity is about to make. ``velocity`` is None where
    momentum is 0; the step is then -lr g.
    """
    learning_rate, momentum, nesterov, weight_decay = settings
    gradients = gradients + weight_decay * parameters  # a new array: the caller's gradients stay
    if velocity is None:
        parameters -= learning_rate * gradients
        return
    velocity *= momentum
    velocity -= learning_rate * gradients
    if nesterov:
        parameters += momentum * velocity - learning_rate * gradients
    else:
        parameters += velocity


def adam_step(
    parameters: np.ndarray,
    gradients: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    step: int,
    settings: AdamSettings,
) -> None:
    """Give each parameter a step of its own size (Kingma and Ba 2015, "Adam", the form at the end of their section 2):

        m <- beta_1 m + (1 - beta_1) g              moving average of the gradient
        v <- beta_2 v + (1 - beta_2) g^2            moving average of its square
        a  = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)        both averages start at 0: this takes the bias out
        w <- w - a m / (sqrt(v) + epsilon)

    Weight decay is either part of the gradient, g <- g + weight_decay w (L2), or ``decoupled`` from it,
    w <- w - lr weight_decay w before the step (AdamW: Loshchilov and Hutter 2019), where it is not divided by sqrt(v).
    """
    learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled = settings
    if decoupled:
        parameters -= learning_rate * weight_decay * parameters
    else:
        gradients = gradients + weight_decay * parameters
    mean += (1 - beta_1) * (gradients - mean)
    variance += (1 - beta_2) * (np.square(gradients) - variance)
    alpha = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    parameters -= float(alpha) * mean / (np.sqrt(variance) + epsilon)


def rmsprop_step(
    parameters: np.ndarray,
    gradients: np.ndarray,
    square: np.ndarray,
    mean: np.ndarray | None,
    velocity: np.ndarray | None,
    settings: RMSpropSettings,
) -> None:
    """Divide each gradient by the size of its recent ones (Tieleman and Hinton 2012, lecture 6.5 of their course):

        s <- rho s + (1 - rho) g^2                 moving average of the square
        d  = s + epsilon                           or, centered (Graves 2013), the variance:
        a <- rho a + (1 - rho) g,   d = s - a^2 + epsilon
        w <- w - lr g / sqrt(d)                    or, with momentum:  v <- momentum v + lr g / sqrt(d),  w <- w - v

    Rounding can leave s - a^2 a little below 0, which no variance is: it is then taken for 0. ``mean`` (a) is None
    where it is not centered, ``velocity`` (v) where momentum is 0.
    """
    learning_rate, rho, momentum, epsilon = settings
    square += (1 - rho) * (np.square(gradients) - square)
    variance = square
    if mean is not None:
        mean += (1 - rho) * (gradients - mean)
        variance = np.maximum(square - np.square(mean), 0)
    step = learning_rate * gradients / np.sqrt(variance + epsilon)
    if velocity is not None:
        velocity *= momentum
        velocity += step
        step = velocity
    parameters -= step


def clip_by_norm(gradients: np.ndarray, max_norm: float) -> float:
    """Scale the vector, in place, so that its length (L2 norm) is at most ``max_norm``; return the length before.

    A vector whose length is not finite is left alone: there is no direction to keep, and the error should be seen.
    """
    with np.errstate(over="ignore"):
        norm = float(np.sqrt(np.sum(np.square(gradients, dtype=np.float64))))
    if np.isfinite(norm) and norm > max_norm:
        gradients *= max_norm / norm
    return norm
