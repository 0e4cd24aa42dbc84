"""The outputs of the layers and the gradient down to the pixels: right, and without a trace in the model."""

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import some_digits

X, Y = some_digits(6)


def a_model(dtype="float32", fuse=True, first=True):
    layers = [
        *([sc.Rescaling(1 / 255)] if first else []),
        *(sc.Conv2D(3, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(4, 3), sc.BatchNorm(), sc.Tanh()),
        sc.Residual([sc.Conv2D(4, 3, padding="same"), sc.BatchNorm(), sc.Sigmoid()]),
        *(sc.AveragePool2D(2), sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)),
    ]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=3, dtype=dtype, fuse=fuse)
    for layer in model.layers:
        for name, array in layer.state.items():
            array[...] = np.linspace(0.2, 0.9, array.size) + ("variance" in name)
    return model


@pytest.mark.parametrize("fuse", [True, False])
def test_layer_outputs_are_those_of_the_layers_one_by_one(fuse):
    model = a_model(fuse=fuse)
    outputs = model.layer_outputs(X)
    assert list(outputs) == [layer.name for layer in model.layers]
    np.testing.assert_allclose(outputs["dense"], model(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(outputs["relu"], np.maximum(outputs["conv2d"], 0))
    np.testing.assert_array_equal(outputs["dropout"], outputs["flatten"])
    np.testing.assert_allclose(outputs["rescaling"], X.reshape(outputs["rescaling"].shape) / 255, rtol=1e-6)
    assert not any(
        np.shares_memory(output, layer.output_buffer()) for layer in model.layers for output in outputs.values()
    )
    kept = outputs["conv2d"].copy()
    model.layer_outputs(X[::-1])
    np.testing.assert_array_equal(outputs["conv2d"], kept)


def test_the_input_gradient_is_that_of_finite_differences_with_respect_to_the_pixels():
    model = a_model("float64")
    rng, classes = np.random.default_rng(0), np.array([3, 7])
    x = X[:2].reshape(2, 28, 28, 1) + rng.uniform(0, 9, (2, 28, 28, 1))  # a constant background has no single maximum
    gradient = model.input_gradient(x, classes)
    assert gradient.shape == x.shape and gradient.dtype == np.float64
    for _ in range(20):
        place = (int(rng.integers(2)), int(rng.integers(28)), int(rng.integers(28)), 0)
        step = np.zeros_like(x)
        step[place] = 1e-4
        above, below = model(x + step), model(x - step)
        numerical = (above - below)[place[0], classes[place[0]]] / 2e-4
        np.testing.assert_allclose(gradient[place], numerical, rtol=1e-5, atol=1e-10)


def test_bytes_and_one_class_for_all_give_the_gradient_of_their_pixel_values():
    model = a_model()
    gradient = model.input_gradient(X, 4)
    assert gradient.dtype == np.float32 and gradient.shape == (6, 28, 28, 1)
    np.testing.assert_array_equal(gradient, model.input_gradient(X.astype(np.float32), [4] * 6))
    single = a_model(first=False)
    single.set_weights(model.get_weights())
    np.testing.assert_allclose(gradient, single.input_gradient(X / np.float32(255), 4) / 255, rtol=1e-3, atol=1e-8)


def test_a_training_by_hand_may_ask_between_forward_and_backward():
    one, other = a_model(), a_model()
    for model in (one, other):
        loss = sc.SoftmaxCrossEntropy()
        loss.forward(model.forward(X, training=True), Y)
        if model is other:
            model.layer_outputs(X[:3])
            model.input_gradient(X[:4], 1)
        model.backward(loss.backward())
    np.testing.assert_array_equal(one.gradients, other.gradients)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    assert one.rng.bit_generator.state == other.rng.bit_generator.state
    for mine, yours in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, yours)


class Ask(sc.callbacks.Callback):
    def on_train_batch_end(self, batch, logs):
        self.model.layer_outputs(X)
        self.model.input_gradient(X, 0)


def test_a_fit_that_is_watched_ends_with_the_bits_of_one_that_is_not():
    (x, y), _ = sc.data.load_data("digits")
    models = [a_model(), a_model()]
    for model, callbacks in zip(models, ([], [Ask()]), strict=True):
        model.compile(sc.Adam(1e-3))
        model.fit(x[:160], y[:160], callbacks=callbacks, verbose=0)
    assert len(models[1].recordings) == len(models[0].recordings) > 0
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)


@pytest.mark.parametrize(
    "x, class_, message",
    [
        (X[:, :20], 0, "the model takes images"),
        (X[:0], 0, "there are no images"),
        (X, 10, "class_ must be below 10"),
        (X, -1, "class_ must be at least 0"),
        (X, 1.5, "class_ must be an integer"),
        (X, [1, 2], "one label for each image"),
        (X, [11] * 6, "must lie between 0 and 9"),
        (X, "seven", "class_ must be an integer"),
    ],
)
def test_wrong_images_and_classes_are_refused(x, class_, message):
    model = a_model()
    with pytest.raises(ValueError, match=message):
        model.input_gradient(x, class_)


def test_outputs_that_are_no_row_of_classes_have_no_gradient_of_a_class():
    model = sc.Sequential([sc.Conv2D(2, 3)], input_shape=(28, 28, 1))
    assert model.layer_outputs(X)["conv2d"].shape == (6, 26, 26, 2)
    with pytest.raises(ValueError, match="needs outputs"):
        model.input_gradient(X, 0)
