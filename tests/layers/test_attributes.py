"""A setting that is accepted and ignored: a misspelt attribute, one that comes too late, a value that means nothing.

Whatever is assigned to an object of the library counts, or is refused by an error that says what to do.
"""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import small_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")


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
