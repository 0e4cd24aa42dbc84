"""Pictures of what a network does: they show the numbers that they say, and refuse what cannot be drawn."""

import copy
import math
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import plots
from scratchcnn.plots.attribution import _lost
from scratchcnn.plots.derivative import STEPS, _best, errors_by_step
from scratchcnn.plots.embedding import principal_components
from support.small_networks import compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, Y = some_digits(60)


@pytest.fixture(scope="module")
def model():
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(3, 5, strides=2), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten()]
    return sc.Sequential([*layers, sc.Dropout(0.5), sc.Dense(10)], input_shape=(28, 28, 1), seed=1)


def written(figure):
    """Draw the figure, and return its axes."""
    assert figure._repr_png_().startswith(b"\x89PNG")
    return figure.get_axes()


def test_history_keeps_the_loss_of_each_batch_and_their_mean_is_that_of_the_epoch():
    history = compiled_network().fit(X, Y, batch_size=20, epochs=2, verbose=0)
    assert [len(losses) for losses in history.batch_losses.values()] == [3, 3]
    np.testing.assert_allclose([np.mean(p) for p in history.batch_losses.values()], history.history["loss"], rtol=1e-6)
    assert sorted(history.history) == ["accuracy", "loss"]
    for other in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert other.batch_losses == history.batch_losses
    assert len(pickle.dumps(history)) < 1000


def test_a_history_of_an_older_version_has_no_batches_and_is_drawn():
    history = sc.History()
    history.append(0, {"loss": 1.0, "accuracy": 0.5})
    del history.batch_losses, history.problems
    history = pickle.loads(pickle.dumps(history))
    assert history.batch_losses == {} and history.problems == [] and history.history["loss"] == [1.0]
    loss, accuracy = written(plots.learning_curves(history))
    assert len(loss.lines) == len(accuracy.lines) == 1


class Stop(sc.callbacks.Callback):
    def on_train_batch_end(self, batch, logs):
        if batch == 4 and self.at == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch):
        self.epoch = epoch

    def __init__(self, at):
        self.at, self.epoch = at, 0


def test_batches_survive_an_interruption(tmp_path):
    options = {"batch_size": 10, "epochs": 3, "verbose": 0, "checkpoint_freq": 2}
    whole = compiled_network().fit(X, Y, **options, checkpoint=tmp_path / "whole").batch_losses
    with pytest.raises(KeyboardInterrupt):
        compiled_network().fit(X, Y, **options, checkpoint=tmp_path / "run", callbacks=Stop(1))
    resumed = compiled_network().fit(X, Y, **options, checkpoint=tmp_path / "run", resume=True, callbacks=Stop(-1))
    assert resumed.batch_losses == whole


def test_one_epoch_is_a_curve_by_batch_with_the_floor_of_label_smoothing():
    history = compiled_network().fit(X, Y, batch_size=10, verbose=0)
    (axes,) = written(plots.learning_curves(history, label_smoothing=0.1))
    assert axes.lines[0].get_ydata().tolist() == list(history.batch_losses[0])
    assert axes.lines[0].get_xdata()[[0, -1]].tolist() == [0.5 / 6, 5.5 / 6]
    assert axes.lines[-1].get_ydata()[0] == plots.smoothing_floor(0.1)
    assert axes.get_title().startswith("accuracy ")


def test_the_floor_is_what_the_loss_says_of_the_smoothed_target_itself():
    for smoothing, classes in ((0.1, 10), (0.3, 4), (0.5, 2)):
        target = np.full((1, classes), smoothing / classes)
        target[0, 1] += 1 - smoothing
        loss = sc.SoftmaxCrossEntropy(smoothing).forward(np.log(target), np.array([1]))
        np.testing.assert_allclose(plots.smoothing_floor(smoothing, classes), loss, rtol=1e-9)
    assert plots.smoothing_floor(0) == 0


def test_a_loss_that_falls_to_a_tenth_is_drawn_on_a_logarithmic_axis_and_log_draws_errors():
    history = sc.History()
    for epoch in range(3):
        history.append(epoch, {"loss": 10.0**-epoch, "accuracy": 1 - 0.1**epoch})
    loss, accuracy = written(plots.learning_curves(history))
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    loss, errors = written(plots.learning_curves(history, log=True))
    assert (errors.get_yscale(), errors.get_ylabel()) == ("log", "share of errors")
    np.testing.assert_allclose(errors.lines[0].get_ydata(), [1, 0.1, 0.01])
    (axes,) = written(plots.histories({"a": history, "b": history}, "loss"))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_errors_are_shaded_and_the_diagonal_is_not_part_of_the_scale():
    matrix, _, accuracies = written(plots.confusion_matrix([0] * 98 + [0, 0, 1], [0] * 98 + [1, 1, 1]))
    np.testing.assert_allclose(matrix.images[0].get_array(), [[0, 0.02], [0, 0]])
    assert matrix.images[0].get_clim() == (0, 0.02)
    assert [label.get_text() for label in accuracies.get_yticklabels()] == ["98.0%", "100.0%"]


def test_most_confused_is_sorted_and_says_where_there_are_no_mistakes():
    text = plots.most_confused([3] * 5 + [2] * 4, [3, 3, 8, 8, 8, 2, 2, 2, 3])
    assert text.splitlines() == ["3 taken for 8:  3 of 5, 60.0%", "2 taken for 3:  1 of 4, 25.0%"]
    assert plots.most_confused([1, 2], [1, 2]) == "no mistakes"


def test_the_worst_mistakes_come_first_and_only_mistakes():
    probabilities = np.full((4, 3), 0.1)
    probabilities[[0, 1, 2, 3], [0, 1, 1, 2]] = 0.8
    probabilities[1, 0] = 0.05
    titles = [axes.get_title() for axes in written(plots.worst_mistakes(X[:4], probabilities, [0, 0, 0, 2]))]
    assert titles == ["1 (80%), is 0"] * 2
    shown = written(plots.worst_mistakes(X[:4], probabilities, [0, 0, 0, 2], count=1))[0].images[0].get_array()
    np.testing.assert_array_equal(shown, X[1])
    (axes,) = written(plots.worst_mistakes(X[:4], probabilities, [0, 1, 1, 2]))
    assert axes.texts[0].get_text() == "no mistakes in 4 images"


def test_feature_and_gradient_maps_have_a_row_for_each_layer_that_does_something(model):
    rows = [axes for axes in written(plots.feature_maps(model, X[0])) if axes.images]
    names = [axes.get_title(loc="left").split(":")[0] for axes in rows]
    assert names == ["rescaling", "conv2d", "relu", "max_pool2d", "dense"]
    np.testing.assert_allclose(rows[-1].images[0].get_array()[0], model(X[:1])[0], rtol=1e-5)
    rows = [axes for axes in written(plots.gradient_maps(model, X[0], class_=4)) if axes.images]
    assert rows[0].get_title(loc="left").startswith("pixels")
    image = rows[0].images[0].get_array()[:, :28]
    np.testing.assert_allclose(image, model.input_gradient(X[:1], 4)[0, ..., 0], rtol=1e-6)
    assert rows[-1].images[0].get_array()[0].tolist() == np.eye(10)[4].tolist()


def test_saliency_is_the_gradient_and_its_product_with_the_pixels(model):
    _, size, product, *_ = written(plots.saliency(model, X[0], class_=2))
    gradient = model.input_gradient(X[:1], 2)[0, ..., 0]
    np.testing.assert_allclose(size.images[0].get_array(), np.abs(gradient), rtol=1e-6)
    np.testing.assert_allclose(product.images[0].get_array(), gradient * X[0], rtol=1e-5, atol=1e-9)


def test_grad_cam_weighs_maps_by_their_mean_gradient(model):
    _, heat, _ = written(plots.grad_cam(model, X[0], class_=2, layer="max_pool2d"))
    maps = model.layer_outputs(X[:1])["max_pool2d"][0]
    kernel = model.get_layer("dense").params["kernel"][:, 2].reshape(maps.shape)  # the gradient, of a linear end
    expected = np.maximum((maps * kernel.mean(axis=(0, 1))).sum(axis=-1), 0)
    np.testing.assert_allclose(heat.images[-1].get_array(), expected, rtol=1e-4, atol=1e-6)


def test_occlusion_loses_what_the_covered_ink_had_given():
    flat = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(2)], input_shape=(6, 6, 1))
    kernel = np.zeros((36, 2), np.float32)
    kernel[7, 1] = 4  # the pixel in row 1, column 1 speaks for class 1
    flat.set_weights([kernel, np.zeros(2, np.float32)])
    image = np.zeros((6, 6, 1), np.uint8)
    image[1, 1] = 255
    lost = _lost(flat, image, 1, size=2, step=2)
    expected = np.zeros((6, 6))
    expected[:2, :2] = 1 / (1 + math.exp(-4)) - 0.5
    np.testing.assert_allclose(lost, expected, atol=1e-6)
    written(plots.occlusion(flat, image, class_=1, size=2))


def test_principal_components_are_those_of_the_covariance():
    x = np.random.default_rng(0).normal(size=(50, 5)) * [5, 3, 1, 0.5, 0.1]
    points, shares = principal_components(x)
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    np.testing.assert_allclose(shares, values[:2] / values.sum())
    np.testing.assert_allclose(points.var(axis=0), values[:2])


def test_embedding_draws_each_image_at_its_place(model):
    (axes,) = written(plots.embedding(model, X, Y))
    assert sum(len(points.get_offsets()) for points in axes.collections) == len(X)
    assert "flatten" in axes.get_title() or "dropout" in axes.get_title()


def test_a_recorder_counts_every_value_and_a_watched_training_ends_with_the_same_bits():
    watched, alone = compiled_network(), compiled_network()
    recorder = sc.callbacks.HistogramRecorder(X[:7], every=2)
    watched.fit(X, Y, batch_size=10, epochs=2, callbacks=[recorder], verbose=0)
    alone.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    np.testing.assert_array_equal(watched.parameters, alone.parameters)
    np.testing.assert_allclose(recorder.looks, [0, 2 / 6, 4 / 6, 1, 1 + 2 / 6, 1 + 4 / 6])
    for kind, name, size in (("gradients", "dense", 10 * 145), ("activations", "conv2d", 7 * 13 * 13 * 4)):
        if name == "dense":
            size = watched.get_layer("dense").params["kernel"].size + 10
        for counts, zeros in zip(recorder.counts[kind][name], recorder.zeros[kind][name], strict=True):
            assert counts.sum() == round(size * (1 - zeros))
    assert len(written(plots.training_histograms(recorder))) == 3 * len(recorder.counts["updates"])


def test_a_recorder_goes_on_after_an_interruption(tmp_path):
    looks = []
    for epochs in (1, 2):
        recorder = sc.callbacks.HistogramRecorder(X[:5])
        options = {"epochs": epochs, "verbose": 0, "checkpoint": tmp_path, "resume": True}
        compiled_network().fit(X, Y, **options, callbacks=[recorder])
        looks.append((recorder.looks, len(recorder.counts["updates"]["dense"])))
    assert looks == [([0.0], 1), ([0.0, 1.0], 2)]


def test_the_update_to_weight_ratio_of_plain_sgd_is_the_step_over_the_weights():
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(0.1))
    recorder = sc.callbacks.HistogramRecorder(X[:5])
    before = np.concatenate([weight.ravel() for weight in model.get_weights()])
    model.fit(X, Y, batch_size=60, verbose=0, callbacks=[recorder])
    step = np.abs(0.1 * model.gradients) / np.sqrt(np.mean(np.square(before)))
    expected = np.histogram(np.log10(step[step > 0]), recorder.edges)[0]
    difference = np.abs(recorder.counts["updates"]["dense"][0] - expected).sum()
    assert difference < 0.02 * expected.sum()  # float32 rounds the differences of weights


def test_the_error_of_a_derivative_is_a_v():
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(8, "tanh"), sc.Dense(10)]
    smooth = sc.Sequential(layers, input_shape=(28, 28, 1))
    weights = smooth.get_weights()
    errors, deeper, _, _ = errors_by_step(smooth, X[:8], Y[:8], seed=0)
    best = int(np.argmin(errors))
    assert 1e-6 < STEPS[best] < 1e-2 and errors[best] < 1e-7 and deeper.min() < errors.min()
    assert errors[:8].min() > 100 * errors[best] and errors[-1] > 1e4 * errors[best]
    slope = np.polyfit(np.log(STEPS[best + 4 : best + 10]), np.log(errors[best + 4 : best + 10]), 1)[0]
    assert slope == pytest.approx(2, abs=0.2)
    assert all((one == other).all() for one, other in zip(weights, smooth.get_weights(), strict=True))
    (axes,) = written(plots.gradient_check(smooth, X[:8], Y[:8]))
    named = [text.get_text().split(":")[0] for text in axes.get_legend().get_texts()]
    assert named[2:] == ["rounding", "truncation", "best step"]


def test_the_branch_of_truncation_lies_on_the_errors_though_one_of_rounding_is_small_by_chance():
    errors = np.maximum(1e-4 * STEPS**2, 1e-14 / STEPS)
    errors[20] = 1e-16
    assert STEPS[_best(errors)] == pytest.approx((1e-10 / 2) ** (1 / 3), rel=1)


def without_maps(units=10):
    return sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(units)], input_shape=(28, 28, 1))


@pytest.mark.parametrize(
    "loss, lost", [(sc.MeanSquaredError(), "of the output"), (sc.BinaryCrossEntropy(), "probability")]
)
def test_a_model_without_classes_is_asked_about_its_outputs(loss, lost):
    model = without_maps(1)
    model.compile(loss=loss)
    for draw in (plots.saliency, plots.occlusion):
        titles = [axes.get_title() for axes in written(draw(model, X[:1]))]
        assert "output 0" in titles and "class 0" not in titles
    assert f"{lost} lost when covered" in titles
    assert plots.gradient_maps(model, X[0])._supxlabel.get_text().startswith("gradient of output 0\n")


class OwnLoss:
    """The squares, and an answer that only this class knows."""

    def forward(self, logits, targets):
        return float(np.square(logits - targets).sum(axis=1).mean())

    def backward(self):
        raise NotImplementedError

    def predictions(self, logits):
        return -logits


def test_gradients_are_drawn_of_a_model_that_was_saved_without_its_loss(tmp_path):
    for kind, compiled in ((OwnLoss, "output"), (type("Own", (sc.SoftmaxCrossEntropy,), {}), "class")):
        model = without_maps()
        model.compile(loss=kind())
        model.save(tmp_path / "model.npz", include_optimizer=False)
        for asked in (model, sc.load_model(tmp_path / "model.npz")):
            assert written(plots.saliency(asked, X[:1], 3))[0].get_title() == f"{compiled} 3"


class OwnFilter(sc.Layer):
    def build(self, input_shape, rng):
        return input_shape

    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


def test_grad_cam_looks_at_the_maps_of_layers_of_ones_own():
    model = sc.Sequential([OwnFilter(name="own"), sc.Flatten(), sc.Dense(3)], input_shape=(6, 6, 1))
    assert "Grad-CAM of own" in [axes.get_title() for axes in written(plots.grad_cam(model, np.ones((1, 6, 6, 1)), 0))]


def test_where_nothing_speaks_for_a_class_the_map_says_so():
    model = sc.Sequential([sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)], input_shape=(6, 6, 1))
    model.layers[0].params["bias"] = np.full(2, 9.0)
    model.layers[-1].params["kernel"] = -np.ones((32, 3))
    assert "nothing speaks for it" in [ax.get_xlabel() for ax in written(plots.grad_cam(model, np.ones((1, 6, 6, 1))))]


def test_a_legend_of_many_or_long_names_stands_below_the_curves():
    history = sc.History()
    for epoch in range(3):
        history.append(epoch, {"val_accuracy": 10.0 ** (epoch - 2)})
    for trainings in ({f"{n}": history for n in range(9)}, {"a name of very many letters " * 2: history}):
        figure = plots.histories(trainings, "val_accuracy")
        (axes,) = written(figure)
        figure.canvas.draw()
        (legend,) = figure.legends
        assert axes.get_legend() is None and axes.get_yscale() == "linear"
        assert legend.get_window_extent().y1 <= axes.get_window_extent().y0


WRONG = {
    "no model": (lambda m: plots.saliency(X, X), "model must be a model"),
    "class": (lambda m: plots.saliency(m, X, class_=10), "class_ must be below 10"),
    "several": (lambda m: plots.feature_maps(m, X), "image must be one image"),
    "size": (lambda m: plots.occlusion(m, X[:1], size=29), "size must be at most"),
    "layer": (lambda m: plots.grad_cam(m, X[:1], layer="dense"), "layer must be the name of a layer with maps"),
    "no layer": (lambda m: plots.embedding(m, X, Y, layer="none"), "there is no layer"),
    "few": (lambda m: plots.embedding(m, X[:2], Y[:2]), "at least three"),
    "labels": (lambda m: plots.embedding(m, X, Y[:3]), "one label for each image"),
    "names": (lambda m: plots.embedding(m, X, np.array(["cat"] * len(X))), "labels must be class numbers .*np.unique"),
    "nan labels": (
        lambda m: plots.embedding(m, X, np.full(len(X), np.nan)),
        r"labels must be class numbers \(N,\), got",
    ),
    "an ensemble": (lambda m: plots.saliency(sc.Ensemble([m, m]), X[:1]), "got Ensemble, an average .*members.*0"),
    "shifts": (lambda m: plots.weights(sc.ShiftAverage(m), m), "start must be one model, got ShiftAverage, an average"),
    "no maps": (lambda m: plots.grad_cam(without_maps(), X[:1]), "looks at the maps of a convolution, .* has none"),
    "smoothing": (lambda m: plots.smoothing_floor(1.0), "label_smoothing must be"),
    "log": (lambda m: plots.learning_curves(sc.History(), log="yes"), "log must be"),
    "histories": (lambda m: plots.histories([sc.History()]), "trainings must be a dictionary"),
    "measured": (lambda m: plots.histories({"a": sc.History()}), "has not measured 'val_loss'"),
    "count": (lambda m: plots.most_confused([0], [1], count=0), "count must be at least 1"),
    "recorder": (lambda m: plots.training_histograms(None), "recorder must be the HistogramRecorder"),
    "unused": (lambda m: plots.training_histograms(sc.callbacks.HistogramRecorder(X)), "recorded nothing yet"),
    "every": (lambda m: sc.callbacks.HistogramRecorder(X, every=0), "every must be at least 1"),
    "weights": (lambda m: plots.weights(m, {"a": np.ones(3)}), "must have the same parameters"),
    "no weights": (lambda m: plots.weights(3, m), "start must be a model"),
    "targets": (lambda m: plots.gradient_check(m, X[:2], [0]), "label"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_is_refused_by_name(case, model):
    draw, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        draw(model)


def test_weights_of_start_and_end_share_their_bins(model):
    axes = written(plots.weights(sc.model_from_json(model.to_json()), model))
    assert [ax.get_title() for ax in axes] == ["conv2d/kernel", "dense/kernel"]
