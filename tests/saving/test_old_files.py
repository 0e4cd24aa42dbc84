"""Files of earlier versions: another network, or another course of the training, when they are loaded today.

files/version_1.npz was written by ``save`` before layers could be frozen and ``weight_decay`` was decoupled.
"""

from pathlib import Path

import numpy as np

import scratchcnn as sc
from support.small_networks import some_digits

VERSION_1 = Path(__file__).parent / "files" / "version_1.npz"
PREDICTED = [  # by the version that wrote the file: for three digits, and after two more epochs
    [0.080424, 0.117669, 0.049738, 0.072192, 0.070634, 0.102968, 0.143008, 0.133548, 0.075335, 0.154484],
    [0.080330, 0.106229, 0.050260, 0.095097, 0.079079, 0.097247, 0.129136, 0.132492, 0.084964, 0.145166],
    [0.073580, 0.148607, 0.039650, 0.069040, 0.059886, 0.069150, 0.153108, 0.131354, 0.067907, 0.187717],
]
PREDICTED_LATER = [
    [0.086976, 0.119298, 0.042719, 0.060385, 0.074437, 0.103373, 0.150352, 0.137418, 0.069484, 0.155558],
    [0.075704, 0.101680, 0.046343, 0.103110, 0.083774, 0.096799, 0.121271, 0.141200, 0.085571, 0.144547],
    [0.067574, 0.159142, 0.034057, 0.067420, 0.054967, 0.061295, 0.147290, 0.121680, 0.062242, 0.224333],
]
LOSSES_LATER = [1.995998, 1.967122]


def test_a_file_of_version_1_answers_and_trains_on_as_it_did_when_it_was_written():
    images, labels = some_digits(64)
    with sc.ops.using("reference"):
        model = sc.load_model(VERSION_1)
        np.testing.assert_allclose(model.predict(images[:3]), PREDICTED, atol=2e-6)
        history = model.fit(images, labels, batch_size=16, epochs=8, initial_epoch=6, verbose=0).history
        np.testing.assert_allclose(history["loss"], LOSSES_LATER, atol=1e-5)
        np.testing.assert_allclose(model.predict(images[:3]), PREDICTED_LATER, atol=1e-5)


def test_a_file_of_version_1_is_saved_as_one_of_today_with_all_that_it_says(tmp_path):
    old = sc.load_model(VERSION_1)
    old.save(tmp_path / "today")
    today = sc.load_model(tmp_path / "today")
    assert repr((today, today.optimizer, today.loss)) == repr((old, old.optimizer, old.loss))
    assert old.optimizer.l2_penalty == 1e-3 and old.optimizer.weight_decay == 0
    with np.load(VERSION_1) as before, np.load(tmp_path / "today") as after:
        assert before.files == after.files
        assert all(np.array_equal(before[name], after[name]) for name in before.files if name != "config")
