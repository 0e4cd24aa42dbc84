"""What the README says can be done, can be done."""

import os
import re

import numpy as np
from processes import ROOT

import scratchcnn as sc

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_python_examples_run_one_after_the_other_and_their_network_learns(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert sorted(os.listdir()) == ["digits.npz", "learning_curve.png"]
    assert names["accuracy"] > 0.9
    assert names["probabilities"].shape == (1000, 10)
    np.testing.assert_allclose(names["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert np.isfinite(names["mean_loss"])
    assert "scale" in capsys.readouterr().out
    assert sc.gradcheck.check_layer(names["Scale"](), input_shape=(4, 5, 3)).raise_if_wrong()


def commands():
    return [command for block in blocks("sh") for line in block.splitlines() for command in line.split(" && ")]


def test_files_that_are_named_exist():
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    named = re.findall(r"`(?:python )?((?:scratchcnn|examples|tests|benchmarks|\.ci)/[^` ]+)", README)
    run = [command.split()[1] for command in commands() if ".py" in command]
    assert linked and named and run
    assert [name for name in (*linked, *named, *run) if not (ROOT / name).exists()] == []


def test_the_continuous_integration_runs_the_tests_by_the_command_given_here():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python -m pytest" in commands() and "python -m pip install -e '.[test]'" in commands()
    assert "python -m pytest " in run and "python -m pip install --quiet -e '.[test]'\n" in run
