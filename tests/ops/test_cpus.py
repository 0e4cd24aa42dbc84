"""Kernels are compiled for the CPU at hand, once: other CPUs, the cache on disk, and what the user is told of it."""

from __future__ import annotations

import os
import pickle
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.marks import without_numba
from support.processes import ROOT, TESTS, run_python

pytestmark = without_numba

# A little training; what is compiled, and that alone, is announced on standard error.
TRAINING = """
import sys
import numpy as np
import scratchcnn as sc

images, labels = np.zeros((4, 28, 28, 1), np.uint8), np.arange(4)
layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, int(sys.argv[1]), strides=2), sc.Flatten(), sc.Dense(10)]
model = sc.Sequential(layers, input_shape=(28, 28, 1))
model.compile()
for _ in range(2):
    model.fit(images, labels, verbose=2)
model.evaluate(images, labels)
model.predict(images)
"""


def announcements(kernel_size: int, **environment: str) -> list[str]:
    return run_python(TRAINING, str(kernel_size), **environment).stderr.splitlines()


def is_announcement(lines: list[str]) -> bool:
    """Return whether compilation is announced, with its seconds; once more where a later step needs a kernel."""
    starts, ends = lines[::2], lines[1::2]
    return (
        0 < len(starts) == len(ends) <= 3
        and all(line.startswith("Compiling kernels") for line in starts)
        and all(re.fullmatch(r"Compiled in \d+\.\d s\.", line) for line in ends)
    )


def variants_in(index: Path) -> int:
    """Return how many compiled variants of a function one index of numba's cache lists."""
    with open(index, "rb") as file:
        pickle.load(file)  # numba's version
        _, variants = pickle.load(file)
    return len(variants)


def test_what_is_compiled_is_announced_and_loaded_from_disk_by_the_next_process(tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert is_announcement(announcements(3, **environment))
    assert announcements(3, **environment) == []
    # The tile of a convolution's gradient suits its kernel.
    assert is_announcement(announcements(5, **environment))
    assert announcements(5, **environment) == []
    # numba gives the variants of a function one index. Two processes that compile at once, each another variant, could
    # write their code under one name, and the next one would run the wrong one.
    assert {index.name: variants_in(index) for index in tmp_path.rglob("*.nbi") if variants_in(index) != 1} == {}


@pytest.mark.slow
def test_where_no_folder_can_be_written_to_kernels_are_compiled_each_time(tmp_path):
    # A file stands where each folder would be made; root, too, cannot make a folder there.
    package, obstacle = tmp_path / "package", tmp_path / "file"
    shutil.copytree(ROOT / "scratchcnn", package / "scratchcnn", ignore=shutil.ignore_patterns("__pycache__"))
    kernels = package / "scratchcnn" / "ops" / "jit"
    folders = [kernels, *(folder for folder in kernels.rglob("*") if folder.is_dir())]
    for place in (obstacle, *(folder / "__pycache__" for folder in folders)):
        place.touch()
    nowhere = str(obstacle / "below")
    environment = dict.fromkeys(["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "MPLCONFIGDIR"], nowhere)
    for _ in range(2):
        done = run_python(TRAINING, "4", package=package, PYTHONDONTWRITEBYTECODE="1", **environment)
        lines = done.stderr.splitlines()
        told = "They could not be kept on disk: name a folder that can be written to in NUMBA_CACHE_DIR."
        assert lines[2] == told
        assert is_announcement([line for line in lines if line != told])
    assert not list(package.rglob("*.nb*"))


# A network so small that no kernel of it wakes a second thread, and one with a kernel that does.
ANSWERS = """
import sys
import numpy as np
import scratchcnn as sc

if "large" in sys.argv:
    sc.ops.relu_forward(np.ones(100_000, np.float32), out=np.empty(100_000, np.float32))
else:
    model = sc.Sequential([sc.Flatten(), sc.Dense(2)], input_shape=(2, 2, 1))
    for _ in range(3):
        model.predict(np.zeros((1, 2, 2, 1), np.float32))
print("answered")
"""


def test_a_recording_is_played_whichever_process_has_compiled_its_parts(tmp_path):
    # First the loop over slices is compiled alone, then what calls it; then both come from the cache.
    for network in ("large", "small", "small"):
        done = run_python(ANSWERS, network, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2")
        assert done.stdout == "answered\n"


# Its kernel calls a function of another file, ``copy_image``, which calls one of tile.py, ``copy_run``.
POOL = """
import numpy as np
from scratchcnn.ops import Window, jit

x, y, index = np.ones((1, 4, 4, 1)), np.zeros((1, 2, 2, 1)), np.empty((1, 2, 2, 1), np.uint8)
window = Window(size=(1, 1), strides=(1, 1), padding=(0, 0), image=(4, 4), output=(4, 4))
pool = Window(size=(2, 2), strides=(2, 2), padding=(0, 0), image=(4, 4), output=(2, 2))
jit.conv_relu_pool_forward(x, np.ones((1, 1, 1, 1)), np.zeros(1), window, pool, out=(y, index))
print(y.ravel().tolist())
"""


@pytest.mark.slow
def test_no_kernel_is_loaded_that_was_compiled_with_another_version_of_any_file(tmp_path):
    package, cache = tmp_path / "package", str(tmp_path / "cache")
    shutil.copytree(ROOT / "scratchcnn", package / "scratchcnn", ignore=shutil.ignore_patterns("__pycache__"))
    assert run_python(POOL, package=package, NUMBA_CACHE_DIR=cache).stdout == "[1.0, 1.0, 1.0, 1.0]\n"
    tile = package / "scratchcnn" / "ops" / "jit" / "machine" / "tile.py"
    source = tile.read_text()
    copy = source.index("def copy_run")
    # Nothing is copied, and what is read is left over.
    changed = source[copy:].replace("bytes_of(source.dtype)", "0", 1)
    assert changed != source[copy:]
    tile.write_text(source[:copy] + changed)
    assert run_python(POOL, package=package, NUMBA_CACHE_DIR=cache).stdout != "[1.0, 1.0, 1.0, 1.0]\n"


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["generic", "haswell"])
def test_the_kernels_for_other_cpus_are_right(cpu, tmp_path):
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("a test of x86 CPUs")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
    names = "ops/test_jit_ops.py", "ops/test_jit_convolution.py", "ops/test_jit_edges.py", "fusion/test_fusion.py"
    done = subprocess.run(
        [*command, *(TESTS / name for name in names)],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CPU_NAME": cpu, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["haswell", "nocona"])
def test_an_answer_does_not_depend_on_its_batch_on_other_cpus(cpu, tmp_path):
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("a test of x86 CPUs")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "-m", "slow or not slow"]
    done = subprocess.run(
        [*command, "-k", "not float64", TESTS / "layers/test_invariance.py"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CPU_NAME": cpu, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "registers"),
    [
        ("generic", (16, 16)),
        ("x86-64-v2", (16, 16)),
        ("nehalem", (16, 16)),
        ("haswell", (16, 32)),
        ("skylake", (16, 32)),
        ("znver3", (16, 32)),
        ("skylake-avx512", (32, 64)),
        ("znver4", (32, 64)),
        ("apple-m1", (32, 16)),
    ],
)
def test_tiles_follow_the_cpu_that_is_compiled_for(name, registers, monkeypatch):
    from scratchcnn.ops.jit.machine import registers as cpu

    monkeypatch.setattr(cpu.config, "CPU_NAME", name)
    monkeypatch.setattr(platform, "machine", lambda: "arm64" if name == "apple-m1" else "x86_64")
    assert tuple(cpu.registers.__wrapped__()) == registers


def test_a_change_in_any_file_of_the_kernels_makes_numba_compile_them_anew(tmp_path, monkeypatch):
    # The fingerprint is part of each kernel's name, and so of what numba looks for on disk.
    from scratchcnn.ops.jit.runtime import cache, compile

    copy = tmp_path / "jit"
    shutil.copytree(Path(cache.__file__).parents[1], copy, ignore=shutil.ignore_patterns("__pycache__"))
    seen = {cache.FINGERPRINT, cache.fingerprint(copy)}
    assert len(seen) == 1
    files = sorted(copy.rglob("*.py"))
    assert {"compile.py", "tile.py", "direct.py", "pool.py"} <= {file.name for file in files}
    for file in files:
        file.write_text(file.read_text() + "# changed\n")
        seen.add(cache.fingerprint(copy))
    assert len(seen) == 1 + len(files)
    names = set()
    monkeypatch.setattr(compile, "cached", lambda compiler, function: SimpleNamespace(address=function.__qualname__))
    for state in ("before", "after"):
        monkeypatch.setattr(compile, "FINGERPRINT", state)

        def nothing(chunk, chunks, dims, pointers):
            pass

        names.add(compile.compiled(nothing))
    assert len(names) == 2
