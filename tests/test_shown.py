"""Values in messages: an error that says nothing, or writes out a million elements, hides what went wrong."""

import time

import numpy as np
import pytest

from scratchcnn.messages import reason, shorten, shown


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
