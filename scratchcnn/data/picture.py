"""One picture in a file as an array of bytes, grey or colour."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..checks.messages import reason
from ..checks.paths import shown_path
from ..files import open_regular

SUFFIXES_OF = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "WEBP": (".webp",),
}
SUFFIXES = tuple(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], otherwise: str = "remove it, or convert it") -> Iterator[Any]:
    """Open a picture's file as a ``PIL.Image``; a ValueError says what is wrong with it, also where it is used.

    ``otherwise`` is what to do about a file of another kind.

    Its content decides which of the formats it has, not its name; no other program is run for it.
    """
    from PIL import Image, UnidentifiedImageError

    with open_regular(path) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(file, formats=list(SUFFIXES_OF)) as picture:
                    yield picture
        except MemoryError:
            raise
        except UnidentifiedImageError:
            formats = ", ".join(SUFFIXES_OF)
            raise ValueError(
                f"{shown_path(path)} is no picture that can be read: its content is none of {formats}; {otherwise}"
            ) from None
        except Exception as error:  # whatever a damaged file raises
            raise ValueError(f"{shown_path(path)} is no picture that can be read: {reason(error)}") from error


def upright(picture: Any) -> Any:
    """Return a ``PIL.Image`` of mode L or RGB: as the camera held it, and what is transparent laid on white."""
    from PIL import ImageOps

    return _as_bytes(ImageOps.exif_transpose(picture), picture.format)


def read_picture(path: Path, size: tuple[int, int] | None, mode: str | None) -> np.ndarray:
    """Return one picture, uint8 (H, W) or (H, W, 3): upright, on white, of ``size`` and ``mode`` if they are given."""
    from PIL import Image

    with opened(path) as picture:
        flat = upright(picture)
        if mode is not None:
            flat = flat.convert(mode)
        if size is not None:
            flat = flat.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(flat)


def _as_bytes(picture: Any, format_: str | None) -> Any:
    """Return a picture of mode L or RGB: 16 bits scaled to 8, and what is transparent laid on white."""
    from PIL import Image

    if picture.mode.startswith("I;16") or (picture.mode == "I" and format_ in ("PNG", "PPM")):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))  # 0..65535 -> 0..255
    if picture.mode in ("I", "F"):
        what, extent, scaled = {
            "I": ("integers of 32 bits", "0 to 65535", "a >> 8"),
            "F": ("floats", "0.0 to 1.0", "255 * a"),
        }[picture.mode]
        raise ValueError(
            f"its pixels are {what}, expected 8 or 16 bits; if they reach from {extent}: "
            f"a = np.asarray(Image.open(path)); Image.fromarray(np.uint8({scaled})).save(path)"
        )
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.mode in ("P", "PA"):
        colours = np.reshape(picture.getpalette(), (-1, 3))
        grey = bool((colours == colours[:, :1]).all())
    if picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info:
        picture = picture.convert("LA").convert("RGBA") if picture.mode == "La" else picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("L" if grey else "RGB")
