"""Pictures in folders, one folder a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..checks.paths import as_path
from .picture import SUFFIXES, read_picture

MODES = {"L": "L", "grey": "L", "RGB": "RGB", "rgb": "RGB"}
OTHER_MODES = dict.fromkeys(("l", "gray", "grayscale", "greyscale"), "L") | dict.fromkeys(
    ("color", "colour", "rgba", "bgr"), "RGB"
)
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}


def load_folder(
    path: str | os.PathLike[str], size: tuple[int, int] | int | None = None, mode: str | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Load pictures from a folder that has a folder of them for each class.

    Parameters
    ----------
    path : path-like
        ``path/cat/1.png``, ``path/dog/2.jpg``, ...: PNG, JPEG, BMP, GIF, TIFF, PPM or WebP, of a GIF or another file
        of several pictures the first. Folders below are looked into; hidden files and folders, and ``__MACOSX``, are
        not.
    size : int or (int, int), optional
        Height and width that all pictures are resized to. Without it they must all have the same.
    mode : {"L", "grey", "RGB", "rgb"}, optional
        Grey or colour: what all pictures are converted to. Without it they must all be the one or the other.

    Returns
    -------
    x : ndarray of uint8, shape (N, H, W) or (N, H, W, 3)
        Upright, as the camera held them (EXIF), in the order of the classes and of the files' names. What is
        transparent lies on white. Grey of 16 bits is scaled to 8: 65535 becomes 255.
    y : ndarray of int64, shape (N,)
        The class of each, a place in ``names``.
    names : list of str
        The names of the folders, sorted.

    Raises
    ------
    OSError
        If there is no such folder, or a file in it cannot be opened.
    ValueError
        If a folder has no pictures, a file is none, or they differ in what was not asked for. Also for pixels of 32
        bits and floats, as TIFF may have them, and for a folder that has the classes in ``train`` and ``test``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("dark", "light"):
    ...         pathlib.Path(folder, name).mkdir()
    ...         picture = Image.fromarray(np.full((40, 30), 255 * (name == "light"), np.uint8))
    ...         picture.save(pathlib.Path(folder, name, "1.png"))
    ...     x, y, names = sc.data.load_folder(folder, size=28)
    >>> x.shape, y.tolist(), names
    ((2, 28, 28), [0, 1], ['dark', 'light'])
    """
    root = Path(as_path("path", path, "folder"))
    wanted, converted = _size(size), _mode(mode)
    if not root.is_dir():
        if root.exists():
            raise NotADirectoryError(f"{root} is a file, expected a folder; unpack it if it is an archive")
        raise FileNotFoundError(f"there is no folder {root}")
    names = sorted(child.name for child in root.iterdir() if child.is_dir() and not _is_hidden(child.name))
    pictures = [_pictures(root / name) for name in names]
    _require_classes(root, dict(zip(names, pictures, strict=True)))
    files = [(file, place) for place, found in enumerate(pictures) for file in found]
    if not files:
        raise ValueError(
            f"{root} has no pictures in folders of their classes: expected {root / 'cat' / '1.png'} and the like; it "
            f"has the folders {shown(names)}"
        )
    if empty := [name for name, found in zip(names, pictures, strict=True) if not found]:
        raise ValueError(
            f"{root} has folders without pictures, which are no classes: {shown(empty)}; remove them, or put pictures "
            f"into them: {', '.join(SUFFIXES)}"
        )
    images: list[np.ndarray] = []
    for file, _ in files:
        image = read_picture(file, wanted, converted)
        if images and image.shape != images[0].shape:
            kinds = ("grey" if image.ndim == 2 else "colour", "grey" if images[0].ndim == 2 else "colour")
            if kinds[0] != kinds[1]:
                raise ValueError(
                    f'{file} is {kinds[0]}, {files[0][0]} {kinds[1]}; pass mode="L" or mode="RGB" for all of them'
                )
            raise ValueError(
                f"{file} has {image.shape[:2]} pixels, {files[0][0]} {images[0].shape[:2]}; pass size=(height, width) "
                "for all of them"
            )
        images.append(image)
    return np.stack(images), np.array([place for _, place in files], np.int64), names


def _size(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, np.ndarray):
        size = size.tolist()
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 for n in pair):
        raise ValueError(f"size must be (height, width) or one integer for both, got {shown(size)}")
    return int(pair[0]), int(pair[1])


def _mode(mode: Any) -> str | None:
    if mode is None:
        return None
    if isinstance(mode, str) and mode in MODES:
        return MODES[mode]
    near = OTHER_MODES.get(mode.lower(), MODES.get(mode.lower())) if isinstance(mode, str) else None
    advice = "" if near is None else f'; write mode="{near}"'
    raise ValueError(f'mode must be "L" (grey), "RGB" or None, got {shown(mode)}{advice}')


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _require_classes(root: Path, pictures: dict[str, list[Path]]) -> None:
    """Raise a ValueError if the folders are the parts of a data set, each with the folders of the classes in it."""
    parts = [name for name in pictures if name.lower() in PARTS]
    inner = [part for part in parts if any(file.parent != root / part for file in pictures[part])]
    if inner and (len(parts) > 1 or len(pictures) == 1):
        raise ValueError(
            f"{root} has the parts {shown(parts)} of a data set, expected the folders of its classes; load each by "
            f"itself: sc.data.load_folder({shown(str(root / inner[0]), 1000)})"
        )


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(map(_is_hidden, path.relative_to(folder).parts))
        and not path.is_dir()
    )
