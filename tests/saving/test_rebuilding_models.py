"""Models that would come back as others: refused when saved; and what comes back, bit for bit."""

import json

import numpy as np
import pytest

import scratchcnn as sc
from support.rebuilding import IMAGES, Own, Times, model_of, returned
from support.small_networks import compiled_network, small_network


class Scaled(Own):
    def __init__(self):
        super().__init__()
        self.factor = 2.0
        self.seen = 0
        self.mask = None

    def forward(self, x, training=False):
        self.seen = self.seen + len(x)
        self.mask = x > 0
        return x * np.float32(self.factor)


def test_an_attribute_changed_since_is_refused_unless_the_layer_itself_notes_it(tmp_path):
    layer = Scaled()
    model_of(layer).predict(IMAGES)
    model = model_of(layer := Scaled())
    model.predict(IMAGES)
    model.save(tmp_path / "model")  # what it has seen and masked makes no other network
    layer.factor = 3.0
    with pytest.raises(
        ValueError, match=r"cannot save scaled: its factor is 3.0, but Scaled\(.*\) has 2.0; make it an"
    ):
        model.save(tmp_path / "model")


@pytest.mark.parametrize(
    ("place", "attribute", "value"),
    [
        (1, "filters", 5),
        (1, "use_bias", False),
        (1, "strides", (1, 1)),
        (1, "padding", "same"),
        (4, "pool_size", (4, 4)),
    ],
)
def test_a_layer_of_the_library_changed_after_it_was_built_is_refused(tmp_path, place, attribute, value):
    model = small_network()
    with pytest.raises(AttributeError, match="is fixed once the layer is built"):
        setattr(model.layers[place], attribute, value)
    model.save(tmp_path / "model")
    vars(model.layers[place])[attribute] = value
    with pytest.raises(ValueError, match="an attribute was changed after the model was made"):
        model.save(tmp_path / "model")


def test_the_layers_of_a_model_cannot_be_changed_after_it_was_made():
    for change in (
        lambda layers: layers.pop(),
        lambda layers: layers.append(sc.ReLU()),
        lambda layers: layers.reverse(),
    ):
        with pytest.raises(AttributeError, match="'tuple' object has no attribute"):
            change(small_network().layers)


class MyDense(sc.Dense):
    def forward(self, x, training=False):
        return super().forward(x, training) * np.float32(2)


class Wider(sc.Dense):
    def build(self, input_shape, rng):
        self.add_parameter("kernel", rng.standard_normal((input_shape[0], 2 * self.units)))
        return self.set_shapes(input_shape, (2 * self.units,))

    def forward(self, x, training=False):
        return x @ self.params["kernel"]


class Fixed(Own):
    """Keeps random numbers that are neither a parameter nor state."""

    def build(self, input_shape, rng):
        self.signs = np.sign(rng.standard_normal(input_shape)).astype(np.float32)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return x * self.signs


class Counting(Own):
    def build(self, input_shape, rng):
        self.state["count"] = np.zeros((), np.int64)
        self.state["seen"] = np.zeros(3, bool)
        return self.set_shapes(input_shape, input_shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_of_ones_own_come_back_bit_for_bit(tmp_path, dtype):
    loaded = returned(tmp_path, MyDense(7), sc.Dense(5), Fixed(), Wider(2), Counting(), seed=3, dtype=dtype)
    assert [type(layer).__name__ for layer in loaded.layers][1:6] == ["MyDense", "Dense", "Fixed", "Wider", "Counting"]
    assert loaded.layers[1].kernel_initializer == loaded.layers[2].kernel_initializer == "glorot_uniform"


def test_a_parameter_and_a_state_of_one_name_are_refused_when_saved(tmp_path):
    class Both(Own):
        def build(self, input_shape, rng):
            self.add_parameter("w", np.ones(3))
            self.state["w"] = np.zeros(3)
            return self.set_shapes(input_shape, input_shape)

    with pytest.raises(ValueError, match="'w' is both a parameter and state; rename one"):
        model_of(Both()).save(tmp_path / "model")


def test_classes_of_the_same_name_are_refused(tmp_path):
    def own(name):
        return type(name, (Own,), {})

    for layers in ((own("Dense")(),), (own("Mine")(), own("Mine")())):
        with pytest.raises(ValueError, match=r"there are two classes of layers called (Dense|Mine); rename one"):
            model_of(*layers).save(tmp_path / "model")
    small_network().save(tmp_path / "model")
    for classes in ([own("Conv2D")], [own("Mine"), own("Mine")], [Times(2)], ["Times"]):
        with pytest.raises(ValueError, match="custom_layers"):
            sc.load_model(tmp_path / "model", custom_layers=classes)
    sc.load_model(tmp_path / "model", custom_layers=[sc.Dense, Own, Own])


def test_names_that_look_alike_and_names_of_ones_own_lose_no_array(tmp_path):
    named = [type(name, (MyDense,), {}) for name in ("Dense_1", "dense")]
    layers = sc.Dense(4), sc.Dense(5), named[0](6), named[1](7)
    layers[1].name = "dense_1"
    model = model_of(*layers)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
    model.save(tmp_path / "model")
    loaded = sc.load_model(tmp_path / "model", custom_layers=named)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))


def test_a_generator_of_another_kind_is_refused_when_saved(tmp_path):
    model = small_network()
    vars(model)["rng"] = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(ValueError, match=r"model\.rng must be made by numpy\.random\.default_rng\(seed\)"):
        model.save(tmp_path / "model")


def rewritten(path, change):
    """Change what a file holds: a dictionary of the arrays, and the config as JSON."""
    with np.load(path) as file:
        arrays = dict(file)
    config = json.loads(str(arrays["config"]))
    change(arrays, config)
    with open(path, "wb") as file:
        np.savez(file, **{**arrays, "config": np.array(json.dumps(config))})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda arrays, config: arrays.update({"dense/extra": np.zeros(3)}),
            r"no place in this network: \['dense/extra'\]",
        ),
        (lambda arrays, config: arrays.update({"optimizer.third": np.zeros(3)}), r"no place .*'optimizer\.third'"),
        (lambda arrays, config: config.pop("optimizer"), r"no place .*'optimizer\.mean', 'optimizer\.variance'"),
        (lambda arrays, config: arrays.update({"rescaling/kernel": np.zeros(3)}), r"no place .*'rescaling/kernel'"),
        (lambda arrays, config: arrays.pop("optimizer.mean"), r"optimizer\.mean is not a file in the archive"),
        (lambda arrays, config: arrays.pop("batch_norm/moving_mean"), r"batch_norm/moving_mean is not a file"),
        (
            lambda arrays, config: config.update(precision="high"),
            r"its config has 'precision', unknown to this version",
        ),
        (lambda arrays, config: config["layers"][0].update(tied=1), r"\['layers'\]\[0\] has 'tied', unknown"),
        (lambda arrays, config: config["optimizer"]["config"].update(nu=1), "Adam has no argument nu"),
    ],
)
def test_what_has_no_place_in_the_loaded_model_is_an_error(tmp_path, change, message):
    compiled_network().save(tmp_path / "model")
    rewritten(tmp_path / "model", change)
    with pytest.raises(ValueError, match=message):
        sc.load_model(tmp_path / "model")


def test_a_file_of_the_first_version_is_loaded(tmp_path):
    config = """{"format": "scratchcnn model", "version": 1, "layers": [
        {"class": "Rescaling", "config": {"scale": 0.5, "offset": 0.0}},
        {"class": "Conv2D", "config": {"filters": 2, "kernel_size": [3, 3], "strides": [2, 2], "padding": "valid",
         "use_bias": true, "kernel_initializer": "glorot_uniform"}},
        {"class": "BatchNorm", "config": {"momentum": 0.99, "epsilon": 0.001}}, {"class": "Flatten", "config": {}},
        {"class": "Dense", "config": {"units": 3, "use_bias": false, "kernel_initializer": "he_normal"}}],
        "input_shape": [5, 5, 1], "seed": 7, "dtype": "float32", "fuse": true,
        "rng": {"bit_generator": "PCG64", "state": {"state": 35399562948360463058890781895381311971,
         "inc": 87136372517582989555478159403783844777}, "has_uint32": 0, "uinteger": 0},
        "optimizer": {"class": "SGD", "config":
        {"learning_rate": {"class": "Constant", "config": {"learning_rate": 0.1}},
         "weight_decay": 0.0, "global_clipnorm": null, "momentum": 0.9, "nesterov": true}}, "iterations": 5,
        "loss": {"class": "SoftmaxCrossEntropy", "config": {"label_smoothing": 0.1}}}"""
    shapes = {"conv2d/kernel": (3, 3, 1, 2), "conv2d/bias": (2,), "dense/kernel": (8, 3), "optimizer.velocity": (48,)}
    shapes |= {f"batch_norm/{name}": (2,) for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    arrays = {name: np.full(shape, number, np.float32) for number, (name, shape) in enumerate(shapes.items(), 1)}
    np.savez(tmp_path / "model.npz", config=np.array(config), **arrays)
    model = sc.load_model(tmp_path / "model.npz")
    assert (model.optimizer.iterations, model.optimizer.momentum, model.loss.label_smoothing) == (5, 0.9, 0.1)
    assert model.optimizer.learning_rate == 0.1  # which was a schedule of its own once
    assert model.layers[-1].params["kernel"].mean() == 3 and model.optimizer.slots["velocity"].mean() == 4
    with sc.ops.using("reference"):
        assert model.predict(np.ones((2, 5, 5, 1), np.uint8)).shape == (2, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("padding", "strides", "use_bias"), [("same", 1, False), ("valid", (1, 2), True)])
def test_every_layer_and_option_answers_bit_for_bit_after_loading(tmp_path, dtype, padding, strides, use_bias):
    layers = [
        sc.Rescaling(1 / 127.5, offset=-1),
        sc.Conv2D(3, (3, 2), strides, padding, use_bias=use_bias, kernel_initializer="he_normal"),
        sc.BatchNorm(momentum=0.9, epsilon=1e-5),
        sc.LeakyReLU(0.2),
        sc.AveragePool2D((2, 1), 2, padding),
        sc.MaxPool2D((2, 3), None, padding),
        sc.ReLU(),
        sc.Dropout(0.1),
        sc.Flatten() if use_bias else sc.GlobalAveragePool2D(),
        sc.Dense(4, use_bias=use_bias, kernel_initializer="lecun_uniform"),
    ]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=5, dtype=dtype)
    model.layers[2].trainable = use_bias
    for layer in layers:
        made = {name: array.shape for name, array in (layer.params | layer.state).items()}
        assert layer.weight_shapes(layer.input_shape) == made
    model.set_weights([np.random.default_rng(1).uniform(0.5, 1, array.shape) for array in model.get_weights()])
    model.save(tmp_path / "model")
    loaded = sc.load_model(tmp_path / "model")
    with sc.ops.using("reference"):
        assert loaded.predict(IMAGES).tobytes() == model.predict(IMAGES).tobytes()
    assert repr(loaded) == repr(model)
    assert [layer.trainable for layer in loaded.layers] == [layer.trainable for layer in layers]
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
