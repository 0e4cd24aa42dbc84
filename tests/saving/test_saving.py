"""Models as files: nothing is lost, training goes on to the same bits, and bad files end in a clear error."""

import json
import os

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, small_network, some_digits

IMAGES, LABELS = some_digits(60)


STAIRS = sc.schedules.StepDecay(0.01, every=3)


OPTIMIZERS = [
    sc.SGD(0.05),
    sc.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-3, global_clipnorm=1.0),
    sc.Adam(0.01),
    sc.Adam(STAIRS, beta_1=0.8, epsilon=1e-5),
    sc.AdamW(sc.schedules.OneCycle(0.01, steps=12)),
    sc.Adam(sc.schedules.CosineDecay(0.01, steps=12, warmup_steps=2)),
]


def fresh(optimizer):
    return type(optimizer)(**optimizer.config())


def test_a_loaded_model_is_the_one_that_was_saved(tmp_path):
    model = compiled_network(seed=7, dtype="float64")
    model.fit(IMAGES, LABELS, verbose=0)
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz")
    assert all_arrays(loaded) == all_arrays(model)
    assert repr(loaded) == repr(model)
    assert repr(loaded.optimizer) == repr(model.optimizer)
    assert loaded.optimizer.iterations == model.optimizer.iterations == 2
    assert loaded.rng.bit_generator.state == model.rng.bit_generator.state
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))
    assert loaded.evaluate(IMAGES, LABELS) == model.evaluate(IMAGES, LABELS)


def test_every_layer_survives_with_all_its_arguments(tmp_path):
    layers = [
        sc.Rescaling(1 / 127.5, offset=-1),
        sc.Conv2D(3, (3, 2), strides=2, padding="same", use_bias=False, kernel_initializer="he_normal"),
        sc.BatchNorm(momentum=0.9, epsilon=1e-5),
        sc.LeakyReLU(0.2),
        sc.AveragePool2D(2, strides=1),
        sc.Conv2D(6, 3, padding=((1, 0), (2, 1)), groups=3, dilation_rate=(1, 2)),
        sc.ELU(0.3),
        sc.Sigmoid(),
        sc.Tanh(),
        sc.Residual([sc.Conv2D(6, 3, padding="same", name="inner"), sc.ReLU()]),
        sc.Conv2D(4, 3),
        sc.ReLU(),
        sc.MaxPool2D((2, 3), padding="same"),
        sc.Dropout(0.1),
        sc.GlobalAveragePool2D(),
        sc.Flatten(),
        sc.Dense(10),
    ]
    assert {type(layer).__name__ for layer in layers} == set(sc.layers.LAYERS), "a layer is missing in this test"
    model = sc.Sequential(layers, input_shape=(28, 28, 1), fuse=False)
    model.compile(loss=sc.SoftmaxCrossEntropy(label_smoothing=0.1))
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz")
    assert [repr(layer) for layer in loaded.layers] == [repr(layer) for layer in layers]
    assert (loaded.fuse, loaded.loss.label_smoothing) == (False, 0.1)
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_training_continued_from_a_file_ends_in_the_bits_of_one_not_interrupted(tmp_path, optimizer):
    options = {"batch_size": 16, "validation_split": 0.2, "verbose": 0}
    whole = compiled_network(fresh(optimizer))
    expected = whole.fit(IMAGES, LABELS, epochs=4, **options).history

    first = compiled_network(fresh(optimizer))
    first.fit(IMAGES, LABELS, epochs=2, **options)
    first.save(tmp_path / "model.npz")
    second = sc.load_model(tmp_path / "model.npz")
    continued = second.fit(IMAGES, LABELS, epochs=4, initial_epoch=2, **options).history

    assert all_arrays(second) == all_arrays(whole)
    assert continued == {name: values[2:] for name, values in expected.items()}


def test_training_continued_from_a_checkpoint_after_ctrl_c_is_the_same_too(tmp_path):
    class CtrlC(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            if self.model.optimizer.iterations == 7:  # in the second epoch of four batches
                raise KeyboardInterrupt

    checkpoint = sc.callbacks.ModelCheckpoint(tmp_path / "latest.npz")
    whole, interrupted = compiled_network(), compiled_network()
    whole.fit(IMAGES, LABELS, batch_size=16, epochs=3, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(IMAGES, LABELS, batch_size=16, epochs=3, callbacks=[checkpoint, CtrlC()], verbose=0)
    model = sc.load_model(tmp_path / "latest.npz")
    model.fit(IMAGES, LABELS, batch_size=16, epochs=3, initial_epoch=len(interrupted.history.epoch), verbose=0)
    assert all_arrays(model) == all_arrays(whole)


def test_without_its_optimizer_a_model_is_loaded_uncompiled(tmp_path):
    for name, model in (("never compiled", small_network()), ("left out", compiled_network(sc.SGD(lambda step: 0.1)))):
        model.save(tmp_path / name, include_optimizer=False)
        loaded = sc.load_model(tmp_path / name)
        assert loaded.optimizer is None and loaded.loss is None
        assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))


def test_the_file_can_be_read_with_numpy_alone(tmp_path):
    model = compiled_network()
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert np.array_equal(file["conv2d/kernel"], model.layers[1].params["kernel"])
        assert file["batch_norm/moving_mean"].tolist() == [0, 0, 0, 0]
        assert file["optimizer.mean"].shape == model.parameters.shape
        assert json.loads(str(file["config"]))["layers"][1]["class"] == "Conv2D"


class Doubling(sc.Layer):
    def __init__(self, times=1):
        super().__init__()
        self.times = times

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return x * np.float32(2**self.times)

    def backward(self, dy):
        return dy * np.float32(2**self.times)

    def config(self):
        return {"times": self.times}


def test_layers_of_ones_own_are_loaded_from_the_classes_that_the_caller_hands_over(tmp_path):
    model = sc.Sequential([sc.Flatten(), Doubling(np.int64(3)), sc.Dense(4)], input_shape=(28, 28, 1))
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz", custom_layers=[Doubling])
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))
    with pytest.raises(
        ValueError, match=r"contains a 'Doubling', not one of Rescaling, .*pass your own in custom_layers"
    ):
        sc.load_model(tmp_path / "model.npz")


class Failure(Exception):
    pass


@pytest.mark.parametrize("moment", ["numpy.savez", "os.fsync", "os.replace"])
def test_when_saving_fails_the_old_file_is_as_it_was_and_nothing_lies_about(tmp_path, monkeypatch, moment):
    path, model = tmp_path / "model.npz", compiled_network()
    model.save(path)
    before = path.read_bytes()
    model.parameters.fill(1)

    def fail(*arguments, **more):
        if moment == "numpy.savez":
            arguments[0].write(b"half of it")
        raise Failure

    monkeypatch.setattr(moment, fail)
    with pytest.raises(Failure):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        compiled_network().save(tmp_path / "nowhere" / "model.npz")
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        sc.load_model(tmp_path / "nothing.npz")


@pytest.mark.skipif(os.name != "posix", reason="links and permissions of POSIX systems")
def test_a_saved_file_has_the_usual_permissions_and_a_link_stays_a_link(tmp_path):
    (tmp_path / "plain").write_text("")
    (tmp_path / "link.npz").symlink_to(tmp_path / "target.npz")
    small_network().save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert sc.load_model(tmp_path / "target.npz").count_params() == small_network().count_params()
    assert (tmp_path / "target.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_cannot_be_loaded_again_is_refused_when_it_is_saved(tmp_path):
    class OwnAdam(sc.Adam):
        def __init__(self, secret):
            super().__init__()
            self._secret = secret

    class OwnLoss(sc.SoftmaxCrossEntropy):
        def config(self):
            return {"smoothing": self.label_smoothing}

    for optimizer, loss in ((sc.SGD(lambda step: 0.1), None), (OwnAdam(3), None), (sc.Adam(), OwnLoss())):
        model = small_network()
        model.compile(optimizer, loss)
        with pytest.raises(ValueError, match=r"cannot save .*(include_optimizer=False|must return the arguments)"):
            model.save(tmp_path / "model.npz")
    assert os.listdir(tmp_path) == []
