"""The notes that ``fit`` takes while it trains, and the problems that they show at its end.

Nothing that is trained is changed by it: no random number is drawn, no parameter written, no kernel called that the
training would not have called.

Letters: N batch, K classes.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from ...callbacks import Callback
from ...checks.messages import say, shown
from ...network.network import Network
from ..batches import Batch
from .answers import Answers
from .images import Images
from .start import divided_twice, first_loss_problem, is_far, is_fresh, knowing_nothing
from .updates import Updates

ENOUGH_STEPS = 100  # updates after which a training may be expected to have got somewhere
HARDLY = 0.02  # of the loss of a network that knows nothing: one that falls by less has not moved
NEAR = 1.2  # times that loss; a model that is sure of wrong answers is elsewhere, and may be on its way


class Watch:
    """What is noted of a training.

    Parameters
    ----------
    model : Network
        Compiled, before its first update.
    """

    def __init__(self, model: Network) -> None:
        self._model, self._is_fresh = model, is_fresh(model)
        self._updates, self._images = Updates(model), Images(model)
        self._steps, self._first_loss = 0, math.nan
        self._found: list[str] = []

    def on_epoch_begin(self, steps: int) -> None:
        """Begin an epoch of ``steps`` batches, 0 where nobody knows."""
        self._images.begin(steps)
        self._sum, self._batches = 0.0, 0

    def on_batch_begin(self) -> None:
        """Note what an update is about to change. To be called under the model's lock, as the next one."""
        self._steps += 1
        if not self._steps & (self._steps - 1):  # the updates 1, 2, 4, 8, ...: few, from all parts of the training
            self._updates.before()

    def on_batch_end(self, number: int, batch: Batch, logits: np.ndarray, loss: float) -> None:
        """Note what an update has changed, and the images of some batches."""
        if not self._steps & (self._steps - 1):
            self._updates.after()
            if self._steps == 1:
                self._first_loss = loss
                if self._is_fresh and (problem := first_loss_problem(self._model, batch, logits)):
                    self._found.append(problem)
        self._images.add(number, batch)
        self._sum += loss
        self._batches += 1

    def problems(self) -> list[str]:
        """Return a sentence for each problem: what was seen, and what to do."""
        if not self._steps:
            return []
        answers = Answers(self._model, self._images)
        if answers.failed:
            return [*self._found, f"predict will not work: the finished model raises {answers.failed}"]
        dead = answers.dead_units(self._updates.rate, self._updates.may_have_killed)
        is_stuck = self._steps >= ENOUGH_STEPS and self._is_stuck(answers.cross_entropy)
        may_be_still = bool(dead) or self._steps < ENOUGH_STEPS
        found = [*self._found, *dead, *self._updates.problems(is_stuck, may_be_still)]
        if (found or is_stuck) and (problem := divided_twice(self._model, self._images.extent)):
            return [problem]  # the others are what comes of it
        if found or self._steps < ENOUGH_STEPS:
            return found
        if is_stuck:
            return [self._never_moved()]
        return answers.never_predicted()

    def _is_stuck(self, cross_entropy: float) -> bool:
        """Return whether the loss has not moved from where a network is that knows nothing."""
        nothing = knowing_nothing(self._model)
        if math.isfinite(nothing) and 1 - HARDLY < cross_entropy / nothing < NEAR:
            return not is_far(self._first_loss, nothing)
        if not self._is_fresh or self._model.regularization_loss():
            return False
        return self._loss > (1 - HARDLY) * self._first_loss > 0

    @property
    def _loss(self) -> float:
        """The mean of the batches of the latest epoch."""
        return self._sum / self._batches

    def _never_moved(self) -> str:
        return (
            f"the loss never moved: {self._first_loss:.4g} in the first batch, {self._loss:.4g} in the last epoch: "
            "check that each target belongs to its image, and train on 16 images alone, which any network can learn by "
            "heart: one that cannot has a wrong layer or loss"
        )


def tell(problems: list[str], display: Callback) -> None:
    """Print a line for each problem, unless nothing is to be shown."""
    if type(display) is Callback:
        return
    try:
        for problem in problems:
            say(f"Problem: {problem}.")
    except (OSError, ValueError) as error:  # a training is worth more than what is said of it
        warnings.warn(
            f"the problems cannot be shown ({shown(error)}); they are in history.problems", RuntimeWarning, stacklevel=3
        )
