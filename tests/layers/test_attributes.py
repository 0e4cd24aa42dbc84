"""A setting that is accepted and ignored: a misspelt attribute, one that comes too late, a value that means nothing.

Whatever is assigned to an object of the library counts, or is refused by an error that says what to do.
"""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, small_network, some_digits


@pytest.fixture(autouse=True)
def on_numpy():
    """What is claimed here is the same on either implementation, and one need not be compiled."""
    with sc.ops.using("reference"):
        yield


class Scale(sc.Layer):
    """A layer of the user's own, whose methods introduce what they like."""

    def __init__(self):
        super().__init__()
        self.factor = 2.0

    def build(self, input_shape, rng):
        for number in range(2):
            setattr(self, f"table{number}", number)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self.x, self._y = x, [setattr(self, "from_a_comprehension", value) for value in (1, 2)]
        return self.as_input(x) * self.factor

    def backward(self, dy):
        self.names = dy
        return dy * self.factor


MISSPELT = [
    (lambda: sc.Dense(3), "trainabel", "trainable"),
    (lambda: sc.Conv2D(3, 3), "stride", "strides"),
    (lambda: sc.Conv2D(3, 3), "kernel_sise", "kernel_size"),
    (lambda: sc.Dropout(0.5), "p", "rate"),
    (lambda: sc.BatchNorm(), "momentun", "momentum"),
    (lambda: sc.LeakyReLU(), "slope", "negative_slope"),
    (lambda: sc.Adam(), "lr", "learning_rate"),
    (lambda: sc.Adam(), "beta1", "beta_1"),
    (lambda: sc.SGD(), "nestrov", "nesterov"),
    (lambda: sc.SGD(), "momentm", "momentum"),
    (lambda: sc.regularizers.L2(), "l", "l2"),
    (lambda: sc.SoftmaxCrossEntropy(), "smoothing", "label_smoothing"),
    (lambda: sc.callbacks.EarlyStopping(), "patince", "patience"),
    (lambda: sc.callbacks.ModelCheckpoint("x"), "save_best", "save_best_only"),
    (lambda: sc.callbacks.CSVLogger("x"), "apend", "append"),
    (lambda: sc.ExponentialMovingAverage(), "dekay", "decay"),
    (lambda: sc.schedules.OneCycle(0.1, 100), "peek", "peak"),
    (small_network, "stop_trainig", "stop_training"),
    (small_network, "optimiser", "optimizer"),
    (lambda: sc.ShiftAverage(small_network()), "reech", "reach"),
    (lambda: Scale(), "trainabel", "trainable"),
    (lambda: Scale(), "facter", "factor"),
]


@pytest.mark.parametrize(("make", "name", "meant"), MISSPELT, ids=[name for _, name, _ in MISSPELT])
def test_a_misspelt_attribute_is_refused_and_the_right_one_named(make, name, meant):
    thing = make()
    with pytest.raises(
        AttributeError, match=rf"^{type(thing).__name__} has no attribute '{name}'; did you mean '{meant}'"
    ):
        setattr(thing, name, 0.5)
    assert not hasattr(thing, name)
    getattr(thing, meant)


@pytest.mark.parametrize("make", [lambda: sc.Dense(3), small_network, sc.SGD, sc.callbacks.Callback])
def test_an_attribute_like_no_other_is_refused_and_what_there_is_listed(make):
    thing = make()
    with pytest.raises(AttributeError, match=r"has no attribute 'xyzzy'; there are .* Names of your own begin with _"):
        thing.xyzzy = 1
    thing._xyzzy = 1  # the advice


def test_a_function_whose_first_argument_is_a_layer_is_no_method_of_it():
    def freeze(layer):
        layer.trainabel = False

    with pytest.raises(AttributeError, match="did you mean 'trainable'"):
        freeze(sc.Dense(3))


def test_methods_of_a_class_of_ones_own_introduce_what_they_like():
    model = sc.Sequential([sc.Flatten(), sc.Dense(3), Scale(), sc.Dense(10)], (28, 28, 1))
    model.compile()
    model.fit(*some_digits(20), verbose=0)
    layer = model.layers[2]
    assert layer.table1 == 1 and layer.names is not None
    layer.factor2 = layer.note = "names that nobody would misspell are free"
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin.note == layer.note


def test_helpers_that_a_method_calls_introduce_what_they_like():
    def keep(thing, **arguments):
        for name, value in arguments.items():
            setattr(thing, name, value)

    class Own(sc.Dense):
        def __init__(this, units):
            super().__init__(units)
            keep(this, unit=1, kernel_initializers=2)
            this.dtypes = 3

    assert Own(3).dtypes == 3
    with pytest.raises(AttributeError, match="did you mean 'trainable'"):
        keep(Own(3), trainabel=1)


def test_what_a_callback_misspells_is_refused_while_methods_of_the_model_are_at_work():
    class Model(sc.Sequential):
        def fit(self, *arguments, **named):
            return super().fit(*arguments, **named)

    class Stops(sc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_trainig = True

    model = Model([sc.Flatten(), sc.Dense(10)], (28, 28, 1))
    model.compile()
    with pytest.raises(AttributeError, match="did you mean 'stop_training'"):
        model.fit(*some_digits(20), verbose=0, callbacks=Stops())


def test_methods_may_be_replaced_and_declared_attributes_set():
    callback, model = sc.callbacks.Callback(), small_network()
    callback.model, callback.epochs, callback.on_train_end = model, 1, lambda: None
    model.layers[1].forward = lambda x, training=False: x
    model.stop_training = True


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (1, "filters", 8),
        (1, "kernel_size", 5),
        (1, "strides", 1),
        (1, "padding", "same"),
        (1, "use_bias", False),
        (1, "kernel_initializer", "zeros"),
        (4, "pool_size", 3),
        (4, "strides", (1, 1)),
        (4, "padding", "same"),
        (7, "units", 5),
        (7, "use_bias", False),
        (7, "input_shape", (7,)),
        (7, "output_shape", (7,)),
        (7, "dtype", "float64"),
        (7, "name", "head"),
    ],
)
def test_what_build_has_made_shapes_of_is_fixed(place, name, value):
    layer = small_network().layers[place]
    before = getattr(layer, name)
    with pytest.raises(AttributeError, match=rf"\.{name} is fixed once the layer is .*; make a new"):
        setattr(layer, name, value)
    assert getattr(layer, name) == before
    setattr(layer, name, before)  # nothing changes


def test_a_setting_assigned_before_build_counts():
    layer = sc.Conv2D(2, 3)
    layer.filters, layer.strides = 5, 2
    assert layer.build((7, 7, 1), np.random.default_rng(0)) == (3, 3, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layers", []),
        ("plan", []),
        ("input_shape", (3,)),
        ("output_shape", (3,)),
        ("seed", 7),
        ("dtype", "float64"),
        ("fuse", False),
        ("rng", np.random.default_rng(7)),
    ],
)
def test_what_a_network_has_been_made_of_is_fixed(name, value):
    model = small_network()
    with pytest.raises(AttributeError, match=rf"model\.{name} is fixed once the model is made"):
        setattr(model, name, value)


def test_the_layers_of_a_model_cannot_be_exchanged():
    layers = [sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, (28, 28, 1))
    layers.append(sc.ReLU())
    assert len(model.layers) == 2
    with pytest.raises(TypeError):
        model.layers[0] = sc.ReLU()
    assert not hasattr(model.layers, "append") and not hasattr(model.layers, "pop")


REFUSED = [
    (lambda: sc.Dropout(0.5), "rate", 1.5, "Dropout: rate is the share to drop, at least 0 and below 1, got 1.5"),
    (lambda: sc.Dropout(0.5), "rate", "0.5", "Dropout: rate must be a number, got '0.5'"),
    (lambda: sc.LeakyReLU(), "negative_slope", -1, "LeakyReLU: negative_slope must be a finite number >= 0, got -1"),
    (lambda: sc.BatchNorm(), "momentum", 2, "BatchNorm: momentum must be from 0 to 1, got 2"),
    (lambda: sc.BatchNorm(), "epsilon", 0, "BatchNorm: epsilon must be above 0, got 0"),
    (lambda: sc.Rescaling(1), "scale", np.inf, "Rescaling: scale must be a finite number, got inf"),
    (lambda: sc.Rescaling(1), "offset", None, "Rescaling: offset must be a number, got None"),
    (lambda: sc.Conv2D(2, 3), "filters", 0, "Conv2D: filters must be at least 1, got 0"),
    (lambda: sc.Conv2D(2, 3), "use_bias", "False", "Conv2D: use_bias must be True or False, got 'False'"),
    (lambda: sc.MaxPool2D(), "pool_size", 16, "MaxPool2D: pool_size may cover at most 255 pixels"),
    (lambda: sc.SoftmaxCrossEntropy(), "label_smoothing", 1, "label_smoothing must be at least 0 and below 1, got 1"),
    (lambda: sc.callbacks.EarlyStopping(), "patience", -1, "patience must be at least 0, got -1"),
    (lambda: sc.callbacks.EarlyStopping(), "restore_best_weights", "no", "restore_best_weights must be True or False"),
    (lambda: sc.callbacks.EarlyStopping(), "monitor", "val_acc", r'must be a Monitor, such as sc.callbacks.Monitor\("'),
    (lambda: sc.callbacks.ModelCheckpoint("x"), "save_best_only", 2, "save_best_only must be True or False, got 2"),
    (lambda: sc.callbacks.ModelCheckpoint("x"), "path", "{}", "needs names in its braces"),
    (lambda: sc.callbacks.CSVLogger("x"), "append", "no", "append must be True or False, got 'no'"),
    (lambda: sc.ExponentialMovingAverage(), "decay", 1, r"decay must lie in \[0, 1\), got 1"),
    (small_network, "optimizer", "adam", r"optimizer must be an object such as Adam\(1e-3\), got 'adam'"),
    (small_network, "loss", "mse", r"loss must be an object such as SoftmaxCrossEntropy\(\), .*got 'mse'"),
    (lambda: sc.Dense(3), "dtype", "float16", 'Dense.dtype must be "float32" or "float64", got float16'),
    (lambda: sc.Dense(3), "name", "a/b", "the name of a layer must be a text without /, got 'a/b'"),
]


@pytest.mark.parametrize(("make", "name", "value", "message"), REFUSED, ids=[f"{r[1]}={r[2]}" for r in REFUSED])
def test_an_assigned_setting_is_checked_as_in_the_constructor(make, name, value, message):
    thing = make()
    before = getattr(thing, name)
    with pytest.raises(ValueError, match=message):
        setattr(thing, name, value)
    assert getattr(thing, name) == before


@pytest.mark.parametrize(
    "arguments", [{"seed": True}, {"fuse": "no"}, {"dtype": "float16"}], ids=["seed", "fuse", "dtype"]
)
def test_arguments_that_mean_something_else_are_refused(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        small_network(**arguments)


def test_an_optimizer_that_is_assigned_is_tied_to_the_model_and_saved(tmp_path):
    model = compiled_network(sc.SGD(0.1))
    model.optimizer = sc.Adam()
    model.save(tmp_path / "model.npz")
    assert sc.load_model(tmp_path / "model.npz").optimizer.slots.keys() == {"mean", "variance"}
    with pytest.raises(ValueError, match="already optimizes another model"):
        small_network().optimizer = model.optimizer


def test_shuffle_must_be_yes_or_no():
    with pytest.raises(ValueError, match="shuffle must be True or False, got 'batch'"):
        compiled_network().fit(*some_digits(20), shuffle="batch", verbose=0)


def test_an_assigned_setting_counts_from_the_next_batch_on():
    def trained(change):
        model = compiled_network(dropout=0.25)
        for _ in range(4):
            model.fit(*some_digits(40), batch_size=20, verbose=0)
        change(model)
        return all_arrays(model), all_arrays_after(model)

    def all_arrays_after(model):
        model.fit(*some_digits(40), batch_size=20, verbose=0)
        return all_arrays(model)

    same, usual = trained(lambda model: None)
    for change in (
        lambda model: setattr(model.layers[6], "rate", 0.5),
        lambda model: setattr(model.layers[2], "momentum", 0.5),
        lambda model: setattr(model.layers[2], "epsilon", 0.5),
        lambda model: setattr(model.layers[0], "scale", 0.5),
        lambda model: setattr(model.loss, "label_smoothing", 0.5),
        lambda model: setattr(model.optimizer, "beta_1", 0.5),
    ):
        before, after = trained(change)
        assert before == same and after != usual


def test_a_name_that_was_given_stays_and_is_saved(tmp_path):
    layers = [sc.Flatten(), sc.Dense(4), sc.ReLU(), sc.Dense(5), sc.Dense(10)]
    layers[1].name, layers[3].name = "features", "dense"
    model = sc.Sequential(layers, (28, 28, 1))
    assert [layer.name for layer in model.layers] == ["flatten", "features", "relu", "dense", "dense_1"]
    model.save(tmp_path / "model.npz")
    twin = sc.load_model(tmp_path / "model.npz")
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert [w.tobytes() for w in twin.get_weights()] == [w.tobytes() for w in model.get_weights()]


def test_two_layers_of_one_name_are_refused():
    layers = [sc.Flatten(), sc.Dense(4), sc.Dense(10)]
    layers[1].name = layers[2].name = "dense"
    with pytest.raises(ValueError, match="two layers are called 'dense'; the names in a model must differ"):
        sc.Sequential(layers, (28, 28, 1))


def test_a_dtype_given_to_a_layer_belongs_to_the_model():
    layer = sc.Dense(10)
    layer.dtype = "float64"
    with pytest.raises(ValueError, match="was given the dtype float64; pass it to the model"):
        sc.Sequential([sc.Flatten(), layer], (28, 28, 1))
    model = sc.Sequential([sc.Flatten(), layer], (28, 28, 1), dtype="float64")
    assert model.parameters.dtype == np.float64


def test_a_schedule_cannot_be_changed_and_says_how_to_make_another():
    schedule = sc.schedules.OneCycle(0.1, 100)
    with pytest.raises(
        AttributeError, match=r"a OneCycle cannot be changed; make a new one, OneCycle\(\.\.\., peak=0.2\)"
    ):
        schedule.peak = 0.2
    assert schedule == sc.schedules.OneCycle(0.1, 100) and hash(schedule) == hash(sc.schedules.OneCycle(0.1, 100))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SCRATCHCNN_BACKEND": "refrence"}, "SCRATCHCNN_BACKEND is 'refrence'; it must be one of jit, reference"),
        ({"SCRATCHCNN_BAKEND": "reference"}, "SCRATCHCNN_BAKEND is not used; did you mean SCRATCHCNN_BACKEND"),
    ],
)
def test_misspelt_environment_variables_are_pointed_out(variables, message):
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", "import scratchcnn.ops"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and message in done.stderr
