"""examples/train_mnist.py: the first page of the book runs as it stands, and no option is accepted and ignored."""

import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import scratchcnn as sc

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "train_mnist.py"


def run_example(folder, *arguments, **environment):
    """Run the example in an empty folder and return what it printed."""
    done = subprocess.run(
        [sys.executable, EXAMPLE, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_fits_on_a_few_screens():
    assert len(EXAMPLE.read_text().splitlines()) < 130


def test_a_short_run_shows_the_network_learns_and_leaves_model_history_and_curves(tmp_path):
    output = run_example(tmp_path, "--data", "digits", "--model", "lenet5", "--epochs", "2", "--output", "results")
    assert "Data: digits, 4,000 training and 1,000 test images." in output
    assert "conv2d_1" in output and "total" in output
    assert "Epoch 2/2" in output
    assert "What is the first test digit?" in output and "█" in output
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [
        "history.csv",
        "learning_curve.png",
        "model.npz",
    ]
    model = sc.load_model(tmp_path / "results" / "model.npz")
    loss, accuracy = model.evaluate(*sc.data.load_data("digits")[1])
    assert f"Test loss {loss:.4f}, test accuracy {accuracy:.2%} on 1,000 images" in output
    assert accuracy > 0.8
    assert len((tmp_path / "results" / "history.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_the_default_run_on_the_bundled_digits_reaches_97_percent(tmp_path):
    output = run_example(tmp_path, "--data", "digits")
    accuracy = float(re.search(r"test accuracy (\d+\.\d+)%", output)[1])
    assert accuracy >= 97.0


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    return importlib.import_module("train_mnist")


def test_without_mnist_the_bundled_digits_are_used_and_that_is_said(example, monkeypatch, capsys):
    load_data = sc.data.load_data

    def no_mnist(name, data_dir=None):
        if name == "mnist":
            raise sc.data.DataUnavailableError("no network")
        return load_data(name, data_dir)

    monkeypatch.setattr(sc.data, "load_data", no_mnist)
    (train, test), name = example.load("auto", None)
    assert (len(train[0]), len(test[0]), name) == (4000, 1000, "digits")
    assert "using the 5,000 bundled digits" in capsys.readouterr().out
    with pytest.raises(sc.data.DataUnavailableError):
        example.load("mnist", None)


@pytest.mark.parametrize("model", ["keras", "lenet5"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_network_and_optimizer_of_the_example_learns(example, model, optimizer):
    network = sc.Sequential(example.MODELS[model](10), input_shape=(28, 28, 1))
    network.compile(example.OPTIMIZERS[optimizer](0.05 if optimizer == "sgd" else 0.005))
    images, labels = (array[:64] for array in sc.data.load_data("digits")[0])
    losses = network.fit(images, labels, epochs=10, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert np.isfinite(network.parameters).all()


REFUSED = {
    "--recipe fast --epochs 3": "--epochs would be ignored beside --recipe",
    "--recipe fast --model keras": "--model would be ignored beside --recipe",
    "--recipe fast --batch-size 128": "--batch-size would be ignored beside --recipe",
    "--recipe fast --optimizer adam --learning-rate 1": "--optimizer, --learning-rate would be ignored beside",
    "--data digits --data-dir .": "--data-dir would be ignored",
    "--epochs 0": "--epochs: must be at least 1, got 0",
    "--epochs -3": "--epochs: must be at least 1, got -3",
    "--epochs 1.5": "--epochs: must be an integer, got 1.5",
    "--batch-size 0": "--batch-size: must be at least 1, got 0",
    "--learning-rate 0": "--learning-rate: must be above 0 and finite, got 0",
    "--learning-rate nan": "--learning-rate: must be above 0 and finite, got nan",
    "--learning-rate inf": "--learning-rate: must be above 0 and finite, got inf",
    "--ensemble 0": "--ensemble: must be at least 1, got 0",
    "--ensemble -2": "--ensemble: must be at least 1, got -2",
    "--seed -1": "--seed: must be at least 0, got -1",
    f"--output {EXAMPLE}": "--output: cannot write there",
}


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_would_be_ignored_or_mean_nothing_are_refused_before_any_work(
    example, monkeypatch, capsys, tmp_path, options
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train_mnist.py", *options.split()])
    monkeypatch.setattr(sc.data, "load_data", None)  # not called
    with pytest.raises(SystemExit, match="2"):
        example.main()
    assert REFUSED[options] in capsys.readouterr().err


def test_a_folder_of_data_that_is_named_is_the_only_place_to_look(example, tmp_path):
    with pytest.raises(sc.data.DataUnavailableError, match="data_dir"):
        example.load("auto", str(tmp_path))


def run_in_process(example, monkeypatch, folder, *options):
    """Run the example on few digits, without compiling anything."""
    (x, y), _ = sc.data.load_data("digits")
    monkeypatch.setattr(sc.data, "load_data", lambda name, data_dir=None: ((x[:60], y[:60]), (x[60:90], y[60:90])))
    monkeypatch.setattr(
        sys, "argv", ["train_mnist.py", "--data", "digits", "--model", "lenet5", "--output", str(folder), *options]
    )
    with sc.ops.using("reference"):
        example.main()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_the_example_ends_well_on_an_output_of_any_encoding(example, monkeypatch, tmp_path, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    run_in_process(example, monkeypatch, tmp_path / "größer", "--epochs", "1")
    sys.stdout.flush()
    last = written.getvalue().decode(encoding).rpartition("and the model:\n\n")[2]
    bars = [line.split("  ", 2)[-1] for line in last.splitlines()]
    assert len(last.splitlines()) >= 10 and any(("█" if encoding == "utf-8" else "##") in bar for bar in bars)


def test_the_example_ends_well_without_any_output(example, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", None)
    run_in_process(example, monkeypatch, tmp_path, "--epochs", "1")
    assert (tmp_path / "model.npz").exists()
