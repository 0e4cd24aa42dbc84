"""Whatever a user calls a picture, as brightness: a file, a PIL image, an array.

Large pictures are reduced at once: the network will see 28 x 28 pixels, and a phone takes 4,000 x 3,000.

Letters: H W height and width.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.advice.objects import as_array, for_dtype
from ..checks.messages import reason, shown
from ..checks.paths import as_path
from ..data.picture import opened, upright
from .errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 1000  # pixels along the longer side, beyond which a picture is reduced
ORIENTATION = 0x0112  # the tag of EXIF that says how the camera was held; from 5 on upright


@dataclass(frozen=True)
class Levels:
    """A picture as brightness, reduced.

    Attributes
    ----------
    pixels : ndarray of float32, shape (H, W)
        From 0, black, to 255, white.
    size : (int, int)
        Width and height of the picture before.
    """

    pixels: np.ndarray
    size: tuple[int, int]


def levels_of(picture: Any) -> Levels:
    """Return the brightness of a picture: a path, a ``PIL.Image``, or an array (H, W) or (H, W, 1, 3 or 4).

    Raises PictureError where it is none, says why, and what to do.
    """
    from PIL import Image

    if isinstance(picture, Image.Image):
        try:
            return _reduced(picture)
        except (ValueError, OSError, SyntaxError) as error:  # a file that was opened is read only now
            raise PictureError(f"the picture cannot be read: {reason(error)}") from error
    if isinstance(picture, str | os.PathLike):
        return _of_file(as_path("picture", picture))
    if isinstance(picture, bytes) or hasattr(picture, "read"):
        raise PictureError(
            f"a picture is a path, a PIL image or an array, got {shown(picture, 60)}; of the bytes of a file: "
            "PIL.Image.open(io.BytesIO(data))"
        )
    return _reduced(Image.fromarray(_bytes_of(picture)))


def _of_file(path: str) -> Levels:
    try:
        with opened(path, otherwise="convert it to one of these") as image:
            return _reduced(image)
    except FileNotFoundError:
        raise PictureError(f"there is no file {path}; the current folder is {os.getcwd()}") from None
    except IsADirectoryError:
        raise PictureError(
            f"{path} is a folder, expected a picture; give one of the files in it, or, to train on pictures in "
            "folders, use sc.data.load_folder"
        ) from None
    except OSError as error:
        raise PictureError(f"{path} cannot be opened: {error.strerror or error}") from error
    except ValueError as error:
        if not os.path.getsize(path):
            raise PictureError(f"{path} is an empty file, of 0 bytes; save or copy the picture once more") from None
        raise PictureError(f"{error}{_advice(path, str(error))}") from error


def _advice(path: str, said: str) -> str:
    """Return what to do about a file that is no picture, if that can be told."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "; it looks like HEIC or AVIF, as phones write them: share or export it as JPEG"
    if head.startswith(b"%PDF"):
        return "; it is a PDF: save the page as PNG"
    if "truncated" in said or "broken" in said:
        return "; the file is damaged or was not copied to its end: copy it once more"
    if "decompression bomb" in said:
        return "; save it smaller than 89 million pixels, a few thousand in width are plenty"
    return ""


def _reduced(image: Image) -> Levels:
    """Return a PIL image as brightness: upright, on white, at most LONGEST pixels along a side.

    Where white shows nothing, what is not transparent is the ink.
    """
    from PIL import Image, ImageOps

    width, height = image.size
    if not (width and height):
        raise PictureError(f"the picture has no pixels: its size is {width} x {height}")
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):  # which are of 16 bits
        image = Image.fromarray(_bytes_of(np.asarray(image)))
    exif = image.getexif()
    size = (height, width) if exif.get(ORIENTATION, 1) in (5, 6, 7, 8) else (width, height)
    scale = LONGEST / max(size)
    extent = (max(1, round(scale * width)), max(1, round(scale * height)))
    if scale < 1 and getattr(image, "format", None) in ("JPEG", "MPO"):
        image.draft(None, extent)  # decodes to an eighth, a quarter or a half of the size, in less time
    if min(image.width // extent[0], image.height // extent[1]) > 1 and image.mode in ("RGB", "L"):
        image = image.reduce(min(image.width // extent[0], image.height // extent[1]))
        image.info["exif"] = exif.tobytes()
    flat = upright(image)
    if _is_plain(flat) and ("A" in image.getbands() or "transparency" in image.info):  # white ink on nothing
        flat = ImageOps.invert(ImageOps.exif_transpose(image).convert("RGBA").getchannel("A"))
    if max(flat.size) > LONGEST:
        flat = flat.resize(extent if size == (width, height) else extent[::-1], reducing_gap=2.0)
    return Levels(_brightness(np.asarray(flat)), size)


def _is_plain(flat: Image) -> bool:
    """Return whether a picture of mode L or RGB is of one shade, nearly."""
    extrema = np.reshape(flat.getextrema(), (-1, 2))  # the lowest and the highest of each colour
    return bool((extrema[:, 1] - extrema[:, 0] < 20).all())


def _brightness(pixels: np.ndarray) -> np.ndarray:
    """Return float32 (H, W) of uint8 (H, W) or (H, W, 3): how bright, or the colour in which there is most to see.

    Red on green may be as bright as what it is written on.
    """
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)  # (H, W), as ITU-R BT.601 weighs the colours
    planes = [grey, *(pixels[..., colour].astype(np.float32) for colour in range(3))]
    spread = [float(np.subtract(*np.percentile(plane[::4, ::4], (99.5, 0.5)))) for plane in planes]
    best = int(np.argmax(spread))
    return planes[best] if spread[best] > 2 * spread[0] + 20 else grey


def _bytes_of(picture: Any) -> np.ndarray:
    """Return an array of a user's as uint8, (H, W), (H, W, 2), (H, W, 3) or (H, W, 4)."""
    expected = "an array (H, W), (H, W, 3) or (H, W, 4)"
    if isinstance(picture, np.ma.MaskedArray) and np.ma.is_masked(picture):
        raise PictureError(
            f"a picture is a path, a PIL image or {expected}, got one with masked pixels; give them the shade of the "
            "paper: picture.filled(np.ma.median(picture).astype(picture.dtype))"
        )
    try:
        array = as_array(picture, "a picture", "picture")
    except ValueError as error:
        raise PictureError(f"a picture is a path, a PIL image or {expected}: {error}") from error
    if array.dtype.kind not in "biuf":
        advice = for_dtype(array, "picture", picture)
        raise PictureError(
            f"a picture is a path, a PIL image or {expected} of numbers, got {shown(picture, 100)}{advice}"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (2, 3, 4)):  # 2: grey and opacity
        if array.ndim == 3 and array.shape[0] in (3, 4):
            advice = "; channels come last here: pass picture.transpose(1, 2, 0)"
        elif array.ndim in (3, 4):
            advice = "; one picture at a time: [sc.read_digit(picture) for picture in pictures]"
        else:
            advice = "; a flattened image of MNIST: pass picture.reshape(28, 28)" if array.size == 784 else ""
        raise PictureError(f"a picture is {expected}, got the shape {array.shape}{advice}")
    if not array.size:
        raise PictureError(f"the picture has no pixels: its shape is {array.shape}")
    low, high = float(array.min()), float(array.max())  # NaN if a pixel is
    if array.dtype == np.uint8 and high > 1:
        return array
    if not (math.isfinite(low) and math.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise PictureError(
            f"{count:,} of the picture's {array.size:,} numbers are NaN or infinite; give them the shade of the paper: "
            "np.where(np.isfinite(picture), picture, np.median(picture[np.isfinite(picture)]))"
        )
    if not (low >= 0 and high <= 65535):
        raise PictureError(
            f"pixels must be from 0 to 255, from 0 to 65535, or from 0.0 to 1.0, got {low:g} to {high:g}; "
            "(picture - picture.min()) / (picture.max() - picture.min()) is from 0 to 1"
        )
    limit = 1.0 if high <= 1 else 255.0 if high <= 255 else 65535.0
    return np.rint(array * (255 / limit)).astype(np.uint8)
