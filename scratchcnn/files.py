"""Files: only regular ones are read, and what is written appears under its name complete or not at all.

A file is written beside its place under a name of its own, and then renamed, so that a crash, a full disk or Ctrl-C
leaves the old file as it was. Renaming would also replace what is not a file, such as ``/dev/null``, and lose the mode
of the old one; both are taken care of here. A name that is a hard link gets a file of its own, the other names keep the
old content; a symbolic link stays, and the file it leads to is replaced.

While a file is unfinished its writer holds a lock on it. What a killed process left has none, and the next write in the
same folder removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from typing import BinaryIO

from .checks.paths import as_path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed: its lock is that it is open
    fcntl = None  # type: ignore[assignment]

_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)  # for the end of a FIFO that nobody else holds
_KINDS = {
    stat.S_IFIFO: "a FIFO (named pipe)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
_UNFINISHED = re.compile(r"\.scratchcnn-[0-9a-f]{16}\.tmp")
_UNFINISHED_BEFORE = r"\.[0-9a-f]{{16}}\.part|\.{name}\.[0-9a-f]{{8}}\.tmp"  # names of earlier versions, without locks
_ABANDONED_AFTER = 3600  # seconds, for those
_MOST_LINKS = 40  # as Linux


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading; what else a path may lead to is an OSError that says what it is, at once.

    A FIFO would block for ever, and a device may do anything when it is opened.
    """
    name = as_path("path", path)
    _require_regular(os.stat(name), name)
    descriptor = os.open(name, os.O_RDONLY | _FLAGS | _WITHOUT_WAITING)
    try:
        _require_regular(os.fstat(descriptor), name)  # it may have been exchanged since
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise an OSError if something else than a regular file is at ``path``, before it is opened for writing."""
    name = as_path("path", path)
    with contextlib.suppress(FileNotFoundError):
        _require_regular(os.stat(name), name)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` if the block ends well, and leaves no trace if it does not.

    It gets mode, owner and extended attributes of the file that it replaces, or those that the umask asks for.

    Raises
    ------
    PermissionError
        If the file there is read-only; also for root, to whom the system would allow it.
    OSError
        If what is there is not a regular file, or the new one cannot be written.
    """
    target, old = _place(path)
    folder, name = os.path.split(target)
    _sweep(folder, name)
    file, unfinished = _create(folder, 0o666 if old is None else 0o600)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if old is not None:
                _take_over(target, old, unfinished)
            if os.name == "nt":
                file.close()  # Windows renames no open file; elsewhere the lock is held until the file has its name
            os.replace(unfinished, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = target  # "no space left on device", where?
        raise


def _place(path: str | os.PathLike[str]) -> tuple[str, os.stat_result | None]:
    """Return where a file is to be written, all links followed, and the status of the one that is there, if any."""
    target = name = as_path("path", path)
    old: os.stat_result | None = None
    with contextlib.suppress(FileNotFoundError):  # also of a link that leads nowhere: the file is written there
        old = os.stat(name)
    if old is not None:
        _require_regular(old, name)
        if not (old.st_mode & 0o222 and os.access(name, os.W_OK)):
            advice = "read-only; make it writable, or choose another name"
            raise PermissionError(errno.EACCES, advice, name)
    for _ in range(_MOST_LINKS):
        folder, last = os.path.split(target)
        if not last:
            raise IsADirectoryError(errno.EISDIR, "a path that does not end in the name of a file", name)
        folder = os.path.realpath(folder)
        if re.match(r"/proc/.*/fd(/|$)|/dev/fd(/|$)", folder):  # /dev/stdout, for one: renaming would not reach it
            raise OSError(
                errno.EINVAL, "an open file of a process, which cannot be replaced; give the file's name", name
            )
        target = os.path.join(folder, last)
        if not os.path.islink(target):
            return target, old
        target = os.path.join(folder, os.readlink(target))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)


def _create(folder: str, mode: int) -> tuple[BinaryIO, str]:
    """Return a new, locked file in a folder, and its path."""
    while True:
        path = os.path.join(folder, f".scratchcnn-{secrets.token_hex(8)}.tmp")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, mode)
        except FileNotFoundError as error:
            advice = f"there is no such folder; make it first: os.makedirs({folder!r})"
            raise FileNotFoundError(error.errno, advice, folder) from None
        except OSError as error:  # tells the folder, not a name that the user never heard of
            raise OSError(error.errno, f"{error.strerror}: cannot write a file in this folder", folder) from None
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks, where nobody sweeps either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return os.fdopen(descriptor, "w+b"), path
        os.close(descriptor)  # somebody swept it away before it was locked


def _take_over(old_path: str, old: os.stat_result, new_path: str) -> None:
    """Give a new file the owner, the mode and the extended attributes (access control lists) of the old one."""
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "chown"):
        try:
            os.chown(new_path, old.st_uid, old.st_gid)
        except OSError:
            try:
                os.chown(new_path, -1, old.st_gid)
            except OSError:  # what its group may do, another group may not
                mode = mode & ~0o070 | (mode & 0o007) << 3
    with contextlib.suppress(OSError):  # a file system without modes; the new file is readable by its owner alone
        shutil.copystat(old_path, new_path)
        os.utime(new_path)
        os.chmod(new_path, mode)


def _sweep(folder: str, name: str) -> None:
    """Remove what killed processes left unfinished in a folder: never what another one is writing now."""
    before = re.compile(_UNFINISHED_BEFORE.format(name=re.escape(name)))
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if _UNFINISHED.fullmatch(entry.name):
                    _remove_unlocked(entry.path)
                elif before.fullmatch(entry.name):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED_AFTER:
                        _remove_unlocked(entry.path)


def _remove_unlocked(path: str) -> None:
    if fcntl is None:
        os.unlink(path)
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | _FLAGS | _WITHOUT_WAITING)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError where its writer lives
        os.unlink(path)
    finally:
        os.close(descriptor)


def _require_regular(status: os.stat_result, name: str | bytes) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, "a folder, where a file is expected", name)
    if kind != stat.S_IFREG:
        what = f"{_KINDS.get(kind, 'something else')}, where a regular file is expected"
        raise OSError(errno.EINVAL, f"{what}; give the path of a file", name)
