"""Keras on TensorFlow, as a graph run by its executor (oneDNN kernels), or compiled as a whole by XLA.

The step is written as one ``tf.function`` around Keras's model and optimizer: what ``fit`` runs, without the metrics,
callbacks and iterator that ``fit`` adds to every step.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from . import keras_model
from .job import ADAM_EPSILON, LEARNING_RATE, Job

_xla = False


def configure(threads: int, variant: str) -> dict[str, str]:
    global _xla
    _xla = variant == "xla"
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def training(job: Job) -> Any:
    model = keras_model.build(job)
    optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=ADAM_EPSILON)
    optimizer.build(model.trainable_variables)
    batches = itertools.cycle((tf.constant(x), tf.constant(labels)) for x, labels in job.batches())

    @tf.function(jit_compile=_xla)
    def train(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: train(*next(batches)), lambda loss: float(loss.numpy())


def inference(job: Job) -> Any:
    model = keras_model.build(job)
    batches = itertools.cycle(tf.constant(x) for x, _ in job.batches())

    @tf.function(jit_compile=_xla)
    def classify(images: Any) -> Any:
        return tf.nn.softmax(model(images, training=False))

    def value(result: Any) -> np.ndarray:
        return result.numpy()

    return lambda: classify(next(batches)), value
