"""What the README says can be done, can be done, and does what it says: code that runs to its end may do nothing."""

import copy
import os
import re

import numpy as np
import pytest

import scratchcnn as sc
from support.processes import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_python_examples_run_one_after_the_other_and_their_network_learns(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert sorted(os.listdir()) == ["digits.npz", "learning_curve.png", "run"] and os.listdir("run") == [
        "checkpoint.npz"
    ]
    assert names["accuracy"] > 0.9
    assert "uint8 (4000, 28, 28) and (4000,)" in README and "float32 (1000, 10), each row sums to 1" in README
    assert (names["x_train"].dtype, names["x_train"].shape) == (np.uint8, (4000, 28, 28))
    assert (names["y_train"].dtype, names["y_train"].shape) == (np.uint8, (4000,))
    assert (names["probabilities"].dtype, names["probabilities"].shape) == (np.float32, (1000, 10))
    assert len(names["history"].epoch) == 5 and "val_accuracy" in names["history"].history
    assert names["history"].problems == []
    np.testing.assert_allclose(names["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert np.isfinite(names["mean_loss"])
    assert "scale" in capsys.readouterr().out
    assert sc.gradcheck.check_layer(names["Scale"](), input_shape=(4, 5, 3)).raise_if_wrong()


@pytest.fixture(scope="module")
def trained():
    """Return the names that the README's first example defines, with fewer digits and in less time."""
    names = {}
    block = next(block for block in blocks("python") if "model.fit" in block)
    training = block[: block.index("model.summary")] + "model.compile()"
    exec(compile(training, "README.md", "exec"), names)
    return {**names, "x_train": names["x_train"][:300], "y_train": names["y_train"][:300]}


def weights_after_its_loop(trained, optimizer):
    """Return the weights that the README's own loop gives, with another optimizer in place of its SGD."""
    (block,) = [block for block in blocks("python") if "optimizer.step" in block]
    assert block.count("sc.SGD(0.05, momentum=0.9)") == 1
    names = {**trained, "model": copy.deepcopy(trained["model"]), "asked_for": optimizer}
    exec(compile(block.replace("sc.SGD(0.05, momentum=0.9)", "asked_for"), "README.md", "exec"), names)
    return [array.tobytes() for array in names["model"].get_weights()]


@pytest.mark.parametrize(
    "make",
    [
        lambda: sc.SGD(0.05, momentum=0.9),
        lambda: sc.SGD(0.05),
        lambda: sc.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda: sc.Adam(sc.schedules.OneCycle(0.01, steps=6), global_clipnorm=1.0),
        lambda: sc.AdamW(2e-3, weight_decay=0.1),
    ],
    ids=lambda make: repr(make()),
)
def test_the_loop_of_ones_own_gives_the_weights_that_fit_gives(trained, make):
    model = copy.deepcopy(trained["model"])
    model.compile(make(), sc.SoftmaxCrossEntropy())
    (call,) = re.findall(r"`fit\((.*)\)`", README)
    exec(f"model.fit({call}, verbose=0)", {**trained, "model": model})
    assert weights_after_its_loop(trained, make()) == [array.tobytes() for array in model.get_weights()]


def test_the_momentum_of_the_loop_of_ones_own_acts(trained):
    with_momentum = weights_after_its_loop(trained, sc.SGD(0.05, momentum=0.9))
    assert with_momentum != weights_after_its_loop(trained, sc.SGD(0.05))


def commands():
    return [command for block in blocks("sh") for line in block.splitlines() for command in line.split(" && ")]


def test_files_that_are_named_exist():
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    named = re.findall(r"`(?:python )?((?:scratchcnn|examples|tests|benchmarks|\.ci)/[^` ]+)", README)
    run = [command.split()[1] for command in commands() if ".py" in command]
    assert linked and named and run
    assert [name for name in (*linked, *named, *run) if not (ROOT / name).exists()] == []


OPS = ROOT / "scratchcnn" / "ops"
TOUR = (OPS / "README.md").read_text(encoding="utf-8")


def test_files_and_links_of_the_tour_of_the_operations_exist():
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", TOUR)
    named = re.findall(r"`((?:jit|reference)/[^`]+)`", TOUR)
    assert linked and len(named) > 10
    assert [name for name in linked if not (OPS / name).exists()] == []
    assert [name for name in named if not list(OPS.glob(name))] == []
    (command,) = re.findall(r"^python (\S+\.py)", TOUR, re.MULTILINE)
    assert (ROOT / command).exists()


def test_functions_of_the_tour_are_in_the_files_it_names_them_with():
    order = TOUR[TOUR.index("## A reading order") :]
    for stop in re.findall(r"^\d\. .*?(?=^\d\. |^$)", order, re.DOTALL | re.MULTILINE):
        sources = "".join((OPS / name).read_text(encoding="utf-8") for name in re.findall(r"`(jit/\S+\.py)`", stop))
        missing = [name for name in re.findall(r"`([a-z_]+)`", stop) if f"def {name}(" not in sources]
        assert missing == [], stop


def test_the_table_of_the_tour_has_all_versions_and_none_above_the_peak():
    rows = re.findall(r"^\| (\d) \|.*\| +([\d.]+) % \|$", TOUR, re.MULTILINE)
    assert [number for number, _ in rows] == list("12345678")
    assert all(0 < float(share) < 100 for _, share in rows)


def test_the_continuous_integration_runs_the_tests_by_the_command_given_here():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python -m pytest" in commands() and "python -m pip install -e '.[test]'" in commands()
    assert "python -m pytest " in run and "python -m pip install --quiet -e '.[test]'\n" in run


def own_layer(source_of_change=""):
    """Return the class of the README's own layer, perhaps with a line of its backward changed."""
    (block,) = [block for block in blocks("python") if "class Scale" in block]
    right, wrong = source_of_change or ("", "")
    assert right in block
    names = {"sc": sc}
    exec(compile(block.replace(right, wrong) if right else block, "README.md", "exec"), names)
    return names["Scale"]


def test_the_report_on_the_own_layer_says_right(capsys):
    with sc.ops.using("reference"):
        Scale = own_layer()
        assert sc.gradcheck.check_layer(Scale(), input_shape=(4, 5, 3)).passed
    printed = capsys.readouterr().out
    assert "scale" in printed and "right" in printed and "wrong" not in printed.lower()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("sum(axis=(0, 1, 2))", "mean(axis=(0, 1, 2))"),
        ('return self.params["scale"] * dy', "return dy"),
        ("(self._x * dy).sum", "dy.sum"),
    ],
)
def test_the_report_on_a_wrong_version_of_the_own_layer_says_wrong(capsys, right, wrong):
    with sc.ops.using("reference"):
        own_layer((right, wrong))
    printed = capsys.readouterr().out
    assert "WRONG" in printed or "wrong" in printed


def test_the_own_layer_learns_in_a_model():
    with sc.ops.using("reference"):
        Scale = own_layer()
        model = sc.Sequential([Scale(), sc.Flatten(), sc.Dense(10)], input_shape=(7, 7, 3), seed=1)
        model.compile(sc.SGD(0.1))
        images, labels = np.random.default_rng(0).normal(size=(40, 7, 7, 3)).astype(np.float32), np.arange(40) % 10
        before = model.layers[0].params["scale"].copy()
        losses = model.fit(images, labels, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert (np.abs(model.layers[0].params["scale"] - before) > 1e-3).all()


def test_the_same_bits_are_not_promised_on_every_cpu():
    flat = " ".join(README.split())
    assert "same bits, on any number of threads, and after an interruption. That holds on CPUs with vectors of" in flat


def test_the_calls_from_fit_to_the_arithmetic_are_in_the_files_named_with_them():
    calls = re.findall(r"^\d+\. `(\w+)`.*? in `(\S+\.py)`", TOUR, re.MULTILINE)
    assert len(calls) == 16
    for name, file in calls:
        assert f"def {name}(" in (ROOT / "scratchcnn" / file).read_text(encoding="utf-8"), (name, file)
