"""What is checked before weights are exchanged."""

from __future__ import annotations

from typing import Any

from ..checks.messages import shown
from ..network.network import Network


def require_network(model: Any) -> None:
    """Raise a ValueError if something else was passed where a model is expected."""
    if not isinstance(model, Network):
        raise ValueError(f"model must be a model of scratchcnn, such as a Sequential, got {shown(model, 100)}")
