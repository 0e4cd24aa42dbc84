"""Checkpoints of version 1, brought to the form of those that are written now."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kept_values import KeptArrays


def upgrade(told: dict[str, Any], now: dict[str, Any], data: dict[str, Any]) -> dict[str, np.ndarray]:
    """Change what a checkpoint of version 1 tells; return the arrays that it had as lists, the sums of metrics.

    Its states were in the order of the callbacks, with the names of their arrays in ``arrays``. Nothing is known of the
    first learning rate, and of the data what ``data`` says of those of ``now``, the identity of today's training.
    """
    identity, lists, states = told["identity"], KeptArrays(), []
    identity |= {name: now[name] for name, value in data.items() if identity.get(name) == value}
    identity["start"] = now["start"]
    for place, state in enumerate(told["callbacks"]):
        named = [[name, {"array": f"callbacks/{place}/{name}"}] for name in state.pop("arrays")]
        states.append({"dict": lists.keep(state, "state")["dict"] + named})
    names = identity["callbacks"]
    order = sorted(range(len(names)), key=names.__getitem__)
    identity["callbacks"], told["callbacks"] = [names[i] for i in order], [states[i] for i in order]
    if told["totals"] is not None:
        for sums in told["totals"]["metrics"]:
            sums |= {name: np.array(value) for name, value in sums.items() if isinstance(value, list)}
    told["totals"] = lists.keep(told["totals"], "sums")
    return lists
