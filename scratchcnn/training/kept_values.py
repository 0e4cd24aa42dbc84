"""Values in a checkpoint: as JSON beside arrays, from which they come back as they were, or an error beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..callbacks.callback_list import CallbackList
from ..checks.messages import shown
from .totals import Totals


class KeptArrays(dict[str, np.ndarray]):
    """The arrays that were met in the values kept so far, by the names under which they are in the checkpoint."""

    def keep(self, value: Any, where: str) -> Any:
        """Return a value as JSON; ``where`` is what an error calls it.

        Numbers, texts, None and lists stand for themselves; all else is a dictionary that says what it is.

        Raises
        ------
        ValueError
            If the value, or one inside it, would not come back as it was.
        """
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self.keep(item, f"{where}[{place}]") for place, item in enumerate(value)]
        if type(value) is tuple:
            return {"tuple": self.keep(list(value), where)}
        if type(value) is dict:
            return {"dict": [[self.keep(k, where), self.keep(v, f"{where}[{shown(k, 60)}]")] for k, v in value.items()]}
        if isinstance(value, np.generic) and value.dtype.kind in "biufU" and value.dtype != np.longdouble:
            return {"number": value.item(), "dtype": value.dtype.str}
        if type(value) is np.ndarray and value.dtype.kind in "biufcSUmM":
            name = f"kept/{len(self)}"
            self[name] = value
            return {"array": name}
        raise ValueError(
            f"{where} is {shown(value, 100)}, of type {type(value).__name__}, and a checkpoint keeps None, numbers, "
            "texts, NumPy arrays, and lists, tuples and dictionaries of these; make one of them of it"
        )


def taken_out(kept: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return the value that was kept."""
    if isinstance(kept, list):
        return [taken_out(item, arrays) for item in kept]
    if not isinstance(kept, dict):
        return kept
    if "tuple" in kept:
        return tuple(taken_out(kept["tuple"], arrays))
    if "dict" in kept:
        return {taken_out(key, arrays): taken_out(item, arrays) for key, item in kept["dict"]}
    if "number" in kept:
        return np.dtype(kept["dtype"]).type(kept["number"])
    return arrays[kept["array"]]


def remembered(hooks: CallbackList, totals: Totals | None) -> tuple[dict[str, Any], KeptArrays]:
    """Return what callbacks remember, and the sums of an epoch that is not done, as JSON and its arrays."""
    arrays, states = KeptArrays(), []
    for name, state in zip(hooks.stateful_names, hooks.get_states(), strict=True):
        if not isinstance(state, dict):
            raise ValueError(f"get_state of {name} must return a dictionary, got {shown(state)}; for nothing, {{}}")
        states.append(arrays.keep(dict(state), f"what get_state of {name} returns: state"))
    where = "what checkpoint_freq (which may be left out) keeps of an epoch: sums"
    sums = None if totals is None else arrays.keep(totals.get_state(), where)
    return {"callbacks": states, "totals": sums}, arrays
