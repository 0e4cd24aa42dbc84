"""The course of a check, for a layer, a loss and a model alike: history first, then elements, then larger batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compare import Probe, along_a_direction, compare, single_precision
from .comparison import Comparison
from .history import Batch, examine
from .inputs import larger_batches, within
from .numerical import Objective
from .report import Report
from .subjects import ContractError, Gradients, LayerSubject, NetworkSubject, Subject
from .unregistered import unregistered_parameters


def check(
    report: Report,
    fresh: Subject,
    used: Subject,
    x: np.ndarray,
    targets: Any,
    other_targets: Callable[[np.ndarray], Any],
    samples: int,
    rng: np.random.Generator,
    many: int = 0,
) -> Report:
    """Fill the report. ``other_targets`` gives targets for other batches, ``many`` says how large some must be."""

    def other_batch(count: int) -> Batch:
        others = within(x, count, rng)
        return others, other_targets(others)

    gradients, report.faults = examine(fresh, used, (x, targets), other_batch)
    probes = _probes(fresh, x, targets, gradients, report.tolerance)
    # Into a network's images by itself: those of pixels from 0 to 255 are far smaller than any other derivatives.
    groups = [probes[:1], probes[1:]] if isinstance(fresh, NetworkSubject) else [probes]
    for group in groups:
        report.add(compare(group, samples, rng))
    if many and not report.faults:
        for width, larger in larger_batches(x.shape, many, rng):
            report.elsewhere.extend(_along_directions(fresh, width, larger, other_targets, probes, rng))
    report.faults[:0] = unregistered_parameters(used, (x, targets), other_batch(len(x) + 1))
    return _explained(report, probes)


def _probes(subject: Subject, x: np.ndarray, targets: Any, gradients: Gradients, tolerance: float) -> list[Probe]:
    """Return the input and all parameters, with their gradients."""
    weights = targets if isinstance(subject, LayerSubject) else np.ones(1)
    objective = Objective(lambda: subject.outputs(x, targets), weights)
    arrays = {subject.input_name: x, **{key: parameter for key, (parameter, _) in subject.arrays.items()}}
    if gradients[subject.input_name] is None and subject.looks_up(x, targets):
        gradients = {**gradients, subject.input_name: np.zeros_like(x)}
    return [Probe(*key, array, gradients[key], objective, tolerance) for key, array in arrays.items()]


def _explained(report: Report, probes: list[Probe]) -> Report:
    """Return the report; if something is wrong, say so where single precision is the reason."""
    if report.wrong and (reason := single_precision(probes)):
        report.faults.append(reason)
    return report


def _along_directions(
    subject: Subject,
    width: float,
    x: np.ndarray,
    targets_of: Callable[[np.ndarray], Any],
    known: list[Probe],
    rng: np.random.Generator,
) -> list[Comparison]:
    """Compare along one random direction of each array, for other inputs than those at which elements were compared."""
    comparisons = []
    try:
        with np.errstate(all="ignore"):
            targets = targets_of(x)
            outputs, gradients = subject.run(x, targets)
            if not np.isfinite(outputs).all():
                return []
            for probe, at_first in zip(_probes(subject, x, targets, gradients, known[0].tolerance), known, strict=True):
                probe.scale = max(at_first.scale, probe.rounding())
                comparison = Comparison(probe.layer, probe.name, probe.array.shape)
                comparison.where = f" of {len(x)} inputs from {-width:g} to {width:g}"
                comparison.projected = along_a_direction(comparison, probe, np.arange(probe.array.size), rng)
                comparisons.append(comparison)
    except ContractError:
        raise
    except Exception:  # these inputs are beyond the domain of the layer, and it says so
        return []
    return comparisons
