"""``fit`` sees each fault that is planted, and what its line advises mends it."""

from __future__ import annotations

import ast
import re
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from health.faults import FAULTS, TRAIN
from health.health_page import PAGE, page
from support.small_networks import some_digits

pytestmark = pytest.mark.usefixtures("reference")


def problems_of(code):
    """Return the value of the last line of a program."""
    x, y = some_digits(1000)
    names = {"sc": sc, "np": np, "x": x[:, ::2, ::2], "y": y, "shuffled": np.random.default_rng(0).permutation(y)}
    *lines, last = ast.parse(TRAIN + code).body
    exec(compile(ast.Module(lines, []), "docs/health.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "docs/health.md", "eval"), names)


def without_numbers(line):
    """Return a line with # for its numbers, and for each list of numbers or names: they differ from CPU to CPU."""
    line = re.sub(r"[-+.e\d]*\d%?|inf", "#", line).replace("_#", "")
    return re.sub(r"(#|dense)(, (#|dense))*( and #)?", r"\1", line)


@pytest.mark.parametrize("title", FAULTS)
def test_a_planted_fault_is_seen(title):
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "the model is trained on images from 0 to 1"
        )  # which fit says at its beginning, too
        problems = problems_of(FAULTS[title].planted)
    assert without_numbers(FAULTS[title].line) in map(without_numbers, problems)


@pytest.mark.parametrize("title", FAULTS)
def test_what_is_advised_mends_it(title):
    assert problems_of(FAULTS[title].mended) == []


def test_the_page_in_the_docs_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page()
