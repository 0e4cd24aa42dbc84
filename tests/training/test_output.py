"""A training must not die of what it prints: outputs that lack characters, are closed, or are not there at all."""

import io
import sys

import numpy as np
import pytest

import scratchcnn as sc

BLOCK = "\N{FULL BLOCK}"


class Größe(sc.ReLU):
    """A layer whose name ASCII does not have."""


@pytest.fixture(autouse=True)
def plain_numpy():
    with sc.ops.using("reference"):
        yield


def train(verbose, epochs=2):
    model = sc.Sequential([Größe(), sc.Dense(2)], input_shape=(3,))
    model.summary()
    model.compile()
    return model.fit(np.ones((40, 3), np.float32), np.zeros(40, int), epochs=epochs, batch_size=4, verbose=verbose)


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "shift_jis", "utf-16"])
def test_an_output_of_any_encoding_gets_the_summary_the_bars_and_the_lines(monkeypatch, verbose, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    train(verbose)
    sys.stdout.flush()
    text = written.getvalue().decode(encoding)
    assert "dense" in text and "Epoch 2/2" in text


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_a_training_goes_on_without_an_output_and_with_a_closed_one(monkeypatch, verbose):
    closed = io.StringIO()
    closed.close()
    for output in (None, closed):
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr(sys, "stderr", output)
        assert len(train(verbose).epoch) == 2


@pytest.mark.parametrize(("encoding", "mark"), [("ascii", "##"), ("latin-1", "##"), ("utf-8", BLOCK)])
def test_a_digit_is_drawn_with_characters_that_the_output_has(monkeypatch, encoding, mark):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    drawn = sc.plots.ascii_digit(np.eye(28), np.full(10, 0.1))
    assert mark in drawn
    drawn.encode(encoding)


def test_a_digit_is_drawn_with_blocks_where_the_output_does_not_say_what_it_has(monkeypatch):
    for output in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stdout", output)
        assert BLOCK in sc.plots.ascii_digit(np.eye(28), np.full(10, 0.1))
