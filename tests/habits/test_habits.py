"""What users of Keras type works, or is refused by a message that shows the line to write instead."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from habits.page import PAGE, page
from habits.programs import DIFFERENCES
from habits.table import HABITS
from support.small_networks import some_digits

pytestmark = pytest.mark.usefixtures("reference")
CASES = [(section, habit) for section, habits in HABITS.items() for habit in habits]
WORDS = ("leave it out",)  # advice that is no code
CALLS = {  # in which an argument that is advised can stand
    "seed": "sc.Sequential([sc.Dense(3)], input_shape=(2,), {})",
    "dtype": "sc.Sequential([sc.Dense(3)], input_shape=(2,), {})",
    "learning_rate": "sc.SGD({}=0.1)",
    "epochs": "model.fit(x, y, {}=1, verbose=0)",
    "path": "sc.callbacks.ModelCheckpoint({}='best.npz')",
    "kernel_initializer": "sc.Dense(10, {}='zeros')",
    "kernel_regularizer": "sc.Dense(10, {})",
    "global_clipnorm": "sc.SGD(0.1, {})",
}


@pytest.fixture
def names(tmp_path, monkeypatch):
    """Return what the code may use, in a folder that it may write into."""
    monkeypatch.chdir(tmp_path)
    x, y = some_digits(100)
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile()
    return {"sc": sc, "np": np, "x": x, "y": y, "rows": np.eye(10)[y], "model": model, "folder": tmp_path}


@pytest.mark.parametrize("habit", [h for _, h in CASES if not h.instead], ids=lambda habit: habit.code)
def test_what_is_typed_works(habit, names):
    exec(habit.code, names)


@pytest.mark.parametrize("habit", [h for _, h in CASES if h.instead], ids=lambda habit: habit.code)
def test_what_does_not_work_is_answered_by_the_line_to_write(habit, names):
    with pytest.raises((AttributeError, ImportError, TypeError, ValueError)) as error:
        exec(habit.code, names)
    assert habit.instead in str(error.value)


@pytest.mark.parametrize("habit", [h for _, h in CASES if h.instead], ids=lambda habit: habit.code)
def test_the_line_to_write_works(habit, names):
    if habit.runs:
        exec(habit.runs, names)
        return
    if habit.instead in WORDS or "[...]" in habit.instead or "generator" in habit.instead:
        return  # words, or a line with a gap
    names["layer"], names["path"] = names["model"].layers[-1], names["folder"] / "model.npz"
    names["model"].save(names["path"])
    x = np.zeros((2, 1, 28, 28)) if "transpose" in habit.instead else names["x"]
    code = habit.instead
    if "load_data" in code:
        code = code.replace("mnist", "digits")  # which needs no network
    if code.isidentifier() or code.startswith(("seed=", "dtype=", "kernel_regularizer=", "global_clipnorm=")):
        code = CALLS[code.partition("=")[0]].format(code)
    exec(code, {**names, "x": x})


@pytest.mark.parametrize("sentence", DIFFERENCES)
def test_what_means_something_else_does(sentence, names):
    exec(DIFFERENCES[sentence], names)


def test_the_page_in_the_docs_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_from_import_tells_the_name_as_well_as_attribute_access():
    for module in ("scratchcnn", "scratchcnn.layers"):
        with pytest.raises(ImportError, match="calls it BatchNorm"):
            exec(f"from {module} import BatchNormalization", {})
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec("from scratchcnn import nonsense", {})
    assert not hasattr(sc, "MaxPooling2D")


def test_an_activation_is_a_layer_after_its_own():
    named = sc.Sequential(
        [sc.Conv2D(4, 3, activation="relu", name="first"), sc.Flatten(), sc.Dense(8, "tanh"), sc.Dense(3)], (6, 6, 1)
    )
    written = sc.Sequential(
        [sc.Conv2D(4, 3, name="first"), sc.ReLU(), sc.Flatten(), sc.Dense(8), sc.Tanh(), sc.Dense(3)], (6, 6, 1)
    )
    assert repr(named) == repr(written) and named.layers[0].name == "first"
    assert np.array_equal(named.parameters, written.parameters) and len(named.plan) == len(written.plan)


def test_an_activation_is_never_lost_without_a_word(tmp_path):
    with pytest.raises(ValueError, match="a layer of its own, which a Sequential puts after this one"):
        sc.Dense(3, activation="relu").build((2,), np.random.default_rng(0))
    again = sc.Dense(3, activation="relu")
    with pytest.raises(ValueError, match="cannot follow"):
        sc.Sequential([sc.Conv2D(2, 3), again], input_shape=(4,))
    model = sc.Sequential([again], input_shape=(2,))
    assert [type(each) for each in model.layers] == [sc.Dense, sc.ReLU]
    model.save(tmp_path / "model.npz")
    assert repr(sc.load_model(tmp_path / "model.npz")) == repr(model)


ACTIVATIONS = [
    ("swish", "there is no activation 'swish'; there are relu, leaky_relu, elu, sigmoid, tanh"),
    (sc.ReLU, r"is the class ReLU; write activation=ReLU\(\)"),
    (True, "write use_bias=True"),
    (np.tanh, "there is no activation <ufunc 'tanh'>"),
]


@pytest.mark.parametrize(("activation", "message"), ACTIVATIONS)
def test_activations_that_are_none_are_refused(activation, message):
    with pytest.raises(ValueError, match=message):
        sc.Dense(3, activation)
