"""How much an update changes the weights of each layer: the norm of the change over the norm of the weights.

About a thousandth is a rule of thumb (Karpathy, CS231n, "Neural networks part 3", "Ratio of weights:updates"). Adam
begins with some hundredths and trains well, and a schedule ends with nothing; what is looked for here is far from that:
layers that most updates change beyond recognition, and layers that no update changes.
"""

from __future__ import annotations

import math

import numpy as np

from ...network.network import Network
from ...schedules import Schedule
from ...types import Shape

USUAL = 1e-3
MOST_WEIGHTS = 8192  # of a layer that are looked at, evenly spread
TOO_LARGE = 0.5  # the largest: half of the weights
TOO_SMALL = 1e-5  # the largest, of a layer of a network that learns elsewhere
VANISHED = 100.0  # times as much elsewhere


class Updates:
    """The ratios of some updates, layer by layer.

    Parameters
    ----------
    model : Network
    """

    def __init__(self, model: Network) -> None:
        self._model = model
        self._before: dict[str, np.ndarray] = {}
        self._ratios: dict[str, list[float]] = {}
        self._rate = math.nan

    def before(self) -> None:
        """Remember the weights that an update is about to change."""
        self._before = {name: _some_of(weights).copy() for name, weights in self._weights().items()}
        assert self._model.optimizer is not None
        rate = self._model.optimizer.learning_rate
        if isinstance(rate, float | Schedule):  # a function of the user's own is not called for this
            self._rate = float(np.fmax(self._rate, self._model.optimizer.current_learning_rate()))

    def after(self) -> None:
        """Compare."""
        with np.errstate(all="ignore"):
            for name, weights in self._weights().items():
                old = self._before.get(name)
                if old is not None:
                    size = max(_norm(old), _initial_norm(weights.shape, len(old)))
                    self._ratios.setdefault(name, []).append(_norm(_some_of(weights) - old) / size)
        self._before = {}

    def _weights(self) -> dict[str, np.ndarray]:
        """Return the kernels of the layers that learn, by the names of the layers; biases begin at 0."""
        self._model.lay_out()
        return {
            f"{layer.name}/{name}".removesuffix("/kernel"): array
            for layer in self._model.layers
            if layer.trainable
            for name, array in layer.params.items()
            if array.ndim >= 2
        }

    def problems(self, is_stuck: bool, may_be_still: bool) -> list[str]:
        """Return what is wrong with the updates.

        ``is_stuck`` says whether the loss has stayed where it was, and ``may_be_still`` whether layers may not have
        changed for another reason: dead units, which have been told, or too few updates.
        """
        largest = {name: max(ratios) for name, ratios in self._ratios.items()}
        if not largest:
            return []
        extreme = max(largest, key=largest.__getitem__)
        if largest[extreme] > TOO_LARGE:
            return [
                f"updates too large: one changed the weights of {extreme} by {largest[extreme]:.0%}, where about "
                f"{USUAL:.1%} is usual: train a new model with a lower learning rate{self.rate}; sc.lr_find finds one"
            ]
        if is_stuck and not self.may_have_killed and not may_be_still:
            return [
                f"updates too small: none changed the weights of {extreme} by more than {largest[extreme]:.1g} of them "
                f"and those of other layers by less, where about {USUAL:g} is usual: train with a higher learning rate"
                f"{self.rate}; sc.lr_find finds one"
            ]
        limit = min(USUAL / 10 if is_stuck else TOO_SMALL, largest[extreme] / VANISHED)
        vanished = [name for name, ratio in largest.items() if ratio < limit]
        if vanished and not may_be_still:
            return [
                f"updates too small in {', '.join(vanished)}: at most {max(largest[name] for name in vanished):.1g} of "
                f"the weights, up to {largest[extreme]:.1g} in {extreme}, where about {USUAL:g} is usual: the gradient "
                "vanishes on its way back; use sc.ReLU() in place of sigmoids, or put sc.BatchNorm() before them"
            ]
        return []

    @property
    def may_have_killed(self) -> bool:
        """Whether any update was at least of the usual size."""
        return any(max(ratios) >= USUAL for ratios in self._ratios.values())

    @property
    def rate(self) -> str:
        """The highest learning rate that was met, as the end of a sentence about it; empty if none is known."""
        return "" if math.isnan(self._rate) else f" than {self._rate:g}"


def _some_of(weights: np.ndarray) -> np.ndarray:
    """Return some of the weights, from all parts of the array and, the step being odd, from all of its channels."""
    return weights.reshape(-1)[:: weights.size // MOST_WEIGHTS | 1]


def _norm(array: np.ndarray) -> float:
    return math.sqrt(float(np.add.reduce(np.square(array, dtype=np.float64))))  # no BLAS, whose threads spin


def _initial_norm(shape: Shape, count: int) -> float:
    """Return the norm that ``count`` weights begin with: zeros must not seem to change beyond measure."""
    fans = math.prod(shape[:-2]) * sum(shape[-2:])
    return math.sqrt(2 * count / fans)
