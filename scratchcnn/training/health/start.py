"""The loss before the first update: a network that knows nothing should say so.

A classifier whose logits are all alike gives each of K classes the probability 1 / K, and has the cross-entropy ln K.
One that begins far above is sure of wrong answers, and its first updates go into unlearning them: its input or its
initial weights are too large (Karpathy 2019, "A recipe for training neural networks": "verify loss @ init").

It is looked at as plain cross-entropy, without smoothing, weights and penalties, whatever the loss makes of it; by the
textbook, not by kernels, which the training may have no use for.

Letters: N batch, K classes.
"""

from __future__ import annotations

import math

import numpy as np

from ...layers import Rescaling
from ...losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from ...network.network import Network
from ...ops.reference.losses_of_numbers import binary_cross_entropy_forward
from ...ops.reference.losses_of_soft_targets import soft_cross_entropy_forward
from ..batches import Batch

FACTOR, MARGIN = 1.5, 0.5  # a loss above 1.5 ln K + 0.5 is far from ln K: 3.95 of 10 classes
FEWEST = 4  # samples whose mean loss says anything
SMALL = 1 / 32  # of a scale: for pixels up to 255, not up to 1
LARGE = 16.0  # pixels of such a size are not what weights are initialised for


def is_fresh(model: Network) -> bool:
    """Return whether a model has learnt nothing yet: no update was made, and no bias differs from 0.

    What was loaded, or trained in another way, has biases that are not 0.
    """
    assert model.optimizer is not None
    if model.optimizer.iterations or model.history is not None:
        return False
    shifts = [a for n, a in model.named_parameters().items() if n.rpartition("/")[2] in ("bias", "beta")]
    return not any(shift.any() for shift in shifts)


def knowing_nothing(model: Network) -> float:
    """Return the cross-entropy of a model that knows nothing: ln K, of answers yes or no ln 2; NaN for other losses."""
    if type(model.loss) is SoftmaxCrossEntropy:
        return math.log(model.output_shape[-1])
    return math.log(2) if type(model.loss) is BinaryCrossEntropy else math.nan


def is_far(loss: float, nothing: float) -> bool:
    """Return whether a loss is far above that of a model that knows nothing."""
    return loss > FACTOR * nothing + MARGIN


def first_loss_problem(model: Network, batch: Batch, logits: np.ndarray) -> str | None:
    """Return what is wrong with the first loss of a fresh model, if anything is."""
    nothing = knowing_nothing(model)
    losses = cross_entropies(model, logits.astype(np.float64), batch.targets)  # (N,)
    if len(losses) < FEWEST or not math.isfinite(nothing):
        return None
    mean, uncertainty = float(losses.mean()), float(losses.std()) / math.sqrt(len(losses))
    if not is_far(mean - 2 * uncertainty, nothing):
        return None
    classes = round(math.exp(nothing))
    return (
        f"the first batch had the loss {mean:.3g}, where a network that knows nothing has ln({classes}) = "
        f"{nothing:.3g}: {_advice(model, batch.images)}"
    )


def divided_twice(model: Network, extent: float) -> str:
    """Return a sentence if images that reach ``extent``, 1 or so, are scaled down once more by the first layer."""
    first = model.layers[0]
    if not (isinstance(first, Rescaling) and 0 < extent <= 2 and 1 / 1000 < abs(first.scale) < SMALL):
        return ""
    return (
        f"the images reach {extent:.3g}, and {first.name}, the first layer, makes {extent * abs(first.scale):.2g} of "
        "that: they were divided before; pass them as they were, or leave sc.Rescaling out"
    )


def cross_entropies(model: Network, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the plain cross-entropy of each sample that has a label, at most (N,); none for a loss of another kind."""
    if type(model.loss) is BinaryCrossEntropy:
        return binary_cross_entropy_forward(logits.reshape(len(logits), -1), targets.reshape(len(logits), -1))
    if type(model.loss) is not SoftmaxCrossEntropy:
        return np.empty(0)
    if targets.ndim == 1:
        known = (targets >= 0) & (targets < logits.shape[1])  # others are ignored
        logits, targets = logits[known], np.eye(logits.shape[1])[targets[known]]
    if not len(logits):
        return np.empty(0)
    return soft_cross_entropy_forward(logits, targets, np.ones(logits.shape[1]), 0.0)[1]


def _advice(model: Network, images: np.ndarray) -> str:
    first = model.layers[0]
    extent = max(abs(float(images.max())), abs(float(images.min())))
    seen = extent
    if isinstance(first, Rescaling):
        seen = max(abs(first.scale * float(value) + first.offset) for value in (images.max(), images.min()))
    if seen > LARGE:
        divisor = 255 if extent <= 255 else math.ceil(extent)
        return f"the images reach {seen:.4g}; let the network begin with sc.Rescaling(1 / {divisor})"
    last = next(layer for layer in reversed(model.layers) if layer.params)
    return (
        f'the weights are too large at the start; give {last.name}, the last layer, kernel_initializer="zeros", and '
        "the others what it is without saying"
    )
