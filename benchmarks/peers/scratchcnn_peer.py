"""scratchcnn itself: the steps that ``fit`` takes and the calls that ``predict`` makes, on uint8 images.

Every training step draws its mini-batch from all images by number, rescales it and counts what was right, which the
other peers are spared: their batches are prepared.
"""

from __future__ import annotations

import itertools
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
