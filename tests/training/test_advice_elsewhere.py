"""Wrong advice of all other messages: what they tell the user to do is done here, and ends well."""

import numpy as np
import pytest

import scratchcnn as sc

pytestmark = pytest.mark.usefixtures("reference")


def small_model(*layers, input_shape=(6, 6, 1)):
    model = sc.Sequential(layers or [sc.Flatten(), sc.Dense(3)], input_shape=input_shape)
    model.compile(sc.SGD(0.01))
    return model


X, Y = np.random.default_rng(0).normal(size=(12, 6, 6, 1)).astype(np.float32), np.arange(12) % 3


def fit(model=None, **options):
    return (model or small_model()).fit(X, Y, verbose=0, **options)


def uncompiled():
    return sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=(6, 6, 1))


def compiled_as_told():
    model = uncompiled()
    model.compile(optimizer=sc.Adam(1e-3))
    return model


class OwnLoss(sc.SoftmaxCrossEntropy):
    config = None  # nobody knows how it was made


class OwnLayer(sc.ReLU):
    pass


def saved(folder, model, **options):
    model.save(folder / "model.npz", **options)
    return folder / "model.npz"


def with_own_loss():
    model = small_model()
    model.compile(sc.SGD(0.01), OwnLoss())
    return model


VECTOR, GAPS = np.ones(8, np.float32), np.ones(16, np.float32)[::2]


ELSEWHERE = {  # what is done wrong, what the message says, and that done as it says
    "a class for a layer": (
        lambda _: small_model(sc.Flatten),
        r"is the class Flatten; write Flatten\(...\)",
        lambda _: small_model(sc.Flatten(), sc.Dense(3)),
    ),
    "no Flatten before Dense": (
        lambda _: small_model(sc.Conv2D(2, 3), sc.Dense(3)),
        "put a Flatten before it",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)),
    ),
    "a convolution after Flatten": (
        lambda _: small_model(sc.Flatten(), sc.Conv2D(2, 3), sc.Dense(3)),
        "put it before Flatten",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)),
    ),
    "images without channels": (
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3), input_shape=(6, 6)),
        r"input_shape be \(height, width, channels\), such as \(28, 28, 1\)",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3), input_shape=(6, 6, 1)),
    ),
    "a window too large": (
        lambda _: small_model(sc.Conv2D(2, 9), sc.Flatten(), sc.Dense(3)),
        'take a smaller window, .* or padding="same"',
        lambda _: small_model(sc.Conv2D(2, 9, padding="same"), sc.Flatten(), sc.Dense(3)),
    ),
    "no end": (
        lambda _: fit(small_model(sc.Conv2D(3, 3))),
        "end with a Flatten, or a GlobalAveragePool2D, and a Dense",
        lambda _: fit(small_model(sc.Conv2D(3, 3), sc.GlobalAveragePool2D(), sc.Dense(3))),
    ),
    "no end of rows": (
        lambda _: small_model(sc.ReLU(), input_shape=(6, 1)),
        "end with a Flatten and a Dense",
        lambda _: small_model(sc.ReLU(), sc.Flatten(), sc.Dense(3), input_shape=(6, 1)),
    ),
    "the name of an optimizer": (
        lambda _: uncompiled().compile("addam"),
        r"there are sc.SGD\(\), sc.Adam\(\)",
        lambda _: uncompiled().compile(sc.Adam(1e-3)),
    ),
    "the name of a loss": (
        lambda _: uncompiled().compile(loss="hinge"),
        r"there are sc.SoftmaxCrossEntropy\(\)",
        lambda _: uncompiled().compile(loss=sc.SoftmaxCrossEntropy()),
    ),
    "not compiled": (
        lambda _: fit(uncompiled()),
        r"call model.compile\(optimizer=Adam\(1e-3\)\) before fit",
        lambda _: fit(compiled_as_told()),
    ),
    "an augmentation's name": (
        lambda _: fit(augmentation="rotation"),
        r"an object such as Augmentation\(rotation=10\)",
        lambda _: fit(augmentation=sc.data.Augmentation(rotation=10)),
    ),
    "one image to distort": (
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0]),
        r"pass x\[np.newaxis\]",
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0][np.newaxis]),
    ),
    "a list for one image to distort": (
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0].tolist()),
        r"pass np.asarray\(x\)\[np.newaxis\]",
        lambda _: sc.data.Augmentation(rotation=10)(np.asarray(X[0, ..., 0].tolist())[np.newaxis]),
    ),
    "no validation": (
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping()]),
        "pass validation_data or validation_split",
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping()], validation_split=0.25),
    ),
    "validation twice": (
        lambda _: fit(validation_split=0.25, validation_data=(X, Y)),
        "pass validation_data or validation_split, not both",
        lambda _: fit(validation_data=(X, Y)),
    ),
    "a callback's class": (
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping]),
        r"write EarlyStopping\(...\)",
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping("loss")]),
    ),
    "a loss that cannot be saved": (
        lambda folder: saved(folder, with_own_loss()),
        r"save\(path, include_optimizer=False\)",
        lambda folder: sc.load_model(saved(folder, with_own_loss(), include_optimizer=False)),
    ),
    "a layer that is not known": (
        lambda folder: sc.load_model(saved(folder, small_model(OwnLayer(), sc.Flatten(), sc.Dense(3)))),
        "pass your own in custom_layers",
        lambda folder: sc.load_model(folder / "model.npz", custom_layers=[OwnLayer]),
    ),
    "gradients with gaps": (
        lambda _: sc.SGD(0.1).step(VECTOR.copy(), GAPS),
        r"pass np.ascontiguousarray\(gradients\)",
        lambda _: sc.SGD(0.1).step(VECTOR.copy(), np.ascontiguousarray(GAPS)),
    ),
    "nothing to look ahead for": (
        lambda _: sc.SGD(0.1, nesterov=True),
        "pass for example momentum=0.9",
        lambda _: sc.SGD(0.1, nesterov=True, momentum=0.9),
    ),
    "a number for a regularizer": (
        lambda _: sc.Dense(3, kernel_regularizer=0.01),
        r"write kernel_regularizer=sc.regularizers.L2\(0.01\)",
        lambda _: sc.Dense(3, kernel_regularizer=sc.regularizers.L2(0.01)),
    ),
    "an element type that IDX has not": (
        lambda folder: sc.data.write_idx(folder / "labels", Y.astype(np.int64)),
        "convert the array to one of .*int32",
        lambda folder: sc.data.write_idx(folder / "labels", Y.astype(np.int64).astype("int32")),
    ),
    "a data set's name": (
        lambda _: sc.data.load_data("MNIST digits"),
        "choose one of .*digits",
        lambda _: sc.data.load_data("digits"),
    ),
    "an initializer's name": (
        lambda _: sc.Dense(3, kernel_initializer="xavier"),
        "choose one of .*glorot_uniform",
        lambda _: sc.Dense(3, kernel_initializer="glorot_uniform"),
    ),
    "all frozen": (
        lambda _: fit(frozen()),
        "or all: model.trainable = True",
        lambda _: fit(thawed()),
    ),
}


def frozen():
    model = small_model()
    model.trainable = False
    return model


def thawed():
    model = frozen()
    model.trainable = True
    return model


@pytest.mark.parametrize("case", ELSEWHERE)
def test_advice_of_every_other_message_ends_well_when_it_is_followed(case, tmp_path):
    wrong, message, as_told = ELSEWHERE[case]
    with pytest.raises((ValueError, RuntimeError), match=message):
        wrong(tmp_path)
    as_told(tmp_path)
