"""Sequential: names, shapes, the flat vectors and their views, copies, and the summary."""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.layers.names import unique_names
from scratchcnn.network.summary import bytes_kept
from support.small_networks import all_arrays, compiled_network, random_images, small_network, some_digits


def test_layers_get_unique_names_in_the_style_of_keras():
    layers = [sc.Conv2D(2, 3), sc.ReLU(), sc.Conv2D(2, 3), sc.LeakyReLU(), sc.MaxPool2D(), sc.Conv2D(1, 1)]
    assert unique_names(layers) == ["conv2d", "relu", "conv2d_1", "leaky_relu", "max_pool2d", "conv2d_2"]
    assert unique_names([sc.GlobalAveragePool2D(), sc.BatchNorm()]) == ["global_average_pool2d", "batch_norm"]


def test_parameters_are_one_vector_in_the_order_of_the_layers():
    model = small_network()
    expected = [array.ravel() for layer in model.layers for array in layer.params.values()]
    assert np.array_equal(model.parameters, np.concatenate(expected))
    assert model.parameters.shape == model.gradients.shape == (model.count_params(),)


def test_layers_see_the_flat_vectors_through_views():
    model = small_network()
    model.parameters[...] = np.arange(model.parameters.size)
    model.gradients[...] = 7
    assert model.layers[1].params["kernel"].ravel().tolist() == list(range(36))
    assert all((array == 7).all() for layer in model.layers for array in layer.grads.values())
    for layer in model.layers:
        for name in layer.params:
            assert np.shares_memory(layer.params[name], model.parameters)
            assert np.shares_memory(layer.grads[name], model.gradients)


def test_backward_fills_all_gradients_and_updates_nothing():
    model = small_network()
    before = model.parameters.copy()
    model.gradients.fill(np.nan)
    logits = model.forward(random_images(), training=True)
    dx = model.backward(np.ones_like(logits))
    assert np.isfinite(model.gradients).all()
    assert dx.shape == (6, 28, 28, 1)
    assert np.array_equal(model.parameters, before)


def test_backward_without_the_input_gradient_gives_the_same_parameter_gradients():
    gradients = []
    for input_gradient in (True, False, True):
        model = small_network(dropout=0)
        logits = model.forward(random_images(), training=True)
        dx = model.backward(np.ones_like(logits), input_gradient)
        assert (dx is not None) == input_gradient
        gradients.append(model.gradients.copy())
    assert np.array_equal(gradients[0], gradients[1])
    assert np.array_equal(gradients[0], gradients[2])


def test_the_same_seed_makes_the_same_network_and_another_seed_another():
    assert np.array_equal(small_network(seed=3).parameters, small_network(seed=3).parameters)
    assert not np.array_equal(small_network(seed=3).parameters, small_network(seed=4).parameters)


def test_dtype_is_that_of_parameters_outputs_and_probabilities():
    for dtype in ("float32", "float64"):
        model = small_network(dtype=dtype)
        assert model.parameters.dtype == model.gradients.dtype == dtype
        assert model.forward(random_images()).dtype == model.predict(random_images()).dtype == dtype


def test_fused_and_unfused_networks_agree():
    fused, unfused = small_network(fuse=True), small_network(fuse=False)
    for model in (fused, unfused):
        logits = model.forward(random_images(), training=True)
        model.backward(logits)
    assert unfused.plan == unfused.layers
    np.testing.assert_allclose(fused.gradients, unfused.gradients, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fused.predict(random_images()), unfused.predict(random_images()), rtol=1e-4)


def test_predict_returns_probabilities_of_its_own():
    model = small_network()
    first = model.predict(random_images(seed=1))
    kept = first.copy()
    model.predict(random_images(seed=2))
    assert np.array_equal(first, kept)
    assert first.shape == (6, 10) and first.flags.owndata
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-6)


def test_predictions_do_not_depend_on_the_batch_size():
    model = small_network()
    images = random_images(7)
    whole = model.predict(images)
    for batch_size in (1, 3, 7, 100):
        np.testing.assert_allclose(model.predict(images, batch_size), whole, rtol=1e-5)


def test_evaluate_is_the_mean_loss_and_the_fraction_of_right_answers():
    model = compiled_network()
    images, labels = some_digits(50)
    probabilities = model.predict(images)
    loss, accuracy = model.evaluate(images, labels, batch_size=16)
    assert loss == pytest.approx(-np.log(probabilities[np.arange(50), labels]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((probabilities.argmax(axis=1) == labels).mean())
    assert type(loss) is float and type(accuracy) is float


def test_weights_can_be_taken_out_and_put_back():
    model, other = small_network(seed=1), small_network(seed=2)
    model.layers[2].state["moving_mean"][...] = 5
    weights = model.get_weights()
    other.set_weights(weights)
    assert all_arrays(other) == all_arrays(model)
    model.parameters.fill(0)
    assert weights[0].any(), "get_weights must return copies"
    with pytest.raises(ValueError, match="the weights of another network"):
        small_network(norm=False).set_weights(weights)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_is_whole_and_trains_like_the_original(duplicate):
    model = compiled_network()
    images, labels = some_digits(40)
    model.fit(images, labels, verbose=0)
    twin = duplicate(model)
    assert not np.shares_memory(twin.parameters, model.parameters)
    for each in (model, twin):
        each.fit(images, labels, verbose=0)
    assert all_arrays(twin) == all_arrays(model)


def summary_rows(capsys, fuse):
    layers = [sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    sc.Sequential(layers, input_shape=(28, 28, 1), fuse=fuse).summary()
    lines = capsys.readouterr().out.splitlines()
    return {line.split("  ")[0]: line.split() for line in lines}


def test_summary_prints_shapes_parameters_multiply_adds_bytes_and_totals(capsys):
    rows = summary_rows(capsys, fuse=False)
    assert rows["conv2d"][1:5] == ["(N,", "26,", "26,", "32)"]
    # parameters 3*3*1*32 + 32; multiply-adds 26*26*32 * 9; bytes 26*26*32 * 4
    assert rows["conv2d"][-3:] == ["320", "194,688", "86,528"]
    # 13*13*32 outputs: 4 bytes each, and 1 for where the maximum was
    assert rows["max_pool2d"][-3:] == ["0", "0", "27,040"]
    assert rows["dense"][-3:] == ["54,090", "54,080", "40"]
    assert rows["total"][1:] == ["54,410", "248,768", "200,136"]


def test_summary_shows_what_was_fused_and_that_it_needs_less_memory(capsys):
    rows = summary_rows(capsys, fuse=True)
    assert rows["conv2d"][-2:] == ["320", "194,688"]
    assert rows["+ relu"][-2:] == ["0", "0"]
    assert rows["+ max_pool2d"][-3:] == ["0", "0", "27,040"]
    assert rows["total"][1:] == ["54,410", "248,768", "27,080"]


@pytest.mark.parametrize("fuse", [True, False])
def test_the_bytes_of_the_summary_are_those_that_forward_keeps(fuse):
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(3, 3), sc.ReLU(), sc.MaxPool2D(2), sc.AveragePool2D(2)]
    layers += [sc.LeakyReLU(), sc.Flatten(), sc.Dropout(0.5), sc.Dense(5), sc.ReLU(), sc.Dense(7)]
    model = sc.Sequential(layers, input_shape=(20, 20, 1), fuse=fuse)
    model.forward(random_images(1, (20, 20, 1)), training=True)
    assert {layer.name: bytes_kept(layer) for layer in model.plan} == {
        layer.name: sum(buffer.nbytes for buffer in layer.all_buffers()) for layer in model.plan
    }


def test_repr_is_the_code_that_makes_the_layers():
    model = small_network()
    assert eval(repr(model), vars(sc)).count_params() == model.count_params()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "a model needs at least one layer"),
        ([sc.Flatten(), "dense"], r"layers\[1\] must be a Layer, got 'dense'"),
        ([sc.Flatten], r"layers\[0\] is the class Flatten; write Flatten\(...\)"),
        ([sc.Dense(10)], r"layer 0, dense, cannot follow an output of shape \(28, 28, 1\): Dense expects \(N, D\)"),
        ([sc.Conv2D(4, 3), sc.Conv2D(4, 30)], r"layer 1, conv2d_1, cannot follow an output of shape \(26, 26, 4\): "),
    ],
)
def test_an_impossible_network_is_refused_and_its_layer_named(layers, message):
    with pytest.raises(ValueError, match=message):
        sc.Sequential(layers, input_shape=(28, 28, 1))


def test_a_layer_belongs_to_one_place_in_one_model():
    dense = sc.Dense(10)
    with pytest.raises(ValueError, match=r"layers\[1\], Dense\(.*\), is part of a model already"):
        sc.Sequential([dense, dense], input_shape=(10,))
    sc.Sequential([dense], input_shape=(10,))
    with pytest.raises(ValueError, match="is part of a model already; make a new one"):
        sc.Sequential([dense], input_shape=(10,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": 784}, r"input_shape must be a tuple such as \(28, 28, 1\), .* got 784"),
        ({"input_shape": ()}, "input_shape must be a tuple"),
        ({"input_shape": (28, 0, 1)}, r"input_shape\[1\] must be at least 1, got 0"),
        ({"input_shape": (None, 28, 1)}, r"input_shape\[0\] must be an integer, got None"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"seed": 0.5}, "seed must be an integer, got 0.5"),
        ({"dtype": "float16"}, 'dtype must be "float32" or "float64", got \'float16\''),
    ],
)
def test_meaningless_arguments_of_a_model_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sc.Sequential([sc.Flatten()], **{"input_shape": (28, 28, 1), **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": 3}, r"optimizer must be an object such as sc.Adam\(1e-3\), or its name, got 3"),
        ({"optimizer": sc.Adam}, "optimizer must be an object such as"),
        ({"loss": 3}, r"loss must be an object such as sc.SoftmaxCrossEntropy\(\), got 3"),
        ({"loss": sc.SoftmaxCrossEntropy}, "loss must be an object such as"),
    ],
)
def test_compile_takes_objects_and_says_so(arguments, message):
    with pytest.raises(ValueError, match=message):
        small_network().compile(**arguments)


def test_a_network_that_does_not_end_in_one_number_a_class_cannot_be_compiled():
    model = sc.Sequential([sc.Conv2D(10, 3)], input_shape=(28, 28, 1))
    with pytest.raises(
        ValueError, match=r"one number for each class, this model in \(26, 26, 10\); end with a Flatten"
    ):
        model.compile()


def test_one_optimizer_for_two_models_is_refused():
    adam = sc.Adam()
    small_network().compile(adam)
    with pytest.raises(ValueError, match="this Adam already optimizes another model"):
        small_network().compile(adam)
