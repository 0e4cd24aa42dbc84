"""Which checkpoint a training keeps: the one that ``fit`` or a callback asks for, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..callbacks import BackupAndRestore, Callback
from ..checks.settings import yes_or_no
from .checkpoint import Checkpoint


class NoCheckpoint:
    """Stands for a checkpoint where none is wanted."""

    logs: tuple[Any, ...] = ()
    batch_losses: tuple[Any, ...] = ()
    states: tuple[Any, ...] = ()
    is_stopped = False

    def open(self, *arguments: Any) -> None:
        """Go on from the beginning."""

    def rehearse(self, *arguments: Any) -> None:
        """Try nothing."""

    def restore_epoch(self, *arguments: Any) -> None:
        """Restore nothing."""

    def after_batch(self, *arguments: Any) -> None:
        """Write nothing."""

    def write(self, *arguments: Any, **named: Any) -> None:
        """Write nothing."""

    def close(self) -> None:
        """Remove nothing."""


def backup_of(callbacks: Sequence[Callback], folder: Any, every: int | None, resume: bool) -> Checkpoint | NoCheckpoint:
    """Return the checkpoint that the arguments of ``fit`` ask for, or a ``BackupAndRestore`` among the callbacks."""
    backups = [callback for callback in callbacks if isinstance(callback, BackupAndRestore)]
    if folder is None and (every is not None or yes_or_no("resume", resume)):
        name = "checkpoint_freq" if every is not None else "resume"
        raise ValueError(f'{name} needs the folder of the checkpoint: checkpoint="run"')
    if len(backups) + (folder is not None) > 1:
        raise ValueError("pass checkpoint=folder or one BackupAndRestore, not several")
    if folder is not None:
        return Checkpoint(folder, every, resume)
    if not backups:
        return NoCheckpoint()
    backup = backups[0]
    every = None if isinstance(backup.save_freq, str) else backup.save_freq
    return Checkpoint(backup.backup_dir, every, resume=True, delete=backup.delete_checkpoint)
