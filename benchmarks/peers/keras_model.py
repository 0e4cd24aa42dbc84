"""The networks as Keras models, whichever framework Keras runs on. Import it after choosing KERAS_BACKEND."""

from __future__ import annotations

from typing import Any

import keras

from .job import Job


def build(job: Job) -> Any:
    """Return the Keras model with the job's weights."""
    layers: list[Any] = [keras.Input(job.network.input_shape)]
    for layer in job.network.layers:
        match layer:
            case ("conv", filters, size, padding):
                layers.append(keras.layers.Conv2D(filters, size, padding=padding))
            case ("pool", size):
                layers.append(keras.layers.MaxPooling2D(size))
            case ("dense", units):
                layers.append(keras.layers.Dense(units))
            case ("dropout", rate):
                layers.append(keras.layers.Dropout(rate))
            case ("flatten",):
                layers.append(keras.layers.Flatten())
            case ("global_average_pool",):
                layers.append(keras.layers.GlobalAveragePooling2D())
            case ("relu",):
                layers.append(keras.layers.ReLU())
    model = keras.Sequential(layers)
    model.set_weights(job.weights)
    return model
