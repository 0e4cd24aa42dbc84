"""Keras on JAX: the whole step in one ``jax.jit`` that updates the old variables' memory in place (donated buffers).

JAX has no setting for the number of its CPU threads: it takes one for each CPU that the process may run on, and the
worker is confined to as many CPUs as it may have threads.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import keras
import numpy as np

from . import keras_model
from .job import ADAM_EPSILON, LEARNING_RATE, Job


def configure(threads: int, variant: str) -> dict[str, str]:
    return {"jax": jax.__version__, "keras": keras.__version__}


def training(job: Job) -> Any:
    model = keras_model.build(job)
    optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=ADAM_EPSILON)
    optimizer.build(model.trainable_variables)
    batches = itertools.cycle([(jax.device_put(x), jax.device_put(labels)) for x, labels in job.batches()])

    def loss_of(trainable: Any, other: Any, images: Any, labels: Any) -> Any:
        logits, other = model.stateless_call(trainable, other, images, training=True)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -chosen.mean(), other

    def train(trainable: Any, other: Any, slots: Any, images: Any, labels: Any) -> Any:
        (loss, other), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, other, images, labels)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return loss, trainable, other, slots

    train = jax.jit(train, donate_argnums=(0, 1, 2))
    state = [
        [jnp.copy(variable.value) for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    ]

    def step() -> Any:
        loss, *state[:] = train(*state, *next(batches))
        return loss

    return step, float


def inference(job: Job) -> Any:
    model = keras_model.build(job)
    batches = itertools.cycle([jax.device_put(x) for x, _ in job.batches()])
    trainable, other = ([v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables))

    @jax.jit
    def classify(trainable: Any, other: Any, images: Any) -> Any:
        logits, _ = model.stateless_call(trainable, other, images, training=False)
        return jax.nn.softmax(logits)

    return lambda: classify(trainable, other, next(batches)), np.asarray
