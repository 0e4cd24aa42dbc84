"""The page opens, closes with its terminal, and says clearly which models it cannot show."""

import base64
import configparser
import os
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.draw import serve, server
from scratchcnn.draw.answers import Answers
from scratchcnn.draw.canvas import SIDE, prepared
from scratchcnn.draw.network_view import NetworkView
from support.pages import asked, running, small_reader
from support.processes import ROOT

PROGRAM = """
import scratchcnn as sc
from scratchcnn.draw import serve
layers = [sc.Rescaling(1 / 255), sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(10)]
serve(sc.Sequential(layers, input_shape=(28, 28, 1)), open_browser=False)
print("went on")
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process there")
def test_it_serves_until_ctrl_c_and_leaves_nothing_behind():
    environment = {**os.environ, "SCRATCHCNN_BACKEND": "reference", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:[0-9]+/[\w-]{32}/", program.stdout.readline())[0]
        with urllib.request.urlopen(address, timeout=5) as page:
            assert page.read().startswith(b"<!doctype html>")
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=10)
    finally:
        program.kill()
        program.communicate()
    assert program.returncode == 0 and out.endswith("The page is closed.\nwent on\n") and err == ""


@pytest.mark.parametrize(
    "layers, shape, message",
    [
        (
            [sc.Flatten, lambda: sc.Dense(10)],
            (32, 32, 3),
            r"must take images \(H, W, 1\) .* got input_shape=\(32, 32, 3\)",
        ),
        ([lambda: sc.Dense(10)], (784,), r"must take images \(H, W, 1\)"),
        ([sc.Flatten, lambda: sc.Dense(10)], (500, 500, 1), "at most 65,536 pixels"),
        ([sc.Flatten, lambda: sc.Dense(1)], (28, 28, 1), r"must end in sc.Dense\(K\).* got output_shape=\(1,\)"),
        ([lambda: sc.Conv2D(1, 3)], (28, 28, 1), "got output_shape=.26, 26, 1"),
    ],
)
def test_a_model_that_cannot_be_shown_is_refused(layers, shape, message):
    model = sc.Sequential([make() for make in layers], input_shape=shape)
    with pytest.raises(ValueError, match=message):
        serve(model, open_browser=False)


def test_a_model_of_another_loss_is_refused():
    model = small_reader()
    model.compile(loss=sc.MeanSquaredError())
    with pytest.raises(ValueError, match=r"softmax as its loss.*MeanSquaredError"):
        serve(model, open_browser=False)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"model": "digits.npz"}, r"model must be a Sequential, such as sc.load_model\(path\), got 'digits.npz'"),
        ({"port": -1}, "port must be at least 0, got -1"),
        ({"port": 65536}, "port must be at most 65535, got 65536"),
        ({"port": "8000"}, "port must be an integer, got '8000'"),
        ({"open_browser": 1}, "open_browser must be True or False, got 1"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        serve(**{"model": small_reader(), "open_browser": False, **arguments})


def test_a_port_in_use_is_refused_with_another_one_to_take(reference):
    with (
        running() as first,
        pytest.raises(OSError, match=f"cannot listen on port {first.port}: .*; port 0, the default, takes one"),
    ):
        serve(small_reader(), first.port, open_browser=False)


def test_a_text_browser_never_takes_the_terminal(monkeypatch):
    opened = []
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    server.open_page("http://127.0.0.1:1/x/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    server.open_page("http://127.0.0.1:1/x/")
    assert opened == ["http://127.0.0.1:1/x/"]


@pytest.mark.parametrize("shape, classes", [((20, 24, 1), 26), ((28, 28, 1), 2)])
def test_any_number_of_classes_and_any_size_of_image_will_do(reference, shape, classes):
    layers = [sc.Conv2D(2, 3), sc.ReLU(), sc.Flatten(), sc.Dense(classes)]
    with running(sc.Sequential(layers, input_shape=shape)) as page:
        model = asked(page)
        assert (model["classes"], model["input"], model["digits"]) == (classes, list(shape[:2]), False)
        ink = np.zeros((SIDE, SIDE), np.uint8)
        ink[40:200, 100:130] = 255
        seen = asked(page, "POST", "drawing", ink.tobytes())
        assert sum(seen["probabilities"]) == pytest.approx(1, abs=1e-5) and len(seen["probabilities"]) == classes
        assert asked(page, "POST", "drawing", bytes(SIDE * SIDE)) == {"image": None}


def test_a_model_trained_on_images_up_to_1_gets_such(reference):
    layers = [sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    (x, y), _ = sc.data.load_data("digits")
    model.compile(sc.SGD(1e-6))
    model.fit(x[:64] / np.float32(255), y[:64], verbose=0)
    assert NetworkView(model).outputs(x[0])[0].max() == 1.0


def test_the_answer_is_that_of_predict_and_nothing_of_the_model_changes(reference):
    model = small_reader(seed=3)
    before = [array.tobytes() for array in (*model.get_weights(), model.gradients)]
    image = sc.data.load_data("digits")[1][0][0]
    with running(model) as page:
        seen = asked(page, "POST", "image", image.tobytes())
        asked(page, "POST", "part?layer=5&row=1&column=2&channel=3", image.tobytes())
    np.testing.assert_allclose(seen["probabilities"], model.predict(image[None])[0], rtol=1e-6)
    assert [array.tobytes() for array in (*model.get_weights(), model.gradients)] == before


def unpacked(values):
    return np.frombuffer(base64.b64decode(values["bytes"]), np.int8) * (values["peak"] / 127)


@pytest.mark.parametrize("class_", [None, 3])
def test_what_is_shown_is_what_the_model_says_of_itself(reference, class_):
    model, image = small_reader(seed=3), sc.data.load_data("digits")[1][0][4]
    seen = NetworkView(model).see(image, class_)
    for values, output in zip(seen["layers"], model.layer_outputs(image[None]).values(), strict=True):
        if values is not None:  # a byte is as near as a half of its steps
            np.testing.assert_allclose(unpacked(values), output.ravel(), atol=values["peak"] / 250)
    evidence = model.input_gradient(image[None], seen["class"])[0, ..., 0] * image
    np.testing.assert_allclose(unpacked(seen["evidence"]), evidence.ravel(), atol=seen["evidence"]["peak"] / 250)
    assert seen["class"] == (seen["label"] if class_ is None else class_)


def test_evidence_adds_up_to_the_score_where_the_network_is_linear(reference):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1), seed=5)
    image = sc.data.load_data("digits")[1][0][0]
    seen = NetworkView(model).see(image)
    assert unpacked(seen["evidence"]).sum() == pytest.approx(model.forward(image[None])[0, seen["label"]], abs=0.02)


def test_a_drawing_is_prepared_as_pictures_are_wherever_it_stands():
    corner, middle = np.zeros((2, SIDE, SIDE), np.uint8)
    corner[10:110, 10:30] = middle[90:190, 130:150] = 255
    np.testing.assert_array_equal(prepared(corner, (28, 28)), prepared(middle, (28, 28)))
    assert prepared(corner, (28, 28)).max() == 255 and prepared(corner, (14, 20)).shape == (14, 20)


def test_the_page_is_among_the_files_of_the_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert "draw/assets/*" in config["options.package_data"]["scratchcnn"].split()  # which a wheel is made of


def test_every_kind_of_layer_has_words(reference):
    words = [layer["text"] for layer in Answers(small_reader()).view.description()["layers"]]
    assert all(words) and len(words) == 10
