"""CIFAR-10 in its binary form (Krizhevsky 2009, "Learning multiple layers of features from tiny images").

Six files of 10,000 images each, five to train on and one to test. An image is 3,073 bytes: its class, then 1,024 bytes
of red, of green and of blue, line by line. Here colours come last, as everywhere: (N, 32, 32, 3).
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..checks.messages import reason
from ..files import open_regular

SIDE, COLOURS = 32, 3
BATCH = 10_000  # images in a file
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NAMES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")


def read_batch(file: BinaryIO, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 32, 32, 3) and labels (N,) of one file, uint8.

    Raises
    ------
    ValueError
        If it does not hold 10,000 images, or a label is none.
    """
    record = 1 + SIDE * SIDE * COLOURS
    content = file.read(BATCH * record + 1)
    if len(content) != BATCH * record:
        more = "more than " if len(content) > BATCH * record else ""
        size = min(len(content), BATCH * record)
        raise ValueError(
            f"{name}: holds {more}{size} bytes, expected {BATCH * record}: {BATCH} images of {record} bytes"
        )
    rows = np.frombuffer(content, np.uint8).reshape(BATCH, record)
    labels, pixels = rows[:, 0].copy(), rows[:, 1:].reshape(BATCH, COLOURS, SIDE, SIDE)
    if labels.max() >= len(CLASSES):
        raise ValueError(f"{name}: there is a label {labels.max()}, expected 0 to {len(CLASSES) - 1}")
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), labels


def read_folder(folder: Path) -> list[np.ndarray] | None:
    """Return the four arrays of the files in a folder; None where none of them is there."""
    paths = [folder / name for name in NAMES]
    if not any(path.exists() for path in paths):
        return None
    batches = []
    for path in paths:
        if not path.exists():
            raise ValueError(f"{folder} has only some of the files, {path.name} is missing")
        with open_regular(path) as file:
            batches.append(read_batch(file, str(path)))
    return _joined(batches)


def read_tar(file: BinaryIO, name: str) -> list[np.ndarray]:
    """Return the four arrays of an archive; nothing of it is written to disk.

    Raises
    ------
    ValueError
        If it is damaged, or one of the files is not in it.
    """
    file.seek(0)
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive:
                base = member.name.rsplit("/", 1)[-1]
                if base in NAMES and member.isfile():
                    content = archive.extractfile(member)
                    assert content is not None
                    found[base] = read_batch(content, f"{name}/{member.name}")  # type: ignore[arg-type]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{name}: damaged tar archive ({reason(error)})") from error
    for wanted in NAMES:
        if wanted not in found:
            raise ValueError(f"{name}: the archive has no {wanted}")
    return _joined([found[wanted] for wanted in NAMES])


def _joined(batches: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    train = [np.concatenate(arrays) for arrays in zip(*batches[:-1], strict=True)]
    return [*train, *batches[-1]]
