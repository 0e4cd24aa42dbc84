"""Callbacks of a few lines: functions in place of a class, and an end that is no error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks.calls import why_not_callable
from ..checks.messages import shown
from .base import Callback

Function = Callable[..., Any] | None


class LambdaCallback(Callback):
    """A callback made of functions, with the arguments that Keras gives them.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Of (epoch, logs). What ``on_epoch_end`` adds to the logs is kept in the history.
    on_train_begin, on_train_end : callable, optional
        Of (logs), which is empty.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Of (batch, logs).

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> show = sc.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("epoch", epoch, sorted(logs)))
    >>> history = model.fit(x[:64], y[:64], callbacks=show, verbose=0)
    epoch 0 ['accuracy', 'loss']
    """

    adds_any = True

    def __init__(
        self,
        on_epoch_begin: Function = None,
        on_epoch_end: Function = None,
        on_train_begin: Function = None,
        on_train_end: Function = None,
        on_train_batch_begin: Function = None,
        on_train_batch_end: Function = None,
    ) -> None:
        self._functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in self._functions.items():
            if function is not None and not callable(function):
                raise ValueError(f"{name} must be a function, got {shown(function)}")
            if function is not None:
                _require_arguments(name, function)

    def _do(self, moment: str, *arguments: Any) -> None:
        function = self._functions[moment]
        if function is not None:
            function(*arguments)

    def on_train_begin(self) -> None:
        self._do("on_train_begin", {})

    def on_epoch_begin(self, epoch: int) -> None:
        self._do("on_epoch_begin", epoch, {})

    def on_train_batch_begin(self, batch: int) -> None:
        self._do("on_train_batch_begin", batch, {})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self._do("on_train_batch_end", batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._do("on_epoch_end", epoch, logs)

    def on_train_end(self) -> None:
        self._do("on_train_end", {})


def _require_arguments(name: str, function: Callable[..., Any]) -> None:
    """Raise a TypeError if a function cannot be called with the arguments of its moment."""
    arguments = ["logs"] if "epoch" not in name and "batch" not in name else [name.split("_")[-2], "logs"]
    if problem := why_not_callable(function, *arguments):
        call = ", ".join(arguments)
        raise TypeError(f"{name} must be a function of ({call}): {problem}; write lambda {call}: ...")


class TerminateOnNaN(Callback):
    """Lets a training that diverges end without an error: ``fit`` returns the history of the epochs before.

    Without it ``fit`` raises a FloatingPointError. The parameters keep what they held at the last finite loss, unless
    the last update itself has made one NaN or infinite; the message says so.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.SGD(3e38))  # far too long steps
    >>> with np.errstate(all="ignore"):
    ...     history = model.fit(x[:64], y[:64], epochs=3, callbacks=sc.callbacks.TerminateOnNaN(), verbose=0)
    >>> len(history.epoch)
    0
    """

    swallows_divergence = True
