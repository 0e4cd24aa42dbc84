"""``python -m scratchcnn``: what it lists, and how each command ends: statuses, one line of error, no traceback."""

import os
import signal
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.commands import command_line, read, train
from scratchcnn.commands.command_line import COMMANDS, main
from support.example_scripts import TRAIN_MNIST, TRAIN_RECIPE, run_here
from support.processes import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "SCRATCHCNN_BACKEND": "reference"}


@pytest.fixture(autouse=True)
def plain_numpy():
    with sc.ops.using("reference"):
        yield


@pytest.fixture
def saved(tmp_path):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.save(tmp_path / "model.npz")
    return tmp_path / "model.npz"


def test_without_a_command_all_are_listed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in COMMANDS) and list(COMMANDS) == [
        "train",
        "read",
        "draw",
        "gradcheck",
        "summary",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_that_the_parser_takes(monkeypatch, capsys, name):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    printed = capsys.readouterr().out
    assert "PROGRAM" not in printed and max(map(len, printed.splitlines())) <= 80
    examples = [line.split("   ")[0].split() for line in printed.splitlines() if line.startswith("  python -m")]
    assert examples
    for example in examples:
        assert command_line._parsers()[0].parse_args(example[3:]).command == name


WRONG_USE = ["fly", "read", "summary", "draw --port 65536", "train --epochs 0", "gradcheck --backend gpu", "--fast"]


@pytest.mark.parametrize("arguments", WRONG_USE)
def test_a_wrong_command_line_ends_with_2(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    assert "error: " in capsys.readouterr().err


def test_a_failure_is_one_line_and_status_1(capsys, tmp_path):
    (tmp_path / "text.npz").write_text("hello\n")
    for path, reason in ((tmp_path / "none.npz", "there is no file"), (tmp_path / "text.npz", "does not hold a model")):
        assert main(["summary", str(path)]) == 1
        printed = capsys.readouterr()
        assert printed.out == "" and reason in printed.err
        assert printed.err.startswith("scratchcnn summary: ") and printed.err.count("\n") == 1


def test_ctrl_c_ends_quietly_with_130(monkeypatch, capsys, saved):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(sc.Sequential, "summary", interrupt)
    assert main(["summary", str(saved)]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_mistake_in_the_library_keeps_its_traceback(monkeypatch, saved):
    monkeypatch.setattr(sc.Sequential, "summary", lambda *arguments: {}["missing"])
    with pytest.raises(KeyError):
        main(["summary", str(saved)])


def run(*arguments, **options):
    command = [sys.executable, "-m", "scratchcnn", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_goes_away_and_a_full_disk_are_told_apart(saved):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        process = run("summary", str(saved), stdout=nobody)
        assert process.communicate()[1] == "" and process.returncode == 141
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            process = run("summary", str(saved), stdout=full)
            message = process.communicate()[1]
        assert process.returncode == 1 and message.startswith("scratchcnn summary: ") and message.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_in_a_real_process_ends_it_without_a_traceback():
    process = run("gradcheck", "--backend", "reference", stdout=subprocess.PIPE)
    process.stdout.readline()  # it has begun
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")


def test_the_installed_program_is_the_same():
    assert "scratchcnn = scratchcnn.__main__:main" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    from scratchcnn import __main__

    assert __main__.main is main


# ---- summary


def test_summary_shows_the_table_of_a_model(capsys, saved):
    assert main(["summary", str(saved)]) == 0
    printed = capsys.readouterr().out
    sc.load_model(saved).summary()
    assert printed == capsys.readouterr().out and "7,850" in printed


def test_summary_of_an_ensemble_shows_each_different_network_once(capsys, tmp_path):
    def model(units):
        return sc.Sequential([sc.Flatten(), sc.Dense(units), sc.Dense(10)], input_shape=(4,))

    sc.Ensemble([model(3), model(3), model(5)]).save(tmp_path / "five.npz")
    assert main(["summary", str(tmp_path / "five.npz")]) == 0
    printed = capsys.readouterr().out
    assert "an ensemble of 3 models" in printed and "models 1, 2:" in printed and "\nmodel 3:" in printed


def test_summary_of_weights_alone_says_what_they_are(capsys, saved, tmp_path):
    sc.load_model(saved).save_weights(tmp_path / "w.npz")
    assert main(["summary", str(tmp_path / "w.npz")]) == 1
    assert "it holds weights without their network" in capsys.readouterr().err


# ---- read and draw, with what they call replaced


@pytest.fixture
def pictures(monkeypatch):
    """Pictures of some names: what is read of them depends on nothing else."""

    class PictureError(ValueError):
        pass

    def read_digits(picture, model=None):
        calls.append(model)
        if picture == "blank.png":
            raise PictureError("no ink\nanywhere")
        if picture == "gone.png":
            raise FileNotFoundError(2, "No such file or directory", picture)
        labels = [int(label) for label in picture.removesuffix(".png")]
        image = np.eye(28, dtype=np.uint8) * 255
        boxes = [(20 * place, 0, 20 * place + 18, 30) for place in range(len(labels))]
        digits = zip(labels, boxes, strict=True)
        return [types.SimpleNamespace(label=n, probabilities=np.eye(10)[n], image=image, box=box) for n, box in digits]

    calls = []
    module = types.ModuleType("scratchcnn.pictures")
    module.PictureError, module.read_digits = PictureError, read_digits
    monkeypatch.setitem(sys.modules, "scratchcnn.pictures", module)
    return calls


def test_read_shows_what_the_network_sees_and_the_number_as_a_whole(capsys, pictures):
    assert main(["read", "204.png", "7.png"]) == 0
    printed = capsys.readouterr().out
    assert "204.png, digit 2 of 3: 0\n" in printed and "204.png says: 204\n" in printed
    assert "\n7.png: 7\n" in printed and "7.png says" not in printed
    assert sum("100.00% <" in line for line in printed.splitlines()) == 4
    seen = [line.rstrip() for line in sc.terminal.half_block_image(np.eye(28)).splitlines()]
    assert all(sum(line.startswith(row) for line in printed.splitlines()) == 4 for row in seen)  # all of each picture


def test_read_goes_on_after_a_picture_that_cannot_be_read_and_fails_in_the_end(capsys, pictures):
    assert main(["read", "blank.png", "gone.png", "42.png"]) == 1
    printed = capsys.readouterr()
    assert "42.png says: 42" in printed.out
    lines = printed.err.splitlines()
    assert lines[0] == "scratchcnn read: blank.png: no ink anywhere" and "gone.png" in lines[1] and len(lines) == 2


def test_read_takes_a_model_of_ones_own_an_ensemble_too(capsys, pictures, saved, tmp_path):
    assert main(["read", "1.png", "--model", str(saved)]) == 0
    assert isinstance(pictures[-1], sc.Sequential)
    model = sc.load_model(saved)
    sc.Ensemble([model, model]).save(tmp_path / "two.npz")
    assert main(["read", "1.png", "--model", str(tmp_path / "two.npz")]) == 0
    assert isinstance(pictures[-1], sc.Ensemble)
    assert main(["read", "1.png", "--model", str(tmp_path / "none.npz")]) == 1
    assert "none.npz" in capsys.readouterr().err


READING = """
import sys
import numpy as np
import PIL.Image
import scratchcnn as sc
from scratchcnn.__main__ import main

(x, y), _ = sc.data.load_data("digits")
PIL.Image.fromarray(np.kron(200 - x[0] // 2, np.ones((4, 4), np.uint8))).save("digit.png")
assert main(["read", "digit.png"]) == 0
print(y[0], sc.ops.backend(), "numba" in sys.modules)
"""


def test_reading_a_picture_waits_for_no_compiler(tmp_path):
    environment = {**ENVIRONMENT, "SCRATCHCNN_BACKEND": "jit"}
    command = [sys.executable, "-c", READING]
    process = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = process.stdout.splitlines()
    label, *rest = lines[-1].split()
    assert lines[0] == f"digit.png: {label}" and rest == ["jit", "False"]


@pytest.mark.parametrize("command", ["read 1.png --model", "summary", "draw --no-browser --model"])
def test_a_model_that_is_not_there_is_told_in_a_sentence(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "none.npz"]) == main([*command.split(), str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert f"there is no file none.npz; the current folder is {tmp_path}" in lines[0]
    assert "is a folder, expected the file of a model" in lines[1] and len(lines) == 2


def test_draw_refuses_an_ensemble_and_says_how_to_get_one_of_its_models(capsys, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sc.Ensemble([sc.load_model(saved)] * 2).save("two.npz")
    assert main(["draw", "--no-browser", "--model", "two.npz"]) == 1
    message = capsys.readouterr().err
    assert "two.npz holds an ensemble, expected one model" in message
    line = message[message.index("import") : message.index('" writes')]
    subprocess.run([sys.executable, "-c", line], env=ENVIRONMENT, check=True)
    assert sc.load_model("one.npz").count_params() == 7850


def test_a_warning_is_a_line_of_the_command(capsys, monkeypatch):
    def run(parser, options):
        warnings.warn("the images are dark", RuntimeWarning, stacklevel=2)
        return 0

    monkeypatch.setitem(COMMANDS, "summary", COMMANDS["summary"]._replace(run=run))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["summary", "model.npz"]) == 0
    assert capsys.readouterr().err == "scratchcnn summary: warning: the images are dark\n"


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"scratchcnn {sc.__version__}\n"


def test_digits_of_two_lines_are_two_numbers():
    boxes = [(0, 0, 9, 20), (10, 2, 19, 22), (1, 40, 9, 60), (12, 41, 20, 61)]
    digits = [types.SimpleNamespace(label=label, box=box) for label, box in zip([1, 2, 3, 4], boxes, strict=True)]
    assert read.number(digits) == "12 34"


def test_draw_hands_on_what_it_was_given(monkeypatch, saved):
    calls = []
    module = types.ModuleType("scratchcnn.draw")
    module.serve = lambda model, port, open_browser: calls.append((model, port, open_browser))
    monkeypatch.setitem(sys.modules, "scratchcnn.draw", module)
    assert main(["draw"]) == 0 and calls.pop() == (None, 0, True)
    assert main(["draw", "--model", str(saved), "--port", "8000", "--no-browser"]) == 0
    model, *others = calls.pop()
    assert isinstance(model, sc.Sequential) and others == [8000, False]


SERVING = """
import sys, scratchcnn as sc, scratchcnn.draw.server as server
from scratchcnn.__main__ import main

def end(self, **options):
    print(sc.ops.backend(), "numba" in sys.modules)

server.DrawServer.serve_forever = end
assert main(["draw", "--no-browser"]) == 0
"""


def test_the_page_of_the_packaged_model_waits_for_no_compiler():
    environment = {**ENVIRONMENT, "SCRATCHCNN_BACKEND": "jit"}
    process = subprocess.run(
        [sys.executable, "-c", SERVING], env=environment, capture_output=True, text=True, check=True
    )
    address, _, state = process.stdout.splitlines()
    assert address.startswith("Draw on http://127.0.0.1:") and state == "reference False"


# ---- train


@pytest.fixture
def few_digits(monkeypatch):
    (x, y), _ = sc.data.load_data("digits")
    monkeypatch.setattr(sc.data, "load_data", lambda *arguments: ((x[:24], y[:24]), (x[24:36], y[24:36])))


def test_train_gives_the_weights_that_the_first_example_gives(capsys, tmp_path):
    arguments = ["--data", "digits", "--epochs", "1", "--seed", "3", "--output"]
    run_here(TRAIN_MNIST, *arguments, str(tmp_path / "there"))
    capsys.readouterr()
    run_here(TRAIN_RECIPE, *arguments, str(tmp_path / "here"))
    printed = capsys.readouterr().out
    models = [sc.load_model(tmp_path / place / "model.npz") for place in ("here", "there")]
    assert sc.recipes.checksum(models[0]) == sc.recipes.checksum(models[1])
    assert "What was taken for what:" in printed and "label   answer" in printed


def test_train_saves_what_was_learnt_before_ctrl_c_trains_no_other_model_and_ends_with_130(
    few_digits, monkeypatch, capsys, tmp_path
):
    class Interrupt(sc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "backup", lambda *arguments: Interrupt())
    arguments = ["--data", "digits", "--model", "lenet5", "--ensemble", "3", "--output", str(tmp_path)]
    assert main(["train", *arguments]) == 130
    assert "Stopped; what has been learnt" in capsys.readouterr().out
    assert (tmp_path / "seed0" / "model.npz").exists() and not (tmp_path / "seed1").exists()


def test_resume_uses_what_was_finished_and_says_where_there_is_nothing_to_go_on_with(few_digits, capsys, tmp_path):
    arguments = ["train", "--data", "digits", "--epochs", "1", "--output", str(tmp_path)]
    assert main([*arguments, "--ensemble", "2", "--resume"]) == 0
    assert capsys.readouterr().out.count("There is no interrupted training in") == 2
    first = sc.recipes.checksum(sc.load_model(tmp_path / "seed0" / "model.npz"))
    (tmp_path / "seed1" / "model.npz").unlink()
    assert main([*arguments, "--ensemble", "2", "--resume", "--epochs", "2"]) == 0
    printed = capsys.readouterr().out
    assert "seed0/model.npz is of a training that was finished, and used as it is: leave --resume out" in printed
    assert printed.count("There is no interrupted training in") == 1
    assert sc.recipes.checksum(sc.load_model(tmp_path / "seed0" / "model.npz")) == first
    assert main([*arguments, "--ensemble", "2", "--resume", "--model", "lenet5"]) == 1
    assert "holds another network than the one asked for; choose another --output" in capsys.readouterr().err


def test_the_first_example_does_not_train_over_what_was_finished(capsys, tmp_path):
    arguments = ["--data", "digits", "--epochs", "1", "--output", str(tmp_path)]
    run_here(TRAIN_MNIST, *arguments)
    before = (tmp_path / "model.npz").read_bytes()
    with pytest.raises(
        SystemExit, match="has a training that was finished, and none to go on with: leave --resume out"
    ):
        run_here(TRAIN_MNIST, *arguments, "--resume")
    assert (tmp_path / "model.npz").read_bytes() == before
