"""The scripts in ``examples``: run as a user runs them, or within this process on a few digits and plain NumPy."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scratchcnn as sc
from support.processes import ROOT

TRAIN_MNIST, TRAIN_BY_HAND, TRAIN_RECIPE = (
    ROOT / "examples" / f"train_{name}.py" for name in ("mnist", "by_hand", "recipe")
)


def run_script(script: Path, folder: Path, *options: str, **environment: str) -> str:
    """Run a script in a folder, require success, and return what it printed."""
    done = subprocess.run(
        [sys.executable, script, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_here(script: Path, *options: str) -> dict[str, Any]:
    """Run a script in this process on 24 digits, without compiling anything, and return its names."""
    load_data = sc.data.load_data

    def few_digits(*arguments: str) -> Any:
        load_data(*arguments)  # looks for what the script asks for, and fails as always
        (x, y), _ = load_data("digits")
        return (x[:24], y[:24]), (x[24:36], y[24:36])

    with pytest.MonkeyPatch.context() as patch, sc.ops.using("reference"):
        patch.setattr(sc.data, "load_data", few_digits)
        patch.setattr(sys, "argv", [script.name, *options])
        return runpy.run_path(str(script), run_name="__main__")
