"""ONNX and safetensors: the file agrees with the model, in the runtime that others use."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import scratchcnn as sc

RNG = np.random.default_rng(0)
NORM = {"momentum": 0.5}


def images(*heads):
    """Return a network for images whose moving statistics are not the initial ones."""

    def make():
        model = sc.Sequential([sc.Rescaling(1 / 255), *(layer() for layer in heads)], input_shape=(13, 11, 3))
        model.forward(RNG.integers(0, 256, (8, 13, 11, 3), np.uint8), training=True)
        return model

    return make


NETWORKS = {
    "conv": images(
        *(lambda: sc.Conv2D(6, (3, 2), strides=2, padding="same"), lambda: sc.BatchNorm(**NORM), sc.ReLU),
        *(sc.MaxPool2D, sc.Flatten, lambda: sc.Dense(5)),
    ),
    "groups": images(
        *(lambda: sc.Conv2D(6, 3, groups=3, dilation_rate=2, padding=((1, 0), (2, 3))), lambda: sc.LeakyReLU(0.2)),
        *(lambda: sc.AveragePool2D(3, 2, "same"), sc.GlobalAveragePool2D, lambda: sc.Dense(5, use_bias=False)),
    ),
    "residual": images(
        lambda: sc.Conv2D(4, 3),
        lambda: sc.Residual([sc.Conv2D(4, 3, padding="same"), sc.BatchNorm(**NORM), sc.ReLU()]),
        lambda: sc.Residual([sc.Conv2D(6, 3, 2, "same"), sc.ELU(0.5)], [sc.Conv2D(6, 1, 2, "same")]),
        *(lambda: sc.MaxPool2D(3, 2, "same"), sc.Flatten, lambda: sc.BatchNorm(**NORM), lambda: sc.Dense(4)),
        *(sc.Tanh, sc.Sigmoid, lambda: sc.Dropout(0.3), lambda: sc.Dense(3)),
    ),
    "image to image": images(lambda: sc.Conv2D(2, 3, padding="same"), sc.ReLU),
    "rows": lambda: sc.Sequential([sc.Dense(7), sc.ReLU(), sc.Dense(2)], input_shape=(6,)),
    "double": lambda: sc.Sequential([sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(2)], (5, 5, 1), dtype="float64"),
}
LOSSES = {"softmax": sc.SoftmaxCrossEntropy, "sigmoid": sc.BinaryCrossEntropy, "number": sc.MeanSquaredError}


def inputs(model, count):
    if model.takes_bytes:
        return RNG.integers(0, 256, (count, *model.input_shape), np.uint8)
    return RNG.normal(size=(count, *model.input_shape)).astype(model.dtype)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, *LOSSES])
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_answers_as_the_model_does(name, loss, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: python -m pip install -e '.[dev]'")
    model = NETWORKS[name]()
    if loss is not None:
        if loss == "softmax" and len(model.output_shape) != 1:
            return  # which a softmax is not for
        model.compile(loss=LOSSES[loss]())
    sc.interchange.save_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 5):
        x = inputs(model, count)
        (answers,) = session.run(None, {"images": x if x.dtype == np.uint8 else x.astype(np.float32)})
        expected = model.predict(x)
        assert answers.shape == expected.shape and answers.dtype == np.float32
        np.testing.assert_allclose(answers, expected, atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.slow
def test_what_cannot_be_written_is_refused(tmp_path):
    pytest.importorskip("onnx", reason="needs onnx: python -m pip install -e '.[onnx]'")

    class Own(sc.ReLU):
        pass

    with pytest.raises(ValueError, match=r"save_onnx knows no layer Own\(\)"):
        sc.interchange.save_onnx(sc.Sequential([Own()], input_shape=(3,)), tmp_path / "model.onnx")

    class OwnLoss:
        def forward(self, logits, targets):
            return 0.0

        def backward(self):
            return 0

        def predictions(self, logits):
            return logits + 1

    model = sc.Sequential([sc.Dense(1)], input_shape=(3,))
    model.compile(loss=OwnLoss())
    with pytest.raises(ValueError, match="is the business of its loss"):
        sc.interchange.save_onnx(model, tmp_path / "model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_safetensors_keep_every_bit_both_ways(name, tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="needs safetensors: python -m pip install -e '.[dev]'")
    model, other = NETWORKS[name](), NETWORKS[name]()
    other.parameters = other.parameters * 0
    sc.interchange.save_safetensors(model, tmp_path / "w.safetensors")
    sc.interchange.load_safetensors(other, tmp_path / "w.safetensors")
    x = inputs(model, 3)
    assert other.predict(x).tobytes() == model.predict(x).tobytes()
    arrays = library.load_file(tmp_path / "w.safetensors")
    assert all(np.array_equal(arrays[name.replace("/", ".")], a) for name, a in model.named_parameters().items())


@pytest.mark.slow
def test_safetensors_of_another_network_are_refused(tmp_path):
    pytest.importorskip("safetensors", reason="needs safetensors: python -m pip install -e '.[dev]'")
    sc.interchange.save_safetensors(NETWORKS["rows"](), tmp_path / "w.safetensors")
    model = NETWORKS["conv"]()
    before = model.parameters.copy()
    with pytest.raises(ValueError, match="does not hold weights for this model"):
        sc.interchange.load_safetensors(model, tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="does not hold weights for this model"):
        sc.interchange.load_safetensors(model, tmp_path / "w.safetensors")
    assert np.array_equal(model.parameters, before)


def test_a_library_that_is_missing_is_named_with_the_extra_that_brings_it(tmp_path, monkeypatch):
    for library, call in (
        ("onnx", sc.interchange.save_onnx),
        ("safetensors", sc.interchange.save_safetensors),
        ("safetensors", sc.interchange.load_safetensors),
    ):
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.setitem(sys.modules, f"{library}.numpy", None)
        with pytest.raises(ImportError, match=rf"pip install 'scratchcnn\[{library}\]'"):
            call(NETWORKS["rows"](), tmp_path / "model")
