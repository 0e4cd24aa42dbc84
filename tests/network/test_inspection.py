"""A look inside: outputs of every layer and gradients at every layer, as they are, and nothing else is changed."""

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(4)


def a_network():
    return [
        sc.Rescaling(1 / 255),
        *(sc.Conv2D(4, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2)),
        sc.Residual([sc.Conv2D(4, 3, padding="same"), sc.ReLU()]),
        *(sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2)),
        *(sc.Flatten(), sc.Dropout(0.5), sc.Dense(8), sc.ReLU(), sc.Dense(10)),
    ]


def trained(dtype="float64"):
    model = sc.Sequential(a_network(), input_shape=(28, 28, 1), seed=1, dtype=dtype)
    model.compile(sc.Adam(1e-3))
    model.fit(*some_digits(64), verbose=0)
    return model


def test_the_outputs_of_the_layers_are_those_of_the_layers_one_by_one(backend):
    model = trained()
    outputs = model.layer_outputs(IMAGES)
    assert list(outputs) == [layer.name for layer in model.layers]
    x = IMAGES[..., np.newaxis].astype(np.float64)
    for layer in sc.Sequential.__copy__(model).layers:
        x = layer.forward(x).copy()
        np.testing.assert_allclose(outputs[layer.name], x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(outputs["dense_1"], model(IMAGES), rtol=1e-7)


def test_the_input_gradient_is_that_of_finite_differences(backend):
    model = trained()
    gradient = model.input_gradient(IMAGES, LABELS)
    rng, x, step = np.random.default_rng(0), IMAGES[..., np.newaxis].astype(np.float64), 1e-4
    for image in range(len(IMAGES)):
        for row, column in rng.integers(4, 24, (6, 2)):
            up, down = x[image : image + 1].copy(), x[image : image + 1].copy()
            up[0, row, column] += step
            down[0, row, column] -= step
            numerical = (model(up) - model(down))[0, LABELS[image]] / (2 * step)
            assert gradient[image, row, column, 0] == pytest.approx(numerical, rel=1e-5, abs=1e-10)


def test_one_class_for_all_images_is_as_good_as_one_for_each():
    model = trained("float32")
    np.testing.assert_array_equal(model.input_gradient(IMAGES, 7), model.input_gradient(IMAGES, [7, 7, 7, 7]))
    gradients = model.layer_gradients(IMAGES, 7)
    np.testing.assert_array_equal(gradients["dense_1"], np.eye(10, dtype=np.float32)[[7] * 4])
    np.testing.assert_allclose(model.input_gradient(IMAGES, 7), gradients["rescaling"] / 255, rtol=1e-6)


def test_gradients_at_the_layers_are_those_of_the_chain_rule_in_the_last_layer():
    model = trained()
    gradients = model.layer_gradients(IMAGES, 2)
    np.testing.assert_allclose(gradients["relu_2"], np.tile(model.layers[-1].params["kernel"][:, 2], (4, 1)))


def test_what_is_returned_are_copies():
    model = trained("float32")
    outputs, gradient = model.layer_outputs(IMAGES), model.input_gradient(IMAGES, 1)
    kept = {name: output.copy() for name, output in outputs.items()}, gradient.copy()
    model.layer_outputs(IMAGES[::-1])
    model.input_gradient(IMAGES[::-1], 2)
    for name, output in outputs.items():
        np.testing.assert_array_equal(output, kept[0][name])
    np.testing.assert_array_equal(gradient, kept[1])


def test_a_look_in_the_middle_of_a_training_changes_nothing():
    class Look(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.layer_outputs(IMAGES)
            self.model.input_gradient(IMAGES, LABELS)

    models = []
    for callbacks in ([], [Look()]):
        model = sc.Sequential(a_network(), input_shape=(28, 28, 1), seed=1)
        model.compile(sc.Adam(1e-3))
        model.layers[1].trainable = False
        model.fit(*some_digits(64), batch_size=16, epochs=2, callbacks=callbacks, verbose=0)
        models.append(model)
    assert sc.recipes.checksum(models[0]) == sc.recipes.checksum(models[1])
    assert models[0].rng.bit_generator.state == models[1].rng.bit_generator.state
    before = models[0].gradients.copy()
    models[0].input_gradient(IMAGES, 3)
    np.testing.assert_array_equal(models[0].gradients, before)


def test_a_backward_by_hand_after_a_look_needs_a_forward():
    model = trained("float32")
    model.forward(IMAGES[..., np.newaxis], training=True)
    model.layer_outputs(IMAGES)
    with pytest.raises(RuntimeError, match="forward"):
        model.backward(np.zeros((4, 10), np.float32))


def test_what_is_no_class_or_no_image_is_refused():
    model = trained("float32")
    with pytest.raises(ValueError, match="between 0 and 9"):
        model.input_gradient(IMAGES, 10)
    with pytest.raises(ValueError, match="class_"):
        model.input_gradient(IMAGES, "seven")
    with pytest.raises(ValueError, match="4 images and 2 labels"):
        model.input_gradient(IMAGES, [1, 2])
    with pytest.raises(ValueError, match="28"):
        model.layer_outputs(np.zeros((1, 5, 5)))
    images = sc.Sequential([sc.Conv2D(2, 3)], input_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="one number for each class"):
        images.input_gradient(np.zeros((1, 8, 8)), 0)
