"""The first two scripts a reader opens: short, complete, and honest about what they could not do.

The faults are those of first pages: a script that hides what it is to show, an option that is accepted and ignored, a
fallback or a failure that comes late or without a word.
"""

import ast
import io
import re
import runpy
import sys

import pytest

import scratchcnn as sc
from support.example_scripts import TRAIN_BY_HAND, TRAIN_MNIST, run_here, run_script


def calls(script):
    """Return the names of the methods that a script calls itself."""
    nodes = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    return {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}


def test_the_training_script_has_at_most_45_lines_and_shows_compile_and_fit():
    assert len(TRAIN_MNIST.read_text(encoding="utf-8").splitlines()) <= 45
    assert {"Sequential", "compile", "fit", "evaluate", "predict", "save"} <= calls(TRAIN_MNIST)


def test_the_script_without_fit_has_at_most_40_lines_and_shows_the_loop():
    assert len(TRAIN_BY_HAND.read_text(encoding="utf-8").splitlines()) <= 40
    assert {"permutation", "forward", "backward", "step"} <= calls(TRAIN_BY_HAND)
    assert not {"compile", "fit", "evaluate", "predict", "train_step"} & calls(TRAIN_BY_HAND)


def test_a_short_run_learns_and_leaves_the_model_and_its_learning_curve(tmp_path):
    output = run_script(TRAIN_MNIST, tmp_path, "--data", "digits", "--epochs", "2", "--output", "results")
    assert "conv2d_1" in output and "total" in output
    assert "Epoch 2/2" in output and "Epoch 3" not in output and "Problem" not in output
    assert "What is the first test digit?" in output and "█" in output
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["learning_curve.png", "model.npz"]
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    model = sc.load_model(tmp_path / "results" / "model.npz")
    loss, accuracy = model.evaluate(*sc.data.load_data("digits")[1])
    assert f"Test loss {loss:.4f}, test accuracy {accuracy:.2%} on 1,000 images" in output
    assert accuracy > 0.8


@pytest.mark.slow
def test_the_default_run_on_the_bundled_digits_reaches_97_percent(tmp_path):
    output = run_script(TRAIN_MNIST, tmp_path, "--data", "digits")
    assert float(re.search(r"test accuracy (\d+\.\d+)%", output)[1]) >= 97.0
    assert "Problem" not in output


def test_epochs_and_seed_are_what_the_options_say(tmp_path):
    names = run_here(TRAIN_MNIST, "--data", "digits", "--epochs", "2", "--seed", "3", "--output", str(tmp_path))
    assert len(names["model"].history.epoch) == 2 and names["model"].seed == 3


def no_mnist(monkeypatch, folder):
    """Let MNIST be neither on this machine nor to be downloaded."""
    monkeypatch.delenv("SCRATCHCNN_DATA", raising=False)
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(folder))
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")  # where nobody listens


def test_without_mnist_the_bundled_digits_are_used_and_one_line_says_so(monkeypatch, capsys, tmp_path):
    no_mnist(monkeypatch, tmp_path)
    run_here(TRAIN_MNIST, "--epochs", "1", "--output", str(tmp_path))
    printed = capsys.readouterr().out.splitlines()
    assert "using the 5,000 bundled digits" in printed[0] and printed[1].startswith("layer ")


def test_mnist_that_was_asked_for_and_cannot_be_had_is_an_error(monkeypatch, tmp_path):
    no_mnist(monkeypatch, tmp_path)
    with pytest.raises(SystemExit, match="could not be loaded"):
        run_here(TRAIN_MNIST, "--data", "mnist", "--output", str(tmp_path))


REFUSED = {
    "--data mnst": "--data: invalid choice",
    "--epochs 0": "--epochs: must be at least 1, got 0",
    "--epochs -3": "--epochs: must be at least 1, got -3",
    "--epochs 1.5": "--epochs: must be an integer, got 1.5",
    "--seed -1": "--seed: must be at least 0, got -1",
    f"--output {TRAIN_MNIST}": "--output: cannot write there",
    "--recipe fast": "unrecognized arguments: --recipe fast",
}


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_mean_nothing_are_refused_before_any_work(monkeypatch, capsys, tmp_path, options):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sc.data, "load_data", lambda *arguments: pytest.fail("data were loaded"))
    with pytest.raises(SystemExit, match="2"):
        run_here(TRAIN_MNIST, *options.split())
    assert REFUSED[options] in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_the_script_ends_well_on_an_output_of_any_encoding(monkeypatch, tmp_path, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    run_here(TRAIN_MNIST, "--data", "digits", "--epochs", "1", "--output", str(tmp_path / "größer"))
    sys.stdout.flush()
    last = written.getvalue().decode(encoding).rpartition("and the model:\n\n")[2]
    bars = [line.split("  ", 2)[-1] for line in last.splitlines()]
    assert len(last.splitlines()) >= 10 and any(("█" if encoding == "utf-8" else "##") in bar for bar in bars)


def test_the_script_ends_well_without_any_output(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", None)
    run_here(TRAIN_MNIST, "--data", "digits", "--epochs", "1", "--output", str(tmp_path))
    assert (tmp_path / "model.npz").exists()


def test_the_loop_by_hand_reads_95_percent_with_the_very_weights_that_fit_gives(capsys):
    by_hand = runpy.run_path(str(TRAIN_BY_HAND))
    (printed,) = re.findall(r"Test accuracy (\d+\.\d+)% on 1,000 images", capsys.readouterr().out)
    assert float(printed) > 95.0

    by_fit = {}
    exec(TRAIN_BY_HAND.read_text(encoding="utf-8").partition("\nfor epoch")[0], by_fit)
    model, optimizer, loss = (by_fit[name] for name in ("model", "optimizer", "loss"))
    model.compile(optimizer, loss)
    (call,) = re.findall(r"``model\.(fit\(.+?\))``", by_fit["__doc__"])
    exec(f"model.{call}", by_fit)
    assert sc.recipes.checksum(model) == sc.recipes.checksum(by_hand["model"])
    assert f"{model.evaluate(by_fit['x_test'], by_fit['y_test'])[1]:.2%}" == f"{printed}%"
