"""Fixtures of several test modules; ``conftest.py`` offers them to all."""

import json

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import cache
from scratchcnn.data.sources import SOURCES
from scratchcnn.training import replay
from support.small_data_sets import Mirrors, make


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """An empty cache, no folder of the user's, no proxy, and little patience."""
    monkeypatch.delenv("SCRATCHCNN_DATA", raising=False)
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(cache, "PATIENCE", 1.0)  # little for a real one, long for one here, also on a busy machine
    monkeypatch.setattr(cache, "PATIENCE_IN_ALL", 3.0)


@pytest.fixture
def mirrors(monkeypatch):
    """Mirrors of a small MNIST, which take the place of the real ones with `mirrored`."""
    _, contents = make("mnist", [])
    _, wrong = make("fashion_mnist", [])
    server = Mirrors(contents, wrong)
    yield server
    server.close()


@pytest.fixture
def mirrored(mirrors, monkeypatch):
    def mirrored(*behaviours: str, name: str = "mnist", known_content: bool = True) -> None:
        urls = [mirrors.url(behaviour) for behaviour in behaviours]
        data_set, mirrors.contents = make(name, urls, known_content)
        monkeypatch.setitem(SOURCES, name, data_set)
        monkeypatch.setitem(SOURCES, "fashion_mnist", make("fashion_mnist", [mirrors.url("wrong")])[0])

    return mirrored


@pytest.fixture
def small(monkeypatch):
    """Put small data sets in the place of four, and return their files; two have sums of contents."""
    contents = {}
    for name in ("mnist", "fashion_mnist", "kmnist", "qmnist"):
        data_set, contents[name] = make(
            name, ["http://127.0.0.1:9/"], known_content="k" not in name and "q" not in name
        )
        monkeypatch.setitem(SOURCES, name, data_set)
    return contents


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Return the config and the arrays of a small model."""
    path = tmp_path_factory.mktemp("honest") / "model"
    model = sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=(4, 4, 1))
    model.compile(sc.SGD(0.1, momentum=0.9))
    model.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    return json.loads(str(arrays.pop("config"))), arrays


@pytest.fixture
def without_recordings(monkeypatch):
    """Return a function that forbids recordings."""

    def forbid():
        monkeypatch.setattr(replay, "RECORDABLE", frozenset())

    return forbid
