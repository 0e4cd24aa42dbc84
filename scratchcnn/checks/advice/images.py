"""Advice for images of a wrong shape.

Letters: N samples, H W height and width, C channels.
"""

from __future__ import annotations

import numpy as np

Shape = tuple[int, ...]


def for_shape(shape: Shape, wanted: Shape, x: str) -> str:
    """Return advice for images of a wrong shape.

    Parameters
    ----------
    shape : tuple of int
        Of what was given.
    wanted : tuple of int
        That of one sample.
    x : str
        An expression for the array.
    """
    size = int(np.prod(wanted))
    to_wanted = f"{x}.reshape(-1, {', '.join(map(str, wanted))})"
    if shape == wanted or (wanted[-1] == 1 and shape == wanted[:-1]):
        return f"one image alone needs a batch axis: pass {x}[np.newaxis]"
    if len(wanted) == 3:
        if advice := _for_pictures(shape, wanted, x):
            return advice
    if len(shape) == 2 and shape[1] == size:
        return f"the images are flattened: pass {to_wanted}"
    if shape == (size,):
        return f"one flattened image alone: pass {to_wanted}"
    if len(shape) == 2 and shape[0] == size:
        return f"the images are flattened, one in each column: pass {x}.T.reshape(-1, {', '.join(map(str, wanted))})"
    if [extent for extent in shape if extent != 1][1:] == [extent for extent in wanted if extent != 1]:
        return f"there is an axis too many: pass {to_wanted}"
    if len(shape) == 1 and shape[0] % size == 0 and size > 1 and shape != (0,):
        return f"all images are in one row: pass {to_wanted}"
    if len(shape) == 1:
        return "images come first, labels second; these look like labels" if shape != (0,) else "it is empty"
    if len(shape) == len(wanted) + 1:
        return f"build the model with input_shape={shape[1:]}, or make the images of the model's size"
    return f"every image must be of shape {wanted}"


def _for_pictures(shape: Shape, wanted: Shape, x: str) -> str:
    """Return advice for pictures whose axes or channels are others than (H, W, C), or nothing."""
    H, W, C = wanted
    grey, channels_first = "the pictures have colours, the model takes grey ones", "channels come last here"
    if shape[1:] == (C, H, W):
        return f"{channels_first}: pass {x}.transpose(0, 2, 3, 1)"
    if shape == (C, H, W):
        return f"{channels_first}, and one image alone needs a batch axis: pass {x}.transpose(1, 2, 0)[np.newaxis]"
    if C == 1:
        if shape[1:-1] == (H, W) and shape[-1] in (3, 4):
            return f"{grey}: pass {x}[..., :3].mean(axis=-1)"
        if shape[1:-1] == (H, W) and shape[-1] == 2:
            return f"{grey} without transparency: pass {x}[..., 0]"
        if shape[:-1] == (H, W) and shape[-1] in (3, 4):
            return f"{grey}: pass {x}[np.newaxis, ..., :3].mean(axis=-1)"
        if len(shape) == 4 and shape[2:] == (H, W) and shape[1] in (3, 4):
            return f"{grey}: pass {x}[:, :3].mean(axis=1)"
    else:
        if shape[1:] == (H, W):
            return f"the last axis, {C} channels, is missing: pass np.repeat({x}[..., np.newaxis], {C}, axis=-1)"
        if shape[1:] == (H, W, 1):
            return f"the pictures are grey, the model takes {C} channels: pass np.repeat({x}, {C}, axis=-1)"
        if shape == (H, W):
            return f"one grey image alone: pass np.repeat({x}[np.newaxis, ..., np.newaxis], {C}, axis=-1)"
        if shape[1:] == (1, H, W):
            return f"the pictures are grey: pass np.repeat({x}.transpose(0, 2, 3, 1), {C}, axis=-1)"
        if C == 3 and shape[1:] == (H, W, 4):
            return f"the pictures have a fourth channel, transparency: pass {x}[..., :3]"
        if C == 3 and shape == (H, W, 4):
            return f"one image alone, with a fourth channel, transparency: pass {x}[np.newaxis, ..., :3]"
    if shape[:-1] == (H, W, C):
        return f"the images are numbered by the last axis: pass {x}.transpose(3, 0, 1, 2)"
    if C == 1 and shape[:-1] == (H, W):
        return f"the images are numbered by the last axis: pass {x}.transpose(2, 0, 1)"
    if H != W and shape[1:] == (W, H, C):
        return f"height and width are the other way round: pass {x}.transpose(0, 2, 1, 3)"
    if H != W and C == 1 and shape[1:] == (W, H):
        return f"height and width are the other way round: pass {x}.transpose(0, 2, 1)"
    return ""
