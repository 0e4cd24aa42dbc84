"""Targets for a loss that nobody gave any for. Letters: N batch, K classes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..losses import Loss
from ..losses.use import as_targets


def targets_for(loss: Loss, y: Any, logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return targets in the form that a loss wants: of those given or, where y is None, random ones.

    Class numbers (N,) or, for a loss that refuses them, real numbers of the shape of the logits.
    """
    if y is not None:
        return as_targets(loss, y, len(logits), logits.shape[1:], np.dtype(np.float64))
    binary = logits.shape[-1] == 1
    classes = rng.integers(0, max(logits.shape[-1], 1), len(logits))
    numbers = rng.integers(0, 2, logits.shape).astype(np.float64) if binary else rng.random(logits.shape)
    reasons = []
    for candidate in (numbers, classes) if binary or logits.ndim != 2 else (classes, numbers):
        try:
            targets = targets_for(loss, candidate, logits, rng)
            copy.deepcopy(loss).forward(logits.copy(), targets.copy())
            return targets
        except Exception as error:  # whatever a loss raises of targets that are not for it
            reasons.append(f"{candidate.dtype} of shape {candidate.shape} ({type(error).__name__}: {error})")
    raise ValueError(f"{shown(loss)} takes neither {' nor '.join(reasons)}; pass targets of its own: labels=...")


def rows(targets: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return targets for ``count`` samples: rows of these, drawn at random."""
    return targets[rng.integers(0, len(targets), count)]
