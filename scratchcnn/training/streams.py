"""Batches from elsewhere: an iterable of (images, targets), such as a list, a generator, or a PyTorch DataLoader.

What it yields is checked and converted batch by batch. What can be run through again is, in each epoch; a generator
can be run through once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..network.image_range import notice
from ..network.network import Network
from .batches import Batch
from .samples import checked_samples


def is_stream(x: Any) -> bool:
    """Return whether a value is an iterable of batches, rather than images."""
    if isinstance(x, str | bytes | dict | type | np.ndarray) or hasattr(x, "__array__") or hasattr(x, "dtype"):
        return False
    if isinstance(x, list | tuple):
        return bool(x) and all(_is_batch(item) for item in x)
    return hasattr(x, "__iter__") or _is_sequence(x)


def _is_batch(item: Any) -> bool:
    """Return whether an item of a list is (images, targets), and not a sample of two or three rows."""
    if not isinstance(item, list | tuple) or len(item) not in (2, 3):
        return False
    if isinstance(item, tuple) and hasattr(item[0], "shape"):
        return True
    return _axes(item[0]) > _axes(item[1])


def _axes(value: Any) -> int:
    """Return how many axes an array has, or a list of lists."""
    if hasattr(value, "shape"):
        return len(value.shape)
    return 1 + _axes(value[0]) if isinstance(value, list | tuple) and value else 0


def require_no_targets(x: Any, y: Any) -> None:
    """Raise a ValueError if there are targets beside an iterable of batches, which has its own."""
    if y is None or isinstance(x, Iterator | bytearray | memoryview) or not is_stream(x):
        return  # an iterator may be one of images
    if not isinstance(x, list | tuple) or hasattr(x[0][0], "shape"):
        raise ValueError(f"x, {shown(x, 60)}, yields batches (images, targets); leave y out")


def _is_sequence(x: Any) -> bool:
    """Return whether a value has batches by number, as a ``Sequence`` or ``PyDataset`` of Keras."""
    return hasattr(x, "__len__") and hasattr(x, "__getitem__") and not hasattr(x, "__iter__")


class _Numbered:
    """The batches of such a sequence, one pass after the other; it is told when one ends, as by Keras."""

    def __init__(self, sequence: Any) -> None:
        self._sequence = sequence

    def __len__(self) -> int:
        return len(self._sequence)

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._sequence)):
            yield self._sequence[number]
        self.end_epoch()

    def end_epoch(self) -> None:
        """Tell the sequence that a pass has ended."""
        if hasattr(self._sequence, "on_epoch_end"):
            self._sequence.on_epoch_end()


def as_iterable(x: Any) -> Any:
    """Return an iterable of batches: the source itself, or one that goes through its numbers."""
    return _Numbered(x) if _is_sequence(x) else x


class Stream:
    """The batches of a model's training or validation, from an iterable.

    Parameters
    ----------
    model : Network
    source : iterable
        Of (images, targets) or (images, targets, weights).
    argument : str
        What it was passed as.
    passes : int
        How often it is to be run through.
    steps : int or None
        Batches in an epoch; None: all that there are.
    class_weight : dict, optional

    Attributes
    ----------
    size : int
        Samples in the latest batch.
    """

    def __init__(
        self, model: Network, source: Any, argument: str, passes: int, steps: int | None, class_weight: Any = None
    ) -> None:
        self._model, self._source, self._argument = model, as_iterable(source), argument
        self._steps, self._class_weight = steps, class_weight
        self._once = iter(self._source) is self._source
        if self._once and steps is None and passes > 1:
            name = "steps_per_epoch" if argument == "x" else "validation_steps"
            raise ValueError(
                f"{argument} is a generator, which can be run through once, and {passes} passes are wanted; pass a "
                f"list of batches, an object with __iter__ such as a DataLoader, or, if it has no end, {name}=..."
            )
        self._iterator: Iterator[Any] | None = None
        self._item: Any = None
        self.size = 1

    def __len__(self) -> int:
        """Return the number of batches of an epoch, 0 where nobody knows."""
        if self._steps is not None:
            return self._steps
        try:
            return len(self._source)
        except (TypeError, NotImplementedError):  # it has no length, or no more than the method
            return 0

    def numbers(self, first: int = 0) -> Iterator[int]:
        """Yield the numbers of an epoch's batches; each is then there for ``draw``."""
        if self._steps is None:
            self._iterator = iter(self._source)
        number = 0
        while number != self._steps:
            if not self._advance():
                if self._steps is None and number:
                    return
                raise ValueError(self._ended(number))
            yield number
            number += 1

    def skip(self, epochs: int) -> None:
        """Skip the epochs that an interrupted training has already done, as if they had been run."""
        if self._once:
            for _ in range(epochs * (self._steps or 0)):
                self._advance()
        elif isinstance(self._source, _Numbered):
            for _ in range(epochs):
                self._source.end_epoch()

    def _advance(self) -> bool:
        """Fetch the next item; return whether there is one."""
        for _ in range(2):
            if self._iterator is None:
                self._iterator = iter(self._source)
            try:
                self._item = next(self._iterator)
                return True
            except StopIteration:
                if self._once or self._steps is None:
                    return False
                self._iterator = None  # from the beginning again
        return False

    def _ended(self, number: int) -> str:
        if not number:
            return f"{self._argument} yields no batches (any more)"
        return f"{self._argument} ended after {number} of the {self._steps} batches of an epoch; ask for fewer"

    def fraction(self, number: int) -> float:
        """Return how much of an epoch lies before a batch, 0 where nobody knows."""
        return number / len(self) if len(self) else 0.0

    def shuffle(self) -> None:
        """Begin an epoch: the order is the source's business."""

    def draw(self, number: int, progress: float = 0.0) -> Batch:
        """Return the batch that was fetched last, checked."""
        item = self._item
        if not isinstance(item, list | tuple) or len(item) not in (2, 3):
            raise ValueError(
                f"{self._argument} must yield (images, targets), or (images, targets, weights) for samples that count "
                f"more or less; batch {number} is {shown(item)}"
            )
        if _axes(item[0]) == len(self._model.input_shape) and _axes(item[1]) == 0:
            raise ValueError(
                f"{self._argument} must yield batches, and yields single samples: of a PyTorch dataset pass "
                f"torch.utils.data.DataLoader(dataset, batch_size=32)"
            )
        images, targets = _channels_last(item[0], self._model.input_shape), item[1]
        try:
            weights = item[2] if len(item) == 3 else None
            samples = checked_samples(self._model, images, targets, weights, self._class_weight)
        except ValueError as error:
            raise ValueError(f"batch {number} of {self._argument}: {error}") from error
        if self._argument == "x":
            notice(self._model, samples.x)
        self.size = len(samples.x)
        return next(samples.batches(self._model, self.size))

    def batches(self, model: Network, size: int) -> Iterator[Batch]:
        """Yield all batches, as large as they come."""
        for number in self.numbers():
            yield self.draw(number)


def images_of(source: Any, steps: int | None, input_shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield the images of an iterable of batches, with or without targets."""
    number = 0
    for item in itertools.islice(as_iterable(source), None if steps is None else as_integer("steps", steps, 1)):
        number += 1
        yield _channels_last(item[0] if isinstance(item, list | tuple) else item, input_shape)
    if number < (steps or 1):
        raise ValueError(f"x yields {number or 'no'} batches (any more){f', and steps is {steps}' if steps else ''}")


def _channels_last(images: Any, input_shape: tuple[int, ...]) -> Any:
    """Return PyTorch's images, (N, C, H, W), as (N, H, W, C); anything else as it is."""
    if not hasattr(images, "permute") or len(input_shape) != 3 or len(images.shape) != 4:
        return images
    H, W, C = input_shape
    given = tuple(images.shape[1:])
    return images.permute(0, 2, 3, 1) if given == (C, H, W) and given != input_shape else images
