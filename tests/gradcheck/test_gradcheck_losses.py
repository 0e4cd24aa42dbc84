"""The gradient check of a loss is not fooled by what the loss keeps of earlier batches, and takes any targets.

The kind of fault: a check that calls forward and backward once, and so passes a loss that piles up.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_loss, check_model


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


class SquaredError:
    """Mean over the samples of the sum of squares."""

    _error = None

    def forward(self, logits, targets):
        self._error = logits - targets
        return (self._error**2).sum() / len(logits)

    def backward(self):
        return 2 * self._error / len(self._error)


class PilesUp(SquaredError):
    _total = 0.0

    def forward(self, logits, targets):
        self._total += super().forward(logits, targets)
        return self._total


class MovingAverage(SquaredError):
    _average = None

    def forward(self, logits, targets):
        loss = super().forward(logits, targets)
        self._average = loss if self._average is None else 0.9 * self._average + 0.1 * loss
        return self._average


class AddsUpGradients(SquaredError):
    _sum = 0.0

    def backward(self):
        dlogits = super().backward()
        same = np.shape(self._sum) == dlogits.shape
        self._sum = self._sum + dlogits if same else dlogits
        return self._sum


class StaleLogits(SquaredError):
    def forward(self, logits, targets):
        kept = self._error
        loss = super().forward(logits, targets)
        self._error = self._error if kept is None or kept.shape != logits.shape else kept
        return loss


class StaleTargets(SquaredError):
    def forward(self, logits, targets):
        self._targets = getattr(self, "_targets", targets)
        self._targets = self._targets if len(self._targets) == len(targets) else targets
        loss = super().forward(logits, targets)
        self._error = logits - self._targets
        return loss


class RowsOfALargerBatch(SquaredError):
    _rows = np.zeros((0, 1))

    def backward(self):
        dlogits = super().backward()
        if len(self._rows) < len(dlogits):
            self._rows = np.zeros_like(dlogits)
        self._rows[: len(dlogits)] = dlogits
        return self._rows


class FirstBatchSize(SquaredError):
    _samples = None

    def backward(self):
        self._samples = self._samples or len(self._error)
        return 2 * self._error / self._samples


class WritesToLogits(SquaredError):
    def forward(self, logits, targets):
        loss = super().forward(logits, targets)
        logits -= targets
        return loss


class WritesToTargets(SquaredError):
    def backward(self):
        self._targets *= 0
        return super().backward()

    def forward(self, logits, targets):
        self._targets = targets
        return super().forward(logits, targets)


LOSS_BUGS = [
    *((PilesUp, "two different outputs"), (MovingAverage, "after other batches")),
    *((AddsUpGradients, "after other batches"), (StaleLogits, "after other batches")),
    *((StaleTargets, "after other batches"), (RowsOfALargerBatch, "after other batches")),
    *((FirstBatchSize, "after other batches"), (WritesToLogits, "changed"), (WritesToTargets, "changed")),
]


@pytest.mark.parametrize(("bug", "message"), LOSS_BUGS)
def test_a_loss_that_keeps_something_of_earlier_batches_is_wrong(bug, message):
    with pytest.raises((ValueError, AssertionError), match=message):
        check_loss(bug(), (3, 4)).raise_if_wrong()


@pytest.mark.parametrize(("bug", "message"), LOSS_BUGS)
def test_such_a_loss_is_found_in_a_network(bug, message):
    model = sc.Sequential([sc.Dense(3)], input_shape=(4,))
    with pytest.raises((ValueError, AssertionError), match=rf"{message}|must have the shape|changed|fails"):
        check_model(model, loss=bug(), batch_size=3, samples=2).raise_if_wrong()


def test_a_loss_of_real_targets_is_checked_with_random_ones_or_given_ones():
    check_loss(SquaredError(), (3, 4)).raise_if_wrong()
    check_loss(SquaredError(), (5, 1)).raise_if_wrong()
    check_loss(SquaredError(), labels=np.random.default_rng(0).normal(size=(4, 10))).raise_if_wrong()
    check_model(sc.Sequential([sc.Dense(1)], input_shape=(4,)), loss=SquaredError()).raise_if_wrong()


def test_a_loss_is_not_touched():
    loss = PilesUp()
    with pytest.raises(ValueError, match="two different outputs"):
        check_loss(loss, (3, 4))
    assert loss._total == 0


def test_a_loss_that_takes_no_random_targets_says_what_to_pass():
    class Picky(SquaredError):
        def forward(self, logits, targets):
            if targets.shape != (len(logits), 7):
                raise ValueError("seven targets, please")
            return super().forward(logits, targets[:, : logits.shape[1]])

    with pytest.raises(ValueError, match=r"seven targets, please.*labels="):
        check_loss(Picky(), (3, 4))
    check_loss(Picky(), (3, 4), labels=np.ones((3, 7))).raise_if_wrong()
