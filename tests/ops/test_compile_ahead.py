"""Kernels are compiled ahead by several processes, into the cache on disk, and nothing else changes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import scratchcnn as sc
from support.marks import without_numba
from support.processes import ROOT
from support.small_networks import some_digits

pytestmark = without_numba

PROGRAM = """
import sys
import scratchcnn as sc
import scratchcnn.ops.jit
from numba.core.ccallback import CFunc
from scratchcnn.ops.jit.runtime import ahead, cpus

ahead.most_threads = lambda: int(sys.argv[1])
ahead.WORKER = sys.argv[2] or ahead.WORKER
here = []
compiling = CFunc._compile_uncached
CFunc._compile_uncached = lambda self: here.append(self._pyfunc.__qualname__) or compiling(self)

(x, y), _ = sc.data.load_data("digits")
layers = [sc.Rescaling(1 / 255), sc.MaxPool2D(4), sc.Flatten(), sc.Dropout(0.1), sc.Dense(16), sc.ReLU(), sc.Dense(10)]
model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=1)
model.compile(sc.Adam(0.01))
model.fit(x[:64], y[:64], epochs=2, verbose=0)
print(len(here), sc.recipes.checksum(model))
"""
GIVES_UP = "import sys, pathlib; (pathlib.Path(sys.argv[1]) / '7').touch(exist_ok=False); sys.exit('cannot compile')"


def run(cache, threads, worker=""):
    """Return how many kernels the process has compiled itself, and the weights that it came to."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(cache)}
    variables.pop("SCRATCHCNN_BACKEND", None)
    command = [sys.executable, "-c", PROGRAM, str(threads), worker]
    compiled, weights = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=True
    ).stdout.split()
    return int(compiled), weights


@pytest.mark.slow
def test_workers_compile_a_part_into_the_cache_and_the_weights_are_the_same(tmp_path):
    alone, weights = run(tmp_path / "alone", 1)
    with_help, the_same = run(tmp_path / "helped", 2)
    assert 0 < with_help < alone and the_same == weights
    assert run(tmp_path / "helped", 2) == (0, weights)  # all of them are on disk now
    assert run(tmp_path / "given up", 2, GIVES_UP) == (alone, weights)  # what a worker had begun, too


def test_a_dry_run_runs_no_kernel_and_draws_no_random_number():
    from scratchcnn.ops.jit.runtime.compile import dry_run
    from scratchcnn.training.step import compute_gradients

    x, y = some_digits(8)
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=0)
    model.compile()
    with sc.ops.using("jit"):
        model.train_on_batch(x, y)
        parameters, gradients, state = (
            model.parameters.copy(),
            model.gradients.copy(),
            model.layers[2].rng.bit_generator.state,
        )
        with dry_run() as missing:
            compute_gradients.__wrapped__(model, x, y)
            model.optimizer.step(model.parameters, model.gradients)
        assert missing == []  # all are loaded
        assert np.array_equal(model.parameters, parameters) and np.array_equal(model.gradients, gradients)
        assert model.layers[2].rng.bit_generator.state == state


def test_what_is_not_known_to_be_kernels_alone_is_not_called_twice(monkeypatch):
    calls = []

    class Own(sc.Layer):
        def build(self, input_shape, rng):
            return self.set_shapes(input_shape, input_shape)

        def forward(self, x, training=False):
            calls.append(training)
            return self.as_input(x)

        def backward(self, dy):
            return self.as_gradient(dy)

    x, y = some_digits(8)
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), Own(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile()
    with sc.ops.using("jit"):
        model.fit(x, y, batch_size=8, verbose=0)
    assert calls == [True]
