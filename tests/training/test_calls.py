"""From ``fit`` to the arithmetic: the calls are those that ops/README.md lists, and no more."""

import re
import traceback

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support.marks import without_numba
from support.processes import ROOT
from support.small_networks import some_digits

WRAPPERS = {"alone", "replay", "locked", "checking", "filling"}  # of decorators: one may skip them while reading


def calls_until(patch, name, module, fuse):
    """Return the functions of the package from ``fit`` to the first call of a function, in the first batch.

    The dry run before it, in which nothing is computed, does not count.
    """
    stacks = []
    original = getattr(module, name)

    def noted(*arguments, **named):
        stacks.append([frame for frame in traceback.extract_stack() if "/scratchcnn/" in frame.filename])
        return original(*arguments, **named)

    patch.setattr(module, name, noted)
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), fuse=fuse)
    model.compile()
    model.fit(*some_digits(8), batch_size=8, verbose=0)
    names = [[frame.name for frame in stack] for stack in stacks]
    calls = next(c for c in names if any("conv" in call for call in c) and "compile_ahead" not in c)
    return [call for call in calls[calls.index("fit") :] if call not in WRAPPERS]


def listed(title):
    """Return the functions of a numbered list in the reading guide."""
    text = (ROOT / "scratchcnn" / "ops" / "README.md").read_text(encoding="utf-8")
    section = text[text.index(title) :].split("\n\n")[1]
    return re.findall(r"^\d+\. `(?:\w+\.)*(\w+)`", section, re.M)


def test_calls_of_the_reference(monkeypatch):
    with ops.using("reference"):
        calls = calls_until(monkeypatch, "tensordot", np, fuse=False)
    assert [*calls, "tensordot"] == listed("On the reference")
    assert len(calls) <= 7


@without_numba
@pytest.mark.skipif(ops.backend() != "jit", reason="of the compiled operations")
def test_calls_of_the_compiled_operations(monkeypatch):
    from scratchcnn.ops.jit.convolution import few_filters, pooled

    for module in (few_filters, pooled):
        with monkeypatch.context() as patch:
            try:
                calls = calls_until(patch, "run", module, fuse=True)
            except StopIteration:
                continue  # on this CPU it is the other algorithm
    expected = listed("On the compiled path")
    algorithms = {"convolve_pooled", "convolve_few_filters"}
    after = expected[expected.index("run") :]
    assert [call if call not in algorithms else "convolve_pooled" for call in calls] == expected[: -len(after)]
    assert len(expected) - 1 <= 10
