"""Values in messages: an error that says nothing, or writes out a million elements, hides what went wrong."""

import time

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.checks.messages import reason, shorten, shown


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [3, -0.5, None, "digits", (28, 28, 1), {"a": [1, 2]}, np.float32(1), np.arange(3), b"\0\1"], ids=repr
)
def test_a_short_value_is_shown_as_python_writes_it(value):
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**7,
        "\0" * 10**7,
        b"x" * 10**7,
        list(range(10**6)),
        [[[[0] * 99] * 99] * 99] * 99,
        {number: number for number in range(10**5)},
        10**10000,
        np.zeros((1000, 1000)),
        [np.zeros((1000, 1000))] * 99,
        Unprintable(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_huge_value_is_shown_in_at_most_300_characters_and_at_once(value):
    started = time.perf_counter()
    assert 0 < len(shown(value)) <= 300
    assert time.perf_counter() - started < 2


def test_a_long_text_keeps_its_beginning_and_its_end():
    text = shorten("what was given" + "x" * 1000 + "what to do")
    assert len(text) == 300
    assert text.startswith("what was given") and text.endswith("what to do")


@pytest.mark.parametrize("error", [MemoryError(), EOFError(), KeyError("a"), OSError(28, "full"), ValueError("b")])
def test_an_exception_never_gives_an_empty_reason(error):
    assert (str(error) or type(error).__name__) in reason(error)


ENDLESS = "x" * 100_000


class Endless:
    def __repr__(self):
        return ENDLESS


MESSAGES = {
    "optimizer": lambda model: model.compile(Endless()),
    "loss": lambda model: model.compile(loss=Endless()),
    "layer": lambda model: sc.Sequential([Endless()], input_shape=(2,)),
    "input_shape": lambda model: sc.Sequential([sc.Dense(1)], input_shape=ENDLESS),
    "dtype": lambda model: sc.Sequential([sc.Dense(1)], (2,), dtype=np.dtype([(f"f{i}", int) for i in range(1000)])),
    "epochs": lambda model: model.fit(np.ones((1, 2)), [0], epochs=list(range(100_000))),
    "negative epochs": lambda model: model.fit(np.ones((1, 2)), [0], epochs=-(10**5000)),
    "verbose": lambda model: model.fit(np.ones((1, 2)), [0], verbose=ENDLESS),
    "verbose, a list": lambda model: model.fit(np.ones((1, 2)), [0], verbose=[ENDLESS]),
    "callbacks": lambda model: model.fit(np.ones((1, 2)), [0], callbacks=[Endless()]),
    "augmentation": lambda model: model.fit(np.ones((1, 2)), [0], augmentation=Endless()),
    "images, a text": lambda model: model.predict(ENDLESS),
    "images, a dict": lambda model: model.predict({f"{ENDLESS}{i}": i for i in range(1000)}),
    "images, fields": lambda model: model.predict(np.zeros(3, [(f"field{i}", int) for i in range(10_000)])),
    "images, ragged": lambda model: model.predict([np.zeros(i) for i in range(1000)]),
    "weights": lambda model: model.set_weights([np.zeros((1, 2, 3))] * 10_000),
    "backend": lambda model: sc.ops.use(ENDLESS),
    "data set": lambda model: sc.data.load_data(ENDLESS),
    "initializer": lambda model: sc.Dense(1, kernel_initializer=ENDLESS),
    "padding": lambda model: sc.Conv2D(1, 1, padding=ENDLESS),
    "kernel_size": lambda model: sc.Conv2D(1, list(range(100_000))),
    "filters": lambda model: sc.Conv2D(ENDLESS, 1),
    "mode": lambda model: sc.callbacks.EarlyStopping(mode=ENDLESS),
    "ensemble": lambda model: sc.Ensemble([Endless()]),
    "shifts": lambda model: sc.ShiftAverage(Endless()),
    "zoom": lambda model: sc.data.Augmentation(zoom=ENDLESS),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_no_message_repeats_an_endless_value(case):
    model = sc.Sequential([sc.Dense(2)], input_shape=(2,))
    model.compile()
    with pytest.raises((ValueError, TypeError, IndexError)) as error:
        MESSAGES[case](model)
    assert 10 < len(str(error.value)) < 1000


def unfinished(method):
    """Return a layer of one's own without one of its methods."""

    class Unfinished(sc.ReLU):
        pass

    setattr(Unfinished, method, getattr(sc.Layer, method))
    return Unfinished()


@pytest.mark.parametrize("method", ["build", "forward", "backward"])
def test_a_method_that_was_not_written_is_named(method):
    with pytest.raises(NotImplementedError, match=rf"Unfinished must define {method}\(self, "):
        model = sc.Sequential([sc.Dense(2), unfinished(method)], input_shape=(2,))
        model.compile()
        model.fit(np.ones((2, 2)), [0, 1], verbose=0)
