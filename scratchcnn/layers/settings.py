"""Settings of a layer: those that may change at any time, and those that ``build`` has made shapes of."""

from __future__ import annotations

from typing import Any

from ..checks.settings import Setting


class LayerSetting(Setting):
    """A setting that is checked whenever it is assigned, and counts from the next batch on."""

    def __set__(self, layer: Any, value: Any) -> None:
        layer.__dict__[self.name] = self.check(f"{type(layer).__name__}: {self.name}", value)


class Fixed(LayerSetting):
    """A setting that can be assigned until the layer is built."""

    def __set__(self, layer: Any, value: Any) -> None:
        before = layer.__dict__.get(self.name)
        super().__set__(layer, value)
        if layer.input_shape is not None and layer.__dict__[self.name] != before:
            layer.__dict__[self.name] = before
            raise AttributeError(
                f"{type(layer).__name__}.{self.name} is fixed once the layer is built, to {before!r}; make a new layer"
            )
