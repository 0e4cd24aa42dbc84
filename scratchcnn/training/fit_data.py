"""What ``fit`` trains on and validates with: its arguments, checked, as batches.

Letters: N samples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..data.augment import Annealed, Augmentation
from ..network.image_range import remember
from ..network.network import Network
from .batches import Batches
from .divergence import require_finite_start
from .evaluation import measure, targets_of
from .held_out import held_out_samples, validation_of
from .identity import describe_training
from .samples import Samples, checked_samples
from .streams import Stream, is_stream, require_no_targets
from .totals import Totals


class FitData(NamedTuple):
    """The batches of a training, and what to validate with, after which epochs."""

    batches: Batches | Stream
    targets: np.ndarray | None  # None: nobody knows them yet
    validation: Samples | Stream | None
    validated: list[int]
    measured_at_once: int
    identity: Callable[..., dict[str, Any]]  # what tells this training from others; reads all the data

    def measured(self, model: Network) -> list[str]:
        """Return the names of what an epoch measures."""
        names = Totals(model, self.targets).names
        if self.validation is not None:
            names += [f"val_{name}" for name in Totals(model, targets_of(self.validation)).names]
        return names

    def validate(self, model: Network, epoch: int) -> dict[str, float]:
        """Return what the model's answers to the validation data measure, if this is an epoch to look at them."""
        if self.validation is None or epoch not in self.validated:
            return {}
        measured = measure(model, self.validation, self.measured_at_once)
        return {f"val_{name}": value for name, value in measured.items()}


def fit_data(
    model: Network,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    steps_per_epoch: Any,
    validation_data: Any,
    validation_split: float,
    validation_steps: Any,
    validation_batch_size: Any,
    validation_freq: Any,
    batch_size: Any,
    shuffle: bool,
    augmentation: Augmentation | Annealed | None,
    epochs: int,
    initial_epoch: int,
) -> FitData:
    """Return what the arguments of ``fit`` say, or raise a ValueError where they say nothing that can be done."""
    size = 32 if batch_size is None else as_integer("batch_size", batch_size, 1)
    validated = _validated_epochs(validation_freq, epochs, initial_epoch)
    _require_images(model, augmentation)
    if validation_data is not None and validation_split:
        raise ValueError("pass validation_data or validation_split, not both")
    validation: Samples | Stream | None = None
    if validation_data is not None:
        steps = None if validation_steps is None else as_integer("validation_steps", validation_steps, 1)
        validation = validation_of(model, validation_data, len(validated), steps)
    else:
        _refuse_without_validation(
            bool(validation_split),
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=None if np.array_equal(validation_freq, 1) else validation_freq,
        )
    measured_at_once = size if validation_batch_size is None else validation_batch_size
    measured_at_once = as_integer("validation_batch_size", measured_at_once, 1)
    require_no_targets(x, y)
    batches: Batches | Stream
    settings: dict[str, Any] = {"batch_size": size, "initial_epoch": initial_epoch}
    passed = validation if isinstance(validation, Samples) else None  # not those that are split off below
    if isinstance(augmentation, Annealed):
        settings["epochs"] = epochs  # by which it weakens
    if y is None and is_stream(x):
        _refuse_for_streams(
            batch_size=batch_size,
            sample_weight=sample_weight,
            augmentation=augmentation,
            validation_split=validation_split or None,
        )
        steps = None if steps_per_epoch is None else as_integer("steps_per_epoch", steps_per_epoch, 1)
        batches = Stream(model, x, "x", epochs - initial_epoch, steps, class_weight)
        require_finite_start(model)
        settings["steps_per_epoch"] = steps
        identity = partial(describe_training, settings, None, passed)
        return FitData(batches, None, validation, validated, measured_at_once, identity)
    if steps_per_epoch is not None:
        raise ValueError(
            "steps_per_epoch is for iterables of batches; an epoch of arrays is all of x: "
            "pass a part, x[:1000], y[:1000]"
        )
    samples = checked_samples(model, x, y, sample_weight, class_weight)
    chosen = np.arange(len(samples.x))
    if validation_split:
        chosen, validation = held_out_samples(model, samples, validation_split)
    require_finite_start(model)
    remember(model, samples.x, validation.x if isinstance(validation, Samples) else None)
    batches = Batches(model, samples.x, samples.y, chosen, size, shuffle, augmentation, samples.weights)
    settings |= {"shuffle": shuffle, "validation_split": validation_split, "augmentation": repr(augmentation)}
    identity = partial(describe_training, settings, samples, passed)
    return FitData(batches, samples.y, validation, validated, measured_at_once, identity)


def _validated_epochs(frequency: Any, epochs: int, initial_epoch: int) -> list[int]:
    """Return the numbers, from 0, of the epochs after which to validate."""
    numbers = range(initial_epoch, epochs)
    frequency = frequency.tolist() if isinstance(frequency, np.ndarray) else frequency
    if isinstance(frequency, list | tuple | set | range):
        wanted = {as_integer("an epoch of validation_freq", epoch, 1) for epoch in frequency}
        return [number for number in numbers if number + 1 in wanted]
    frequency = as_integer("validation_freq", frequency, 1)
    return [number for number in numbers if (number + 1) % frequency == 0]


def _refuse_for_streams(**arguments: Any) -> None:
    advice = {
        "batch_size": "its batches have the size they come in",
        "sample_weight": "let it yield (images, targets, weights)",
        "augmentation": "distort the images where they are made",
        "validation_split": "pass validation_data",
    }
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} cannot be used where x yields batches: {advice[name]}")


def _refuse_without_validation(with_split: bool, **arguments: Any) -> None:
    for name, value in arguments.items():
        of_batches = name == "validation_steps"
        if value is not None and (of_batches or not with_split):
            what = (
                "validation_data that is an iterable of batches"
                if of_batches
                else "validation_data or validation_split"
            )
            raise ValueError(f"{name} says how to validate, and there is nothing to validate with: pass {what}")


def _require_images(model: Network, augmentation: Any) -> None:
    if not isinstance(augmentation, Augmentation | Annealed | None):
        raise ValueError(f"augmentation must be an object such as Augmentation(rotation=10), got {shown(augmentation)}")
    if augmentation is not None and len(model.input_shape) != 3:
        raise ValueError(f"augmentation needs images (H, W, C), the model takes samples {model.input_shape}")
