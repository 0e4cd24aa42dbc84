"""How activations, gradients and updates are distributed, layer by layer, while a network trains.

All three are counted by their size: bins of log10 |value|, because what matters is the order of magnitude, and zeros
apart. Letters: B bins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..checks.inputs import as_integer
from ..layers import Dropout
from ..layers.base import Layer
from ..network import inspection
from ..network.network import Network
from .base import Callback

KINDS = ("activations", "gradients", "updates")
EDGES = np.linspace(-10, 4, 71)  # of log10 |value|: five bins a power of ten


class HistogramRecorder(Callback):
    """Records histograms of activations, gradients and update-to-weight ratios over a training.

    ``plots.training_histograms`` draws them. It looks at some batches, by default at the first one of each epoch, and
    never changes what is trained.

    - ``activations``: the outputs of each layer with parameters, after its activation, for the images given; how many
      of them are exactly 0 tells of dead units.
    - ``gradients``: those of the layer's parameters, of the batch.
    - ``updates``: how much a step changed each weight, relative to the typical size (root of the mean square) of the
      layer's weights. About 1e-3 is healthy; 1e-1 is wild, 1e-5 hardly moves.

    Parameters
    ----------
    images : array_like, shape (N, *input_shape)
        Some images, such as ``x[:100]``, whose activations are looked at.
    every : int, optional
        Batches from one look to the next, counted in each epoch from its first; by default one look an epoch.

    Attributes
    ----------
    looks : list of float
        When it looked, in epochs from 0.
    counts : dict of str to dict of str to list of ndarray
        ``counts["gradients"]["dense"][i]`` is the histogram (B,) of the look ``i``: of log10 |value| in the bins
        between ``edges``; what is beyond them counts in the outermost ones.
    zeros : dict of str to dict of str to list of float
        In the same way, the share that is exactly 0.
    edges : ndarray, shape (B + 1,)

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> recorder = sc.callbacks.HistogramRecorder(x[:50])
    >>> history = model.fit(x[:200], y[:200], epochs=2, callbacks=[recorder], verbose=0)
    >>> recorder.looks, list(recorder.counts["gradients"])
    ([0.0, 1.0], ['dense'])
    """

    def __init__(self, images: Any, every: int | None = None) -> None:
        self.images = images
        self.every = None if every is None else as_integer("every", every, 1)
        self.edges = EDGES.copy()
        self._forget()

    def _forget(self) -> None:
        self.looks: list[float] = []
        self.counts: dict[str, dict[str, list[np.ndarray]]] = {kind: {} for kind in KINDS}
        self.zeros: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
        self._epoch = 0
        self._before: dict[str, np.ndarray] | None = None

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self._forget()
        self._images = model.as_images(self.images)

    def get_state(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"looks": np.array(self.looks, np.float64)}
        for kind in KINDS:
            kept[f"{kind} counts"] = {name: np.array(rows) for name, rows in self.counts[kind].items()}
            kept[f"{kind} zeros"] = {name: np.array(shares) for name, shares in self.zeros[kind].items()}
        return kept

    def set_state(self, state: dict[str, Any]) -> None:
        self.looks = [float(look) for look in state["looks"]]
        for kind in KINDS:
            self.counts[kind] = {name: list(rows) for name, rows in state[f"{kind} counts"].items()}
            self.zeros[kind] = {name: [float(s) for s in shares] for name, shares in state[f"{kind} zeros"].items()}

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch, self._before = epoch, None

    def on_train_batch_begin(self, batch: int) -> None:
        if batch == 0 if self.every is None else batch % self.every == 0:
            with self.model.lock:
                self._before = {layer.name: _vector(layer, layer.params) for layer in self._learning()}

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        self.looks.append(self._epoch + batch / max(1, self.steps))
        with self.model.lock:
            outputs = inspection.layer_outputs(self.model, self._images)
            for layer in self._learning():
                if layer.name not in before:  # thawed in this moment
                    continue
                weights = _vector(layer, layer.params)
                size = math.sqrt(float(np.mean(np.square(before[layer.name])))) or 1.0
                self._count("activations", layer.name, outputs[self._activated(layer)])
                self._count("gradients", layer.name, _vector(layer, layer.grads))
                self._count("updates", layer.name, (weights - before[layer.name]) / size)

    def _learning(self) -> list[Layer]:
        return [layer for layer in self.model.layers if layer.params and layer.trainable]

    def _activated(self, layer: Layer) -> str:
        """Return the name of the activation after a layer, or of the layer where none follows."""
        name = layer.name
        for other in self.model.layers[self.model.layers.index(layer) + 1 :]:
            if other.output_shape != layer.output_shape or isinstance(other, Dropout):
                break
            name = other.name
        return name

    def _count(self, kind: str, name: str, values: np.ndarray) -> None:
        sizes = np.abs(values[np.isfinite(values)]).ravel()
        there = sizes[sizes > 0]
        counts, _ = np.histogram(np.clip(np.log10(there), EDGES[0], EDGES[-1]), EDGES)
        self.counts[kind].setdefault(name, []).append(counts)
        self.zeros[kind].setdefault(name, []).append(1 - there.size / max(1, sizes.size))


def _vector(layer: Layer, arrays: Any) -> np.ndarray:
    """Return copies of a layer's arrays as one vector, in float64."""
    return np.concatenate([np.asarray(arrays[name], np.float64).ravel() for name in layer.params])
