"""Files of this library that are no models: loading one as a model says what it is, and what reads it."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc

X, LABELS = np.zeros((8, 3), np.float32), np.arange(8) % 2


def model():
    made = sc.Sequential([sc.Dense(2)], input_shape=(3,))
    made.compile(sc.SGD(0.1))
    return made


def test_a_checkpoint_goes_to_fit(tmp_path):
    model().fit(X, LABELS, checkpoint=tmp_path, verbose=0)
    with pytest.raises(ValueError, match=r'it is the checkpoint of a training; .*\(..., checkpoint="run", resume=True'):
        sc.load_model(tmp_path / "checkpoint.npz")


def test_weights_go_to_load_weights(tmp_path):
    model().save_weights(tmp_path / "weights.npz")
    with pytest.raises(ValueError, match=r"it holds weights without their network; .* model.load_weights\(path\)"):
        sc.load_model(tmp_path / "weights.npz")


def test_an_ensemble_goes_to_its_class(tmp_path):
    sc.Ensemble([model(), model()]).save(tmp_path / "ensemble.npz")
    with pytest.raises(ValueError, match=r"it is an ensemble; sc.Ensemble.load\(path\) reads it"):
        sc.load_model(tmp_path / "ensemble.npz")


def test_a_model_where_a_checkpoint_is_looked_for_is_left_alone(tmp_path):
    path = tmp_path / "checkpoint.npz"
    model().save(path)
    content = path.read_bytes()
    for resume in (False, True):
        with pytest.raises(ValueError, match=r"not the checkpoint of a training, .* move that file elsewhere"):
            model().fit(X, LABELS, checkpoint=tmp_path, resume=resume, verbose=0)
    assert path.read_bytes() == content
