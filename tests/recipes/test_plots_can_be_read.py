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
