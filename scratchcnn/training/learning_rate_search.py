"""What a search for a learning rate has seen: losses at ever higher rates, and the rate that they suggest.

Where exactly the loss is lowest is a matter of chance: the curve has a flat bottom, and one batch is easier than the
next. So two other places are looked for, both on a steep part of the curve: where the loss has come down half its way,
and where it is back there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..optimizers import Optimizer

REACH = 1 / 30  # of the batches, on each side, go into a smoothed loss
STARTING = 1 / 10  # of the losses, the first ones, are from rates too low to change anything
UPDATES = 3  # at the rate suggested, that many go as far as all those of the sweep that made the loss fall by half
MARGIN = 2.5  # the rate at which the loss has risen again is at least this many times the one suggested


@dataclass(frozen=True)
class LearningRateSearch:
    """What ``lr_find`` saw; ``plots.learning_rate_search`` draws it.

    Attributes
    ----------
    learning_rates : list of float
        The rates, each of one update.
    losses : list of float
        The loss of the batch before that update, the mean over the sweeps.
    smoothed_losses : list of float
        The trend: means over neighbours on both sides.
    suggestion : float
        With the rates r_1, r_2, ..., and half-way between the first losses and the lowest one as the mark: the loss
        falls below it at r_f, and is below it for the last time at r_l. The suggestion is the lower of two rates,

            (r_1 + ... + r_f) / 3       goes in three updates as far as the sweep did to make the loss fall by half
            r_(l - lag) / 2.5           stays well below the rate at which the loss shoots up

        It is meant for training at a constant rate. A highest rate for a schedule that climbs to it and descends may be
        two to five times that.
        Of several sweeps it is the geometric mean of what each of them suggests.
    lag : int
        Updates until a rate shows its effect: an optimizer with momentum goes on as before for 1 / (1 - momentum).
    sweeps : list of LearningRateSearch
        What each sweep saw by itself.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed_losses: list[float]
    lag: int = 0
    sweeps: list[LearningRateSearch] = field(default_factory=list)
    picture: ClassVar[Callable[[Any], Any] | None] = None  # what draws it: plots, which knows matplotlib

    def _repr_png_(self) -> bytes | None:
        """Return the picture that a notebook shows."""
        draw = type(self).picture
        return None if draw is None else draw(self)._repr_png_()

    @property
    def suggestion(self) -> float:
        if self.sweeps:
            return math.exp(sum(math.log(sweep.suggestion) for sweep in self.sweeps) / len(self.sweeps))
        start, lowest = start_of(self.losses), min(self.smoothed_losses)
        below = np.flatnonzero(np.array(self.smoothed_losses) <= (start + lowest) / 2)
        first, last = int(below[0]), max(0, int(below[-1]) - self.lag)
        return min(sum(self.learning_rates[: first + 1]) / UPDATES, self.learning_rates[last] / MARGIN)


def start_of(losses: list[float]) -> float:
    """Return the loss before anything was learnt."""
    return float(np.mean(losses[: max(1, round(STARTING * len(losses)))]))


def smoothed(losses: list[float], steps: int) -> list[float]:
    """Return means over neighbours on both sides."""
    reach = max(1, round(REACH * steps))
    return [float(np.mean(losses[max(0, i - reach) : i + reach + 1])) for i in range(len(losses))]


def lag_of(optimizer: Optimizer) -> int:
    """Return after how many updates a rate shows its effect."""
    momentum = getattr(optimizer, "momentum", getattr(optimizer, "beta_1", 0.0))
    return round(1 / (1 - momentum)) if momentum else 0
