"""The average of a network's weights over its latest updates.

With mini-batches the weights never come to rest: each update throws them to another side of the valley they are in.
Their average lies nearer to its floor, and costs one more pass over the parameters (Polyak & Juditsky 1992,
"Acceleration of stochastic approximation by averaging").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.settings import Setting, at_least_zero, below_one
from ..concurrency.interrupts import unbroken
from ..network.network import Network
from . import Callback


class ExponentialMovingAverage(Callback):
    """Validates, saves and ends with the average of the weights; the training goes on with the weights themselves.

    After each update,

        average <- d average + (1 - d) weights        d = min(decay, n / (n + warmup)) at update n = 1, 2, ...

    so the average spans about 1 / (1 - decay) updates, and in the beginning, where the weights still travel far, about
    the latest 1 / warmup of all updates so far. The moving statistics of batch normalisations are averaged alongside,
    with the same d: they then belong to the averaged weights (nearly; they are not linear in them).

    From the end of an epoch's updates to the beginning of the next epoch the model holds the average: that is what the
    validation measures, what ``ModelCheckpoint`` saves and what ``EarlyStopping`` restores. It is also what the model
    keeps in the end. A training continued from there starts at the average. List it before other callbacks.

    Parameters
    ----------
    decay : float, default 0.999
        How much of the average an update keeps, in [0, 1).
    warmup : float, default 10
        See above; 0 for the same decay from the first update on, which then starts at the initial weights.

    Attributes
    ----------
    average : ndarray
        The averaged parameters, in the order of ``model.parameters``; float64, in which small steps are not lost.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> average = sc.ExponentialMovingAverage(decay=0.99)
    >>> history = model.fit(x[:100], y[:100], epochs=2, callbacks=[average], verbose=0)
    >>> bool((model.parameters == average.average.astype("float32")).all())
    True
    """

    ends_first = True  # whatever the others do with the weights in the end is done with the average
    decay = Setting(below_one)
    warmup = Setting(at_least_zero)

    def __init__(self, decay: float = 0.999, warmup: float = 10.0) -> None:
        self.decay, self.warmup = decay, warmup
        self._forget()

    def _forget(self) -> None:
        self._weights: list[np.ndarray] = []  # what is averaged: the model's own arrays
        self._averages: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []
        self._set_aside: list[np.ndarray] = []  # the weights while the average is in the model
        self._is_in_model = False
        self._resumed: dict[str, Any] = {}

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self._forget()

    def on_train_begin(self) -> None:
        self._find_weights()
        self._averages = [weight.astype(np.float64) for weight in self._weights]
        self._set_aside = [weight.copy() for weight in self._weights]  # the weights while the average is in the model
        self._make_room()
        state, self._resumed = self._resumed, {}
        if state:
            self._is_in_model = state["is_in_model"]
            for name, arrays in (("average", self._averages), ("weights", self._set_aside)):
                for place, array in enumerate(arrays):
                    array[...] = state[f"{name} {place}"]

    def get_state(self) -> dict[str, Any]:
        kept = {f"average {place}": array for place, array in enumerate(self._averages)}
        kept |= {f"weights {place}": array for place, array in enumerate(self._set_aside)}
        return {"is_in_model": self._is_in_model, **kept}

    def set_state(self, state: dict[str, Any]) -> None:
        self._resumed = state  # until the arrays are there

    def _find_weights(self) -> None:
        """Note what is averaged: the model's own arrays, but for those of frozen layers."""
        layers = [layer for layer in self.model.layers if layer.trainable]
        self._weights = [self.model.parameters, *(array for layer in layers for array in layer.state.values())]
        self._layout = self.model.layout

    def _make_room(self) -> None:
        self._steps = [np.empty_like(average) for average in self._averages]
        self.average = self._averages[0]

    def _follow_layout(self) -> None:
        """Go on with the averages that there are, after layers were frozen or thawed in the middle of a training."""
        if self.model.layout is self._layout:
            return
        old, before = self._layout, self._weights
        self._find_weights()
        for kept in (self._averages, self._set_aside):
            states = {id(weight): value for weight, value in zip(before[1:], kept[1:], strict=True)}
            vector = self._layout.carried_over(old, kept[0], others=self._weights[0])
            kept[:] = [vector, *(states.get(id(w), w.astype(kept[0].dtype)) for w in self._weights[1:])]
        self._make_room()

    def on_epoch_begin(self, epoch: int) -> None:
        with self.model.lock, unbroken:
            self._follow_layout()
            if self._is_in_model:
                for weight, kept in zip(self._weights, self._set_aside, strict=True):
                    weight[...] = kept
                self._is_in_model = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        with self.model.lock:
            self._follow_layout()
            assert self.model.optimizer is not None
            updates = self.model.optimizer.iterations
            decay = min(self.decay, updates / (updates + self.warmup))
            for average, weight, step in zip(self._averages, self._weights, self._steps, strict=True):
                np.subtract(weight, average, out=step)
                step *= 1 - decay
                average += step

    def on_epoch_train_end(self, epoch: int) -> None:
        self._put_into_model()

    def on_train_end(self) -> None:
        if self._steps:  # it was begun: an interrupted epoch, too, leaves the average
            self._put_into_model()

    def _put_into_model(self) -> None:
        with self.model.lock, unbroken:
            self._follow_layout()
            if not self._is_in_model:
                for weight, kept, average in zip(self._weights, self._set_aside, self._averages, strict=True):
                    kept[...] = weight
                    weight[...] = average
                self._is_in_model = True
