"""Pictures can be read: nothing is cut off, and no text hides what it stands for."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import scratchcnn as sc
from scratchcnn import plots
from support.small_networks import some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, Y = some_digits(20)
RNG = np.random.default_rng(0)
SENTENCE = "a training with stochastic gradient descent and a momentum of 0.9, that went on for a long time; " * 2


@pytest.fixture(scope="module")
def model():
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(3, 5, strides=2), sc.ReLU(), sc.Flatten(), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1), seed=1)


@pytest.fixture(scope="module")
def flat():
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1), seed=1)


def a_history(epochs=3, batches=0):
    history = sc.History()
    for epoch in range(epochs):
        history.append(epoch, {"loss": 1.0 / (epoch + 1), "accuracy": 0.5})
        history.batch_losses[epoch] = [2.0] * batches
    return history


def rendered(figure):
    """Return a renderer of a figure that has been drawn, so that each part has its place."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def trainings(names):
    return plots.histories({name: a_history() for name in names}, "loss")


def labels(classes):
    return np.repeat(np.arange(classes), 3)


WHOLE = {
    "one class": lambda m, f: plots.confusion_matrix([0], [0]),
    "three classes": lambda m, f: plots.confusion_matrix([0, 1, 2], [0, 1, 1]),
    "many classes": lambda m, f: plots.confusion_matrix(labels(30), np.roll(labels(30), 1)),
    "no images": lambda m, f: plots.confusion_matrix([], []),
    "kernels of colours": lambda m, f: plots.kernels(RNG.normal(size=(5, 5, 3, 8))),
    "one kernel": lambda m, f: plots.kernels(RNG.normal(size=(1, 1, 1024, 1))),
    "a column of kernels": lambda m, f: plots.kernels(RNG.normal(size=(3, 3, 16, 3)), columns=1),
    "long names": lambda m, f: trainings([SENTENCE + str(n) for n in range(3)]),
    "many names": lambda m, f: trainings([f"run {n}" for n in range(40)]),
    "curves": lambda m, f: plots.learning_curves(a_history(), log=True),
    "one batch": lambda m, f: plots.learning_curves(a_history(1, 1)),
    "nothing learnt yet": lambda m, f: plots.learning_curves(sc.History()),
    "saliency": lambda m, f: plots.saliency(m, X[:3]),
    "grad_cam": lambda m, f: plots.grad_cam(m, X[:3]),
    "occlusion": lambda m, f: plots.occlusion(m, X[:1], step=9),
    "features": lambda m, f: plots.feature_maps(m, X[0]),
    "features of few maps": lambda m, f: plots.feature_maps(f, X[0]),
    "gradients": lambda m, f: plots.gradient_maps(m, X[0]),
    "gradients of few maps": lambda m, f: plots.gradient_maps(f, X[0]),
    "embedding": lambda m, f: plots.embedding(m, X, Y),
    "weights": lambda m, f: plots.weights(m, m),
    "one prediction": lambda m, f: plots.predictions(X[:1], np.eye(100)[[87]], [96]),
    "no mistakes": lambda m, f: plots.worst_mistakes(X, np.eye(10)[Y], Y),
    "one copy": lambda m, f: plots.augmented(sc.data.Augmentation(shift=1), X[:1], copies=1),
    "derivative": lambda m, f: plots.gradient_check(f, X[:4], Y[:4]),
}


@pytest.mark.parametrize("case", WHOLE)
def test_nothing_is_cut_off(case, model, flat):
    figure = WHOLE[case](model, flat)
    drawn, (width, height) = figure.get_tightbbox(rendered(figure)), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) >= 0


def test_no_text_stands_over_the_curves_of_a_derivative():
    images, numbers = some_digits(60)
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(8, "tanh"), sc.Dense(1)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=4)
    model.compile(sc.Adam(3e-3), sc.MeanSquaredError())
    targets = numbers[:, np.newaxis].astype(float)
    model.fit(images, targets, epochs=8, batch_size=20, verbose=0)  # then one error is small by chance
    figure = plots.gradient_check(model, images[:8], targets[:8])
    rendered(figure)
    (axes,) = figure.get_axes()
    texts = [axes.get_legend(), *axes.texts]
    points = np.concatenate([axes.transData.transform(line.get_xydata()) for line in axes.lines[:2]])
    for text in texts:
        box = text.get_window_extent()
        assert not any(box.contains(*point) for point in points)


def test_under_a_map_of_grad_cam_colours_are_grey():
    layers = [sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)]
    model = sc.Sequential(layers, input_shape=(6, 6, 3), seed=0)
    image = RNG.uniform(size=(1, 6, 6, 3)).astype(np.float32)
    coloured, under = (axes.images[0] for axes in plots.grad_cam(model, image).get_axes()[:2])
    np.testing.assert_array_equal(coloured.get_array(), image[0])
    np.testing.assert_allclose(under.get_array(), image[0].mean(axis=-1), rtol=1e-6)


def test_accuracies_are_places_on_an_axis_that_need_not_begin_at_0_and_no_lengths():
    *_, axes = plots.confusion_matrix(labels(3), [0, 0, 1, 1, 1, 1, 2, 2, 2], classes=4).get_axes()
    (dots,) = axes.lines
    np.testing.assert_allclose(dots.get_xydata(), [[2 / 3, 0], [1, 1], [1, 2]])
    assert not axes.patches
