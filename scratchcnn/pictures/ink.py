"""How much ink there is at each pixel: whatever the light, dark on light or light on dark.

What is not ink is the background. It is most of the picture and changes slowly, so it can be estimated: first as a
smooth surface, only to see whether the ink is darker or lighter, and then as what stays when everything thinner than a
window is wiped away (a morphological closing or opening).

Letters: H W height and width.
"""

from __future__ import annotations

import numpy as np

from .errors import PictureError
from .morphology import grown

SMALL = 96  # pixels along the longer side of the copy that the background is estimated on
WINDOW = 0.35  # of the shorter side: thicker than any stroke, narrower than most shadows
LEAST = 0.08  # contrast of ink, of 1


def ink_of(levels: np.ndarray) -> np.ndarray:
    """Return how much ink there is, float32 (H, W): 0 on the background, 1 in the middle of a stroke.

    Parameters
    ----------
    levels : ndarray of float32, shape (H, W)
        Brightness from 0 to 255.

    Raises
    ------
    PictureError
        If nothing stands out from the background and its noise.
    """
    smooth = _blurred(levels, max(levels.shape) / 700) if max(levels.shape) > 200 else levels
    small = _resized(smooth, SMALL / max(*smooth.shape, SMALL))
    dark = _is_dark_on_light(small)
    reach = max(1, round(WINDOW / 2 * min(small.shape))) * (1 if dark else -1)
    background = grown(grown(small, reach), -reach)  # a closing, or an opening
    background = _to_shape(_blurred(background, abs(reach) / 3), levels.shape)
    ink = 1 - smooth / np.maximum(background, 1) if dark else (smooth - background) / np.maximum(255 - background, 32)
    ink -= np.median(ink)
    noise = 1.4826 * float(np.median(np.abs(ink)))  # the standard deviation, if it is normal
    peak = float(np.quantile(ink, 1 - min(0.01, max(5e-4, 4 / ink.size))))
    if peak < max(LEAST, 5 * noise):
        raise PictureError(
            "the picture has no ink: nothing in it is clearly darker or lighter than its background; write larger, or "
            "with a thicker pen, or take the picture in better light"
        )
    return (ink / peak).astype(np.float32)


def _is_dark_on_light(small: np.ndarray) -> bool:
    """Return on which side of a smooth surface, fitted to most of the pixels, the others are."""
    H, W = small.shape
    y, x = np.meshgrid(np.linspace(-1, 1, H), np.linspace(-1, 1, W), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)  # (H * W, 6)
    values = small.reshape(-1).astype(np.float64)
    residual = values - np.median(values)
    for _ in range(8):  # least squares, reweighted: what is far from the surface counts less each time
        width = 1.5 * np.median(np.abs(residual)) + 1
        weights = 1 / (1 + (residual / width) ** 2)
        scaled = terms * weights[:, None]
        fitted = np.linalg.lstsq(scaled.T @ terms, scaled.T @ values, rcond=None)[0]
        residual = values - terms @ fitted
    return float(np.sum(residual**3)) < 0


def _blurred(image: np.ndarray, radius: float) -> np.ndarray:
    from PIL import Image, ImageFilter

    bytes_ = Image.fromarray(np.rint(image.clip(0, 255)).astype(np.uint8))  # Pillow blurs no floats
    return np.asarray(bytes_.filter(ImageFilter.GaussianBlur(radius)), np.float32)


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = (max(1, round(scale * extent)) for extent in image.shape)
    return image if scale == 1 else _to_shape(image, (height, width))


def _to_shape(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
