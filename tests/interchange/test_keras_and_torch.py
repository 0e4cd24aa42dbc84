"""Weights from and to Keras and PyTorch: layouts, the order after a Flatten, and networks that differ."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc

pytestmark = pytest.mark.usefixtures("reference")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 9, 8, 3)).astype(np.float32)


def own(**norm):
    layers = [sc.Conv2D(6, (3, 2), activation="relu"), sc.BatchNorm(**norm), sc.MaxPool2D(2)]
    layers += [sc.Conv2D(4, 2, groups=2, use_bias=False), sc.ReLU(), sc.Flatten(), sc.BatchNorm(**norm)]
    model = sc.Sequential([*layers, sc.Dropout(0.2), sc.Dense(7), sc.Tanh(), sc.Dense(3)], input_shape=(9, 8, 3))
    for array in (a for layer in model.layers for a in (*layer.params.values(), *layer.state.values())):
        array[...] = RNG.uniform(0.5, 1.5, array.shape)
    return model


class Layer:
    """A layer of Keras, as far as its weights go."""

    def __init__(self, kind, weights, **attributes):
        self.__class__ = type(kind, (Layer,), {})
        self.weights, self.name = weights, kind.lower()
        vars(self).update(attributes)

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


class Model:
    def __init__(self, *layers):
        self.layers = layers


def keras_twin(model, epsilon=1e-3):
    kinds = {sc.Conv2D: "Conv2D", sc.Dense: "Dense", sc.BatchNorm: "BatchNormalization"}
    layers = [layer for layer in model.layers if layer.params]
    twins = [Layer(kinds[type(layer)], [0 * a for a in layer.get_weights()], epsilon=epsilon) for layer in layers]
    return Model(Layer("Rescaling", []), twins[0], Model(*twins[1:]))


def test_weights_go_to_keras_and_back():
    model, other = own(), own()
    keras_model = keras_twin(model)
    sc.interchange.to_keras(model, keras_model)
    sc.interchange.from_keras(other, keras_model)
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def strided(**settings):
    """Return a change of a Keras model's first layer: its weights stay, its settings do not."""
    return lambda m: Model(Layer("Conv2D", m.layers[1].weights, **settings), *m.layers[2:])


BAD_KERAS = {
    "other strides": (strided(strides=(2, 2)), r"have strides=\(1, 1\) and \(2, 2\); make one as the other is"),
    "other padding": (strided(padding="same"), "have padding='valid' and 'same'"),
    "other dilation": (strided(dilation_rate=(2, 1)), r"have dilation_rate=\(1, 1\) and \(2, 1\)"),
    "other groups": (strided(groups=3), "have groups=1 and 3"),
    "fewer layers": (lambda m: Model(*m.layers[:2]), "6 layers with weights here"),
    "another kind": (lambda m: Model(Layer("Dense", m.layers[1].weights), *m.layers[2:]), "a Conv2D and a Dense"),
    "channels first": (
        lambda m: Model(Layer("Conv2D", m.layers[1].weights, data_format="channels_first"), *m.layers[2:]),
        "channels first",
    ),
    "other filters": (lambda m: Model(Layer("Conv2D", [np.ones((3, 2, 3, 5)), np.ones(5)]), *m.layers[2:]), "shapes"),
}


@pytest.mark.parametrize("case", BAD_KERAS)
def test_a_keras_model_of_another_network_is_refused_and_nothing_is_changed(case):
    change, message = BAD_KERAS[case]
    model = own()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        sc.interchange.from_keras(model, change(keras_twin(model)))
    with pytest.raises(ValueError, match=r"pass BatchNorm\(epsilon=...\)"):
        sc.interchange.from_keras(model, keras_twin(model, epsilon=1e-5))
    assert all(map(np.array_equal, model.get_weights(), before))


def test_the_real_keras_answers_the_same():
    keras = pytest.importorskip("keras", reason="needs keras and one of its backends")
    layers = keras.layers
    keras_model = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            *(layers.Conv2D(6, (3, 2), activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(2)),
            *(layers.Conv2D(4, 2, groups=2, use_bias=False), layers.ReLU(), layers.Flatten()),
            *(layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(7, "tanh"), layers.Dense(3)),
        ]
    )
    model = own()
    sc.interchange.to_keras(model, keras_model)
    expected = keras.ops.convert_to_numpy(keras_model(X, training=False))
    np.testing.assert_allclose(model(X), expected, atol=1e-5 * np.abs(expected).max())
    other = own()
    sc.interchange.from_keras(other, keras_model)
    assert np.array_equal(other(X), model(X))


TORCH = {"epsilon": 1e-5, "momentum": 0.9}


def torch_names(model):
    """Return a state dict of PyTorch's shapes, zeros, for the network of ``own``."""
    shapes = {
        **{"0.weight": (6, 3, 3, 2), "0.bias": (6,)},
        **{f"2.{name}": (6,) for name in ("weight", "bias", "running_mean", "running_var")},
        **{"2.num_batches_tracked": (), "4.weight": (4, 3, 2, 2)},
        **{f"7.{name}": (4 * 2 * 2,) for name in ("weight", "bias", "running_mean", "running_var")},
        **{"9.weight": (7, 16), "9.bias": (7,), "11.weight": (3, 7), "11.bias": (3,)},
    }
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def test_weights_go_to_pytorch_and_back():
    model, other = own(**TORCH), own(**TORCH)
    state_dict = sc.interchange.to_torch(model, torch_names(model))
    assert {name: a.shape for name, a in state_dict.items()} == {n: a.shape for n, a in torch_names(model).items()}
    sc.interchange.from_torch(other, state_dict)
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def test_a_dense_layer_after_a_flatten_sees_the_pixels_in_pytorchs_order():
    model = sc.Sequential([sc.Flatten(), sc.Dense(1, use_bias=False)], input_shape=(2, 3, 2))
    x = RNG.normal(size=(1, 2, 3, 2)).astype(np.float32)
    weight = np.arange(12, dtype=np.float32).reshape(1, 12)
    sc.interchange.from_torch(model, {"fc.weight": weight})
    np.testing.assert_allclose(model(x)[0, 0], x.transpose(0, 3, 1, 2).reshape(-1) @ weight[0], rtol=1e-5)


BAD_TORCH = {
    "fewer modules": (lambda d: {"0.weight": d["0.weight"], "0.bias": d["0.bias"]}, "6 layers with weights here"),
    "no bias": (lambda d: {k: v for k, v in d.items() if k != "0.bias"}, "has bias, weight, the module '0' weight"),
    "other filters": (lambda d: {**d, "0.weight": np.zeros((6, 3, 3, 3))}, "0.weight has the shape"),
}


@pytest.mark.parametrize("case", BAD_TORCH)
def test_a_state_dict_of_another_network_is_refused_and_nothing_is_changed(case):
    change, message = BAD_TORCH[case]
    model = own(**TORCH)
    before = model.get_weights()
    state_dict = change(torch_names(model))
    for call in (sc.interchange.from_torch, sc.interchange.to_torch):
        with pytest.raises(ValueError, match=message):
            call(model, state_dict)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_the_real_pytorch_answers_the_same():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    nn = torch.nn
    torch_model = nn.Sequential(
        *(nn.Conv2d(3, 6, (3, 2)), nn.ReLU(), nn.BatchNorm2d(6), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 4, 2, groups=2, bias=False), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(16)),
        *(nn.Dropout(0.2), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 3)),
    ).eval()
    model = own(**TORCH)
    torch_model.load_state_dict(sc.interchange.to_torch(model, torch_model.state_dict()))
    expected = torch_model(torch.from_numpy(X.transpose(0, 3, 1, 2).copy())).detach().numpy()
    np.testing.assert_allclose(model(X), expected, atol=1e-5 * np.abs(expected).max())
    other = own(**TORCH)
    sc.interchange.from_torch(other, torch_model.state_dict())
    assert np.array_equal(other(X), model(X))


def test_a_torch_data_loader_trains():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    x, y = torch.from_numpy(X.transpose(0, 3, 1, 2).copy()), torch.tensor([0, 1, 2, 0])
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=2)
    model, same = own(), own()
    same.set_weights(model.get_weights())
    for each in (model, same):
        each.compile(sc.SGD(0.01))
    model.fit(loader, epochs=2, verbose=0)
    same.fit(X, y.numpy(), batch_size=2, epochs=2, shuffle=False, verbose=0)
    assert all(map(np.array_equal, model.get_weights(), same.get_weights()))
