"""Settings of a layer: those that may change at any time, and those that ``build`` has made shapes of."""

from __future__ import annotations

from typing import Any

from ..checks.settings import Setting


class LayerSetting(Setting):
    """A setting that is checked whenever it is assigned, and counts from the next batch on."""

    def __set__(self, layer: Any, value: Any) -> None:
        layer.__dict__[self.name] = self.check(f"{type(layer).__name__}: {self.name}", value)


class Follower:
    """The activation that a layer names: a model puts it after the layer, and from then on it is not the layer's."""

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return None if layer is None else layer.__dict__.get("activation")

    def __set__(self, layer: Any, value: Any) -> None:
        if isinstance(value, str) or (value is not None and layer.input_shape is not None):
            raise AttributeError(
                f"{type(layer).__name__}.activation is what the constructor was given, and a layer of its own in a "
                'model; write it where the layer is made: sc.Dense(10, activation="relu")'
            )
        layer.__dict__["activation"] = value


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
