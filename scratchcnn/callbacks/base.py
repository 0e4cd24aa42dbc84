"""What a callback is: an object whose methods ``fit`` calls at fixed moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from ..checks.attributes import KnownAttributes
from ..checks.elsewhere.methods import CALLBACK_METHODS
from ..checks.habits import attribute_elsewhere
from ..network.network import Network


class Callback(KnownAttributes):
    """Base class of callbacks: every hook does nothing.

    ``logs`` holds ``loss`` and, if targets are class numbers, ``accuracy``; at the end of an epoch also ``val_loss``
    and ``val_accuracy`` if there are validation data. What a callback adds to the logs of an epoch, in ``on_epoch_end``
    or in the last ``on_train_batch_end``, is monitored, shown, written and kept like these, whatever the order in which
    the callbacks are listed. Epochs and batches are numbered from 0.

    Setting ``self.model.stop_training = True`` ends the training after the epoch; in ``on_train_begin``, before the
    first one. An error in a callback ends it at once. But if it came at the end of an epoch the others still have that
    moment, and all that were begun are ended.

    Attributes
    ----------
    model : Network
        The model in training.
    epochs, steps : int
        The number of the epoch to stop before, and the batches in an epoch.
    ends_first : bool
        Whether ``on_train_end`` comes before that of the others, which then find the weights that it leaves.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> class LearningRate(sc.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         logs["learning_rate"] = self.model.optimizer.current_learning_rate()
    >>> history = model.fit(x[:100], y[:100], epochs=2, callbacks=[LearningRate()], verbose=0)
    >>> history.history["learning_rate"]
    [0.001, 0.001]
    """

    model: Network
    epochs: int
    steps: int
    ends_first = False
    adds: tuple[str, ...] = ()  # names that it adds to the logs of each epoch
    adds_any = False  # whether it may add others, which nobody knows before
    swallows_divergence = False  # whether a training that diverges is to end without an error

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint is to keep, by name: numbers, texts, arrays, lists, tuples and dictionaries of them.

        Called once before the first update, too, after ``on_train_begin``: what cannot be kept is an error then. A
        training that is resumed hands it to ``set_state``, before ``on_train_begin``; so a callback that remembers
        something from epoch to epoch goes on as if there had been no interruption. For an epoch that goes on in its
        middle ``on_epoch_begin`` is called once more.
        """
        return {}

    def __getattr__(self, name: str) -> NoReturn:
        attribute_elsewhere(self, name, CALLBACK_METHODS)

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what ``get_state`` returned."""

    def require_measured(self, measured: Sequence[str], others_may_come: bool) -> None:
        """Raise a ValueError if it needs what is not measured; comes before all else, with the names of what is."""

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        """Take note of what is about to be trained, and forget what was trained before."""
        self.model, self.epochs, self.steps = model, epochs, steps

    def on_train_begin(self) -> None:
        """Called before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch."""

    def on_train_batch_begin(self, batch: int) -> None:
        """Called before each update."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Called after each update, with the means over the epoch so far."""

    def on_epoch_train_end(self, epoch: int) -> None:
        """Called after the last update of each epoch, before its validation."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called after each epoch and its validation: the moment to add to the logs."""

    def on_epoch_logged(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called after ``on_epoch_end`` of all callbacks: the moment to act on the logs, which are complete."""

    def on_train_end(self) -> None:
        """Called last, also after Ctrl-C or an error, if ``on_train_begin`` was called."""


class LogReader(Callback):
    """Base class of callbacks that act on the complete logs of an epoch, in ``read_logs``.

    ``on_epoch_end`` only notes that this epoch counts, so that a subclass can leave epochs out by not calling it, and
    add to the logs, or to a copy that it hands on, before it does.
    """

    _noted: dict[str, Any] | None = None

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self._noted = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._noted = logs

    def on_epoch_logged(self, epoch: int, logs: dict[str, Any]) -> None:
        noted, self._noted = self._noted, None
        if noted is not None:
            self.read_logs(epoch, logs if noted is logs else {**logs, **noted})

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        """Act on what an epoch measured."""
