"""scratchcnn itself: the steps that ``fit`` takes and the calls that ``predict`` makes, on uint8 images; and ``fit``.

Every training step draws its mini-batch from all images by number, rescales it and counts what was right, which the
other peers are spared: their batches are prepared.
"""

from __future__ import annotations

import itertools
import mmap
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

import scratchcnn as sc
from scratchcnn.training.batches import Batches
from scratchcnn.training.step import update
from scratchcnn.training.totals import Totals

from .job import ADAM_EPSILON, LEARNING_RATE, Job


def configure(threads: int, variant: str) -> dict[str, str]:
    return {"scratchcnn": sc.__version__, "numba": numba.__version__, "numpy": np.__version__}


def _model(job: Job) -> sc.Sequential:
    layers: list[sc.Layer] = [sc.Rescaling(1 / 255)]
    for layer in job.network.layers:
        match layer:
            case ("conv", filters, size, padding):
                layers.append(sc.Conv2D(filters, size, padding=padding))
            case ("pool", size):
                layers.append(sc.MaxPool2D(size))
            case ("dense", units):
                layers.append(sc.Dense(units))
            case ("dropout", rate):
                layers.append(sc.Dropout(rate))
            case ("flatten",):
                layers.append(sc.Flatten())
            case ("global_average_pool",):
                layers.append(sc.GlobalAveragePool2D())
            case ("relu",):
                layers.append(sc.ReLU())
    model = sc.Sequential(layers, input_shape=job.network.input_shape)
    model.set_weights(job.weights)
    model.compile(optimizer=sc.Adam(LEARNING_RATE, epsilon=ADAM_EPSILON), loss=sc.SoftmaxCrossEntropy())
    return model


def _training(job: Job, order: np.ndarray) -> Any:
    model = _model(job)
    batches = Batches(model, job.images, job.labels, order, job.batch_size, shuffling=False)
    numbers = itertools.cycle(range(len(order) // job.batch_size))

    totals = Totals(model, job.labels)

    def step() -> float:
        batch = batches.draw(next(numbers))
        logits, loss = update(model, *batch)
        totals.add(logits, batch.targets, loss)
        return loss

    return step, float


def training(job: Job) -> Any:
    return _training(job, np.arange(max(len(job.images), job.batch_size)) % len(job.images))


def training_from_pixels(job: Job) -> Any:
    return _training(job, np.random.default_rng(0).permutation(len(job.images)))


def inference(job: Job) -> Any:
    model = _model(job)
    size = job.batch_size
    starts = itertools.cycle(range(0, max(1, len(job.images) - size + 1), size))

    def step() -> np.ndarray:
        start = next(starts)
        return model.predict(job.images[start : start + size], batch_size=size)

    return step, lambda probabilities: probabilities


class EnoughSteps(Exception):
    """Ends a training in the middle of an epoch."""


class Clock(sc.callbacks.Callback):
    """Remembers when the first step began and when the last one ended, which ends the training."""

    def __init__(self, steps: int) -> None:
        self.wanted, self.done = steps, 0
        self.first = self.last = 0.0
        self.mapped = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if not self.done:
            self.first = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.done += 1
        if self.done == self.wanted:
            self.last, self.mapped = time.perf_counter(), mapped_bytes()
            raise EnoughSteps


def mapped_bytes() -> int:
    """Return how much of this process's memory is pages of files, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:"))


def fit(request: dict[str, Any]) -> dict[str, float]:
    """Train by ``fit`` on a file of images that is mapped into memory, and stop after some steps.

    Returned are the seconds before the first step, those of one step, and the bytes of the file's pages that are
    mapped in the end. The kernels are compiled, or loaded, before.
    """
    job = Job.from_request(request)
    model, size = _model(job), job.batch_size
    model.fit(job.images[: 3 * size], job.labels[: 3 * size], size, verbose=0)
    images = np.memmap(request["images"], np.uint8, "r", shape=(request["count"], *model.input_shape))
    if request["random"]:
        images._mmap.madvise(mmap.MADV_RANDOM)
    labels = np.zeros(len(images), np.int64)
    clock = Clock(request["steps"])
    before, start = mapped_bytes(), time.perf_counter()
    try:
        model.fit(images, labels, size, epochs=clock.wanted, callbacks=clock, verbose=0)
    except EnoughSteps:
        pass
    step = (clock.last - clock.first) / clock.wanted
    return {"start": clock.first - start, "step": step, "mapped_bytes": max(0, clock.mapped - before)}
