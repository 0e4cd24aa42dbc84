"""benchmarks/bench_accuracy.py: what is listed is what the recipe, followed by anybody else, comes to."""

import importlib
from unittest.mock import ANY

import pytest

import scratchcnn as sc
from scratchcnn.recipes import RECIPES, checksum
from support.processes import ROOT


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    program = importlib.import_module("bench_accuracy")
    digits = sc.data.load_data("digits")
    monkeypatch.setattr(sc.data, "load_data", lambda name, data_dir=None: digits)
    return program


@pytest.fixture
def run(program, tmp_path):
    folders = ["--output", str(tmp_path), "--models", str(tmp_path / "models"), "--threads", "1"]

    def run(*arguments):
        program.main([*folders, *([] if "--together" in arguments else ["--recipes", "fast"]), *arguments])
        return program.read(tmp_path / "accuracy.csv")

    return run


def test_a_row_lists_what_the_recipe_comes_to(run, tmp_path):
    (row,) = run("--seeds", "1", "--first-seed", "3")
    train, test = sc.data.load_data("digits")
    model = sc.Sequential(RECIPES["fast"].network(10), input_shape=(28, 28, 1), seed=3)
    RECIPES["fast"].train(model, *train, verbose=0)
    assert row["checksum"] == checksum(model) == checksum(sc.load_model(tmp_path / "models" / "mnist-fast-3.npz"))
    assert row["accuracy"] == f"{model.evaluate(*test)[1]:.4f}"
    assert (row["data"], row["recipe"], row["seed"], row["parameters"]) == ("mnist", "fast", "3", "56970")


def test_rows_are_added_to_those_of_earlier_runs_and_sorted(run, tmp_path):
    run("--seeds", "1", "--first-seed", "1")
    run("--seeds", "1", "--data", "fashion_mnist")
    rows = run("--seeds", "2")
    assert [(row["data"], row["seed"]) for row in rows] == [("mnist", "0"), ("mnist", "1"), ("fashion_mnist", "0")]
    table = (tmp_path / "RESULTS.md").read_text()
    mean = (float(rows[0]["accuracy"]) + float(rows[1]["accuracy"])) * 50
    assert f"**{mean:.3f}**" in table
    assert "`python benchmarks/bench_accuracy.py --data mnist --recipes fast --seeds 2`" in table


def test_what_is_listed_and_saved_need_not_be_trained_again(run, program, monkeypatch):
    trained = []
    train = program.train
    monkeypatch.setattr(program, "train", lambda *arguments: trained.append(arguments[2]) or train(*arguments))
    first = run("--seeds", "1")
    assert run("--seeds", "2", "--resume")[0] == first[0]
    assert trained == [0, 1]
    run("--seeds", "2")
    assert trained == [0, 1, 0, 1]


def test_an_ensemble_has_a_row_of_its_own(run, tmp_path):
    *rows, together = run("--seeds", "2", "--ensemble")
    files = [tmp_path / "models" / f"mnist-fast-{seed}.npz" for seed in range(2)]
    _, test = sc.data.load_data("digits")
    assert (together["seed"], together["parameters"]) == ("0-1", str(2 * 56_970))
    assert together["accuracy"] == f"{sc.Ensemble(files).evaluate(*test)[1]:.4f}"
    assert together["checksum"] == checksum(*map(sc.load_model, files))
    assert float(together["seconds"]) == pytest.approx(sum(float(row["seconds"]) for row in rows), abs=0.02)
    assert "| 2 x fast" in (tmp_path / "RESULTS.md").read_text().replace("mnist | ", "| ")


@pytest.mark.parametrize(
    ("options", "view", "changes"),
    [
        (("--shifts",), ", 9 shifts", {"reach": 1}),
        (("--flips",), ", mirrored", {"reach": 0, "horizontal_flip": True}),
        (("--shifts", "--flips"), ", 9 shifts, mirrored", {"reach": 1, "horizontal_flip": True}),
    ],
)
def test_answers_over_changed_images_have_rows_of_their_own(run, tmp_path, options, view, changes):
    rows = run("--seeds", "2", "--ensemble", *options)
    assert [row["seed"] for row in rows] == ["0", "1", f"0{view}", f"1{view}", "0-1", f"0-1{view}"]
    models = [sc.load_model(tmp_path / "models" / f"mnist-fast-{seed}.npz") for seed in range(2)]
    _, test = sc.data.load_data("digits")
    averages = [sc.ShiftAverage(model, **changes) for model in models]
    expected = [*(each.evaluate(*test)[1] for each in averages), sc.Ensemble(averages).evaluate(*test)[1]]
    assert [rows[i]["accuracy"] for i in (2, 3, 5)] == [f"{accuracy:.4f}" for accuracy in expected]
    assert all(rows[i]["checksum"] == rows[j]["checksum"] for i, j in ((0, 2), (1, 3), (4, 5)))
    table = " ".join((tmp_path / "RESULTS.md").read_text().split())
    assert (
        f"| mnist | fast{view} |" in table
        and f"| mnist | 2 x fast{view} |" in table
        and "--seeds 2 {}`".format(" ".join(options)) in table
    )
    assert "--seeds 2 --ensemble {}`".format(" ".join(options)) in table
    assert run(*options, "--resume") == rows  # two seeds, as are listed


def test_a_row_over_changed_images_names_its_seed_and_goes_with_the_model(run, tmp_path, program):
    rows = run("--seeds", "1", "--first-seed", "3", "--flips")
    assert [row["seed"] for row in rows] == ["3", "3, mirrored"]
    assert "--seeds 1 --first-seed 3 --flips`" in (tmp_path / "RESULTS.md").read_text()
    program.add(tmp_path / "accuracy.csv", rows[0])
    assert run("--seeds", "1", "--first-seed", "4") == [rows[0], ANY, rows[1]]
    program.add(tmp_path / "accuracy.csv", rows[0] | {"checksum": "of other weights"})
    assert [row["seed"] for row in program.read(tmp_path / "accuracy.csv")] == ["3", "4"]


def test_seeds_that_are_no_neighbours_are_listed_with_a_command_for_each_stretch(program):
    row = dict.fromkeys(program.COLUMNS, "1") | {"data": "mnist", "recipe": "fast"}
    table = program.render([row | {"seed": seed} for seed in ("4", "0", "1", "7")])
    (line,) = [line for line in table.splitlines() if line.startswith("| mnist")]
    command = "python benchmarks/bench_accuracy.py --data mnist --recipes fast --seeds"
    assert f"`{command} 2`, `{command} 1 --first-seed 4`, `{command} 1 --first-seed 7` |" in line


def test_an_average_goes_when_one_of_its_models_has_other_weights(program, tmp_path):
    path, recipes = tmp_path / "accuracy.csv", ("fast", "fast", "fast", "99.0", "fast", "fast + 99.0", "fast + 99.0")
    seeds = ("0", "1", "2", "0", "0-1", "0-1 + 0-0", "2-2 + 0-0")
    rows = [
        {
            **dict.fromkeys(program.COLUMNS, "1"),
            "data": "mnist",
            "recipe": recipe,
            "seed": seed,
            "checksum": f"{recipe} {seed}",
        }
        for recipe, seed in zip(recipes, seeds, strict=True)
    ]
    clothes = rows[4] | {"data": "fashion_mnist"}
    for row in (*rows, clothes):
        program.add(path, row)

    def left():
        return {program.key(row) for row in program.read(path)} - {program.key(clothes)}

    every = set(map(program.key, rows))
    program.add(path, rows[1])  # trained again, to the same bits
    assert left() == every
    program.add(path, rows[1] | {"checksum": "another"})
    assert left() == every - {program.key(rows[4]), program.key(rows[5])}
    program.add(path, rows[3] | {"checksum": "another"})
    assert left() == set(map(program.key, rows[:4]))
    assert clothes in program.read(path)


def test_models_of_several_recipes_answer_together(run, tmp_path):
    run("--seeds", "1")
    rows = run("--together", "fast:0-1,99.0:3", "--resume")
    assert [(row["recipe"], row["seed"]) for row in rows] == [
        *(("99.0", "3"), ("fast", "0"), ("fast", "1"), ("fast + 99.0", "0-1 + 3-3"))
    ]
    files = [tmp_path / "models" / f"mnist-{name}.npz" for name in ("fast-0", "fast-1", "99.0-3")]
    _, test = sc.data.load_data("digits")
    assert rows[-1]["accuracy"] == f"{sc.Ensemble(files).evaluate(*test)[1]:.4f}"
    assert rows[-1]["checksum"] == checksum(*map(sc.load_model, files))
    table = (tmp_path / "RESULTS.md").read_text()
    assert "| 2 x fast + 1 x 99.0 " in table and "--data mnist --together fast:0-1,99.0:3-3`" in table


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--together best", "'best' is no RECIPE:SEED or RECIPE:FIRST-LAST of 99.0, fast"),
        ("--together worst:1", "'worst:1' is no RECIPE:SEED"),
        ("--together best:1 --seeds 2", "--seeds would be ignored beside --together"),
        ("--together best:1 --flips", "--flips would be ignored beside --together"),
        ("--together best:1 --shifts", "--shifts would be ignored beside --together"),
        ("--seeds 0", "--seeds: must be at least 1, got 0"),
        ("--first-seed -1", "--first-seed: must be at least 0, got -1"),
        ("--threads 0", "--threads: must be at least 1, got 0"),
        ("--output /dev/null/results", "--output: cannot write there"),
    ],
)
def test_options_that_would_be_ignored_or_mean_nothing_are_refused(program, capsys, options, message):
    with pytest.raises(SystemExit, match="2"):
        program.main(options.split())
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bench_training", "--check --batch-sizes 32", "--batch-sizes would be ignored beside --check"),
        ("bench_training", "--check --no-memory", "--memory would be ignored beside --check"),
        ("bench_inference", "--check --turn 1", "--turn would be ignored beside --check"),
        ("bench_training", "--repeats 0", "--repeats: must be at least 1, got 0"),
        ("bench_kernels", "--turn 0", "--turn: must be above 0 and finite, got 0"),
        ("bench_kernels", "--batch-size 0", "--batch-size: must be at least 1, got 0"),
        ("time_to_accuracy", "--seeds 0", "--seeds: must be at least 1, got 0"),
        ("run_all", "--only kernels --peer-python python", "--peer-python would be ignored"),
    ],
)
def test_no_option_of_another_benchmark_is_accepted_and_ignored(program, capsys, name, options, message):
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(name).main(options.split())
    assert message in capsys.readouterr().err
