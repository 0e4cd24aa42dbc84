"""Whether a layer of Keras computes what one here computes: the settings that the shapes of weights do not show."""

from __future__ import annotations

from typing import Any

from ..layers import BatchNorm, Conv2D, Layer
from ..layers.windows import sliding_window


def require_same_settings(what: str, own: Layer, theirs: Any, ahead: Any) -> None:
    """Raise a ValueError that names the setting if a layer and one of Keras differ in one.

    ``what`` are the two in words, ``ahead`` is the layer before the one of Keras: zeros around an image are a
    ``ZeroPadding2D`` there, and an argument here.
    """
    for setting in ("strides", "dilation_rate", "groups"):
        mine, its = getattr(own, setting, None), _setting(theirs, setting)
        if mine is not None and its is not None and mine != its:
            raise _differ(what, setting, mine, its)
    if isinstance(own, Conv2D) and hasattr(theirs, "padding"):
        _require_same_padding(what, own, theirs.padding, ahead)
    if isinstance(own, BatchNorm) and abs(own.epsilon - theirs.epsilon) > 1e-9:
        raise ValueError(f"{what} have epsilon={own.epsilon} and {theirs.epsilon}: pass BatchNorm(epsilon=...)")


def _setting(theirs: Any, name: str) -> Any:
    if name == "groups" and type(theirs).__name__ == "DepthwiseConv2D":
        return theirs.get_weights()[0].shape[2]  # of (KH, KW, C, M): a group for each channel
    value = getattr(theirs, name, None)
    return tuple(value) if isinstance(value, list) else value


def _require_same_padding(what: str, own: Conv2D, padding: Any, ahead: Any) -> None:
    if type(ahead).__name__ == "ZeroPadding2D":
        zeros = tuple(map(tuple, ahead.padding))  # ((top, bottom), (left, right))
        if padding != "valid":
            raise _differ(what, "padding", own.padding, f"{padding} after ZeroPadding2D{zeros}")
        padding = zeros
    if own.padding == padding:
        return
    settings = own.kernel_size, own.strides, padding, own.dilation_rate
    if own.window != sliding_window(own.name, own.window.image, *settings):
        raise _differ(what, "padding", own.padding, padding)


def _differ(what: str, setting: str, mine: Any, its: Any) -> ValueError:
    return ValueError(f"{what} have {setting}={mine!r} and {its!r}; make one as the other is")
