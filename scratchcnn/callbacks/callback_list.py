"""The callbacks of one ``fit``, called together; and what happens when one of them fails.

An error in a callback ends the training, but not before the others have had what is theirs: what an epoch measured is
kept, monitored and written even if a callback fails at its end, and each callback that has begun is ended.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from ..checks.elsewhere.arguments import ARGUMENTS
from ..checks.messages import say, shown
from ..history import History, as_plain
from ..network.network import Network
from .base import Callback

NEARLY = 0.81  # alike are on_epoch_ends and on_epoch_end, but not on_test_batch_end and on_train_batch_end


class CallbackList:
    """Calls callbacks in the order given, the display last.

    Parameters
    ----------
    callbacks : iterable of Callback, one Callback, or None
        Those of the user.
    display : Callback
        Shows how far it is. If it cannot (a closed or broken output), it is dropped with a RuntimeWarning: a training
        is worth more than its display.
    measured : sequence of str
        The names of what ``fit`` measures in each epoch.

    Attributes
    ----------
    history : History
        Of the epochs whose updates are done.

    Raises
    ------
    ValueError
        If these are not callbacks, one of them is there twice, or asks for what no epoch measures.
    """

    def __init__(self, callbacks: Any, display: Callback, measured: Sequence[str]) -> None:
        self.callbacks = _as_callbacks(callbacks)
        self.display = display
        self.history = History()
        self.diverged = False  # and a callback has taken it on itself
        self._before_batches = [c for c in self.callbacks if _overrides(c, "on_train_batch_begin")]
        others_may_come = any(_is_of_the_user(callback) or callback.adds_any for callback in self.callbacks)
        measured = [*measured, *(name for callback in self.callbacks for name in callback.adds)]
        for callback in self.callbacks:
            callback.require_measured(measured, others_may_come)

    def get_states(self) -> list[dict[str, Any]]:
        """Return what each callback wants to be kept in a checkpoint, in the order of ``stateful_names``."""
        return [callback.get_state() for callback in self._stateful]

    @property
    def stateful_names(self) -> list[str]:
        """The callbacks that have a state to checkpoint, and what each monitors."""
        return [_stateful_name(callback) for callback in self._stateful]

    @property
    def _stateful(self) -> list[Callback]:
        """By their names, so that states find their callback in whatever order these are given."""
        stateful = [callback for callback in self.callbacks if type(callback).get_state is not Callback.get_state]
        return sorted(stateful, key=_stateful_name)

    @contextmanager
    def training(
        self, model: Network, epochs: int, steps: int, states: Sequence[dict[str, Any]] = ()
    ) -> Iterator[None]:
        """Begin each callback, and in the end, however it comes, end each that was begun.

        With ``states``, those of a checkpoint, each goes on where it was.
        """
        for callback in (*self.callbacks, self.display):
            callback.attach(model, epochs, steps)
        for callback, state in zip(self._stateful, states, strict=False):  # the same, or no states at all
            callback.set_state(state)
        begun: list[Callback] = []
        errors: list[BaseException] = []
        try:
            for callback in (*self.callbacks, self.display):
                begun.append(callback)
                self._call(callback, "on_train_begin")
            yield
        except FloatingPointError as error:
            self.diverged = any(callback.swallows_divergence for callback in self.callbacks)
            if self.diverged:
                self._say(f"The training ends here: {error}")
            else:
                errors.append(error)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                done = len(self.history.epoch)
                self._say(f"Interrupted: the model keeps its weights, and model.history what {done} epochs measured.")
            errors.append(error)
        begun.sort(key=lambda callback: not callback.ends_first)
        errors += self._call_each(begun, "on_train_end")
        _raise_first(errors)

    def _say(self, text: str) -> None:
        """Print a line, unless nothing is to be shown."""
        if type(self.display) is not Callback:
            say(text)

    def on_epoch_begin(self, epoch: int) -> None:
        """Call all; the first error ends it."""
        for callback in (*self.callbacks, self.display):
            self._call(callback, "on_epoch_begin", epoch)

    def on_train_batch_begin(self, batch: int) -> None:
        """Call those that do something then; the first error ends it."""
        for callback in self._before_batches:
            self._call(callback, "on_train_batch_begin", batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Call all; the first error ends it."""
        for callback in (*self.callbacks, self.display):
            self._call(callback, "on_train_batch_end", batch, logs)

    def on_epoch_train_end(self, epoch: int) -> None:
        """Call all; the first error ends it."""
        for callback in (*self.callbacks, self.display):
            self._call(callback, "on_epoch_train_end", epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any], require_sound: Callable[[], None]) -> None:
        """Let all add to the logs, then let all look at them, and keep them; then raise the first error.

        ``require_sound`` raises an error if what the first have left of the model must not be saved by the second.
        """
        everyone = (*self.callbacks, self.display)
        errors = self._call_each(everyone, "on_epoch_end", epoch, logs)
        logs.update(as_plain(logs))
        self.history.append(epoch, logs)
        try:
            require_sound()
        except FloatingPointError as error:
            _raise_first([*errors, error])
        errors += self._call_each(everyone, "on_epoch_logged", epoch, logs)
        self.history.append(epoch, logs)
        _raise_first(errors)

    def _call(self, callback: Callback, moment: str, *arguments: Any) -> None:
        try:
            getattr(callback, moment)(*arguments)
        except Exception as error:
            if callback is not self.display:
                raise
            self.display = Callback()
            warnings.warn(
                f"the progress can no longer be shown ({shown(error)}); the training goes on without",
                RuntimeWarning,
                stacklevel=2,
            )

    def _call_each(self, callbacks: Iterable[Callback], moment: str, *arguments: Any) -> list[BaseException]:
        """Call all, also after one that raises, even if by Ctrl-C; return what they raised."""
        errors: list[BaseException] = []
        for callback in callbacks:
            try:
                self._call(callback, moment, *arguments)
            except BaseException as error:
                errors.append(error)
        return errors


def _as_callbacks(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    is_one = isinstance(callbacks, Callback | type | str) or not isinstance(callbacks, Iterable)
    given = [callbacks] if is_one else list(callbacks)
    for place, callback in enumerate(given):
        if isinstance(callback, type) and issubclass(callback, Callback):
            raise ValueError(f"callbacks[{place}] is the class {callback.__name__}; write {callback.__name__}(...)")
        if not isinstance(callback, Callback):
            raise ValueError(f"callbacks must be Callback objects, got {shown(callback)}")
        _require_known_moments(callback)
        if any(callback is earlier for earlier in given[:place]):
            raise ValueError(f"callbacks[{place}] is in the list twice: {shown(callback)}; make one object for each")
    return given


def _require_known_moments(callback: Callback) -> None:
    """Raise a ValueError if a method cannot be called as ``fit`` does it, or never would be: its name is only alike."""
    moments = [name for name in dir(Callback) if name.startswith("on_")]
    if hasattr(type(callback), "set_model"):
        raise ValueError(f"{shown(callback)} has a method set_model, which is never called; self.model is the model")
    for name in dir(type(callback)):
        if name.startswith("on_") and name not in moments and callable(getattr(type(callback), name)):
            if name.startswith(("on_test_", "on_predict_")):
                raise ValueError(
                    f"{shown(callback)} has a method {name}, which is never called: {ARGUMENTS['on_test_end']}"
                )
            alike = get_close_matches(name.replace("start", "begin"), moments, 1, NEARLY)
            if alike or name in ("on_batch_begin", "on_batch_end"):  # older names of Keras
                raise ValueError(
                    f"{shown(callback)} has a method {name}, which is never called; "
                    f"did you mean {alike[0] if alike else 'on_train_batch_end'}?"
                )
    for name in moments:
        arguments = list(inspect.signature(getattr(Callback, name)).parameters)[1:]  # without self
        try:
            inspect.signature(getattr(callback, name)).bind(*arguments)
        except TypeError as error:
            call, line = f"{name}({', '.join(arguments)})", f"def {name}({', '.join(['self', *arguments])}):"
            raise ValueError(
                f"{shown(callback)} must have a method that can be called as {call}: {error}; write {line}"
            ) from None


def _stateful_name(callback: Callback) -> str:
    return f"{type(callback).__name__}({getattr(vars(callback).get('monitor'), 'name', '')})"


def _overrides(callback: Callback, moment: str) -> bool:
    """Return whether a callback does something at a moment."""
    return getattr(type(callback), moment) is not getattr(Callback, moment) or moment in vars(callback)


def _is_of_the_user(callback: Callback) -> bool:
    """Return whether a callback may add to the logs: those of this library do not."""
    return type(callback).__module__.partition(".")[0] != __name__.partition(".")[0]


def _raise_first(errors: list[BaseException]) -> None:
    """Raise the first of some errors, or the first that is a wish to end such as Ctrl-C, with a note of the others."""
    if not errors:
        return
    first = next((error for error in errors if not isinstance(error, Exception)), errors[0])
    for error in errors:
        if error is not first:
            note = f"then another callback failed: {type(error).__name__}: {error}"
            if hasattr(first, "add_note"):
                first.add_note(note)
            elif sys.stderr is not None:  # Python 3.10
                print(note, file=sys.stderr)
    try:
        raise first
    finally:
        del first, error
        errors.clear()  # or they would keep themselves alive, and all that the frames of their tracebacks hold
