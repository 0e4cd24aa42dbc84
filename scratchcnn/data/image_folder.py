"""Pictures in folders, one folder a class."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..checks.messages import reason, shown

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MODES = {"grey": "L", "L": "L", "rgb": "RGB", "RGB": "RGB"}


def load_folder(
    path: str | os.PathLike[str], size: tuple[int, int] | int | None = None, mode: str | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Load pictures from a folder that has a folder of them for each class.

    Parameters
    ----------
    path : path-like
        ``path/cat/1.png``, ``path/dog/2.jpg``, ...; folders below are looked into, hidden files are not.
    size : int or (int, int), optional
        Height and width that all pictures are resized to. Without it they must all have the same.
    mode : {"L", "RGB"}, optional
        Grey or colour: what all pictures are converted to. Without it they must all be the one or the other.

    Returns
    -------
    x : ndarray of uint8, shape (N, H, W) or (N, H, W, 3)
        Upright, as the camera held them (EXIF), in the order of the classes and of the files' names.
    y : ndarray of int64, shape (N,)
        The class of each, a place in ``names``.
    names : list of str
        The names of the folders, sorted.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there are no pictures, a file is none, or they differ in what was not asked for.

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
    root = Path(os.path.expanduser(path))
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}")
    wanted = _size(size)
    if mode is not None and mode not in MODES:
        raise ValueError(f'mode must be "L" (grey), "RGB" or None, got {shown(mode)}')
    names = sorted(child.name for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    files = [(path, place) for place, name in enumerate(names) for path in _pictures(root / name)]
    if not files:
        raise ValueError(
            f"{root} has no pictures in folders of their classes: expected {root / 'cat' / '1.png'} and the like; it "
            f"has the folders {shown(names)}"
        )
    images: list[np.ndarray] = []
    for file, _ in files:
        image = _read(file, wanted, None if mode is None else MODES[mode])
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
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in pair):
        raise ValueError(f"size must be (height, width) or one number for both, got {shown(size)}")
    return int(pair[0]), int(pair[1])


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _read(path: Path, size: tuple[int, int] | None, mode: str | None) -> np.ndarray:
    """Return one picture, (H, W) or (H, W, 3)."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                upright = ImageOps.exif_transpose(picture)
                grey = upright.mode in ("1", "L", "I;16", "I", "F", "LA")
                upright = upright.convert(mode or ("L" if grey else "RGB"))
                if size is not None:
                    upright = upright.resize((size[1], size[0]), Image.Resampling.BILINEAR)
                return np.asarray(upright)
    except Exception as error:  # whatever a file that is no picture raises
        raise ValueError(f"{path} is no picture that can be read: {reason(error)}") from error
