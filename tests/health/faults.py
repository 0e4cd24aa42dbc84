"""The faults that ``fit`` sees: each planted, and mended as its line advises.

``docs/health.md`` is made of this table, and ``test_faults.py`` runs it. The code may use sc, np, x and y (1,000 of the
bundled digits, uint8), shuffle, and ``train``, which the page shows.
"""

from __future__ import annotations

from typing import NamedTuple

TRAIN = '''def train(layers, optimizer, loss=None, epochs=4, images=x, labels=y, prepare=None, **options):
    """Return the problems of a training."""
    model = sc.Sequential(layers, input_shape=(14, 14, 1))
    if prepare is not None:
        prepare(model)
    model.compile(optimizer, loss)
    return model.fit(images, labels, epochs=epochs, verbose=0, **options).problems
'''


class Fault(NamedTuple):
    """A fault: its line, what that means, code that has it, and code that does what the line advises."""

    line: str
    meaning: str
    planted: str
    mended: str
    source: str = ""


FAULTS = {
    "The first loss: pixels": Fault(
        line="the first batch had the loss 131, where a network that knows nothing has ln(10) = 2.3: the images "
        "reach 255; let the network begin with sc.Rescaling(1 / 255)",
        meaning="A network that knows nothing gives each of K classes the probability 1 / K, and has the loss ln K. "
        "One that begins far above (more than 1.5 ln K + 0.5) is sure of wrong answers. Here its input is too "
        "large: pixels to 255. It is looked at as plain cross-entropy, without label smoothing, weights and "
        "penalties, and only where a model has learnt nothing before.",
        planted="train([sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)], sc.Adam(1e-3))",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.Adam(3e-3),
)""",
        source='Karpathy 2019, "A recipe for training neural networks": "verify loss @ init"',
    ),
    "The first loss: weights": Fault(
        line="the first batch had the loss 7.77, where a network that knows nothing has ln(10) = 2.3: the weights "
        'are too large at the start; give dense, the last layer, kernel_initializer="zeros", and the others '
        "what it is without saying",
        meaning="The same, where the pixels are as they should be: then the initial weights are too large. A last "
        "layer that begins with zeros begins with ln K exactly.",
        planted="""def fill(model):
    model.layers[-1].params["kernel"] = np.random.default_rng(0).normal(size=(196, 10))


train([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], sc.Adam(1e-3), prepare=fill)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10, kernel_initializer="zeros")],
    sc.Adam(1e-3),
)""",
        source="the same",
    ),
    "Images divided twice": Fault(
        line="the images reach 1, and rescaling, the first layer, makes 0.0039 of that: they were divided before; pass "
        "them as they were, or leave sc.Rescaling out",
        meaning="Nothing stands out from nothing: the loss hardly moves, or units die. This line comes in the place of "
        "what comes of it.",
        planted="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.SGD(0.1),
    images=x / 255,
)""",
        mended="""train([sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)], sc.SGD(0.1), images=x / 255)""",
    ),
    "Dead ReLUs": Fault(
        line="dead ReLUs: 32 of 32 (100%) in relu are 0 for all of the 128 training images looked at, and learn no "
        "more: train a new model with a lower learning rate than 5, or with sc.LeakyReLU() in place of "
        "sc.ReLU()",
        meaning="More than half of the units of a layer are 0 for every image looked at, channels of a convolution at "
        "every place. No gradient comes through a ReLU that is 0, so they stay so. Steps that are too long do "
        "it: they push the biases below anything that the inputs can make up for. Some dead units are usual. "
        "What is dead stays dead: it takes a new model.",
        planted="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.SGD(5.0),
)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.SGD(0.1),
)""",
        source='Karpathy, CS231n, "Neural networks part 1"; Maas, Hannun and Ng 2013',
    ),
    "Dead ReLUs from the start": Fault(
        line="dead ReLUs: 32 of 32 (100%) in relu are 0 for all of the 128 training images looked at, and learn no "
        "more: train a new model whose layers begin with the weights and biases that they have by default",
        meaning="The same, where no update can have done it.",
        planted="""def fill(model):
    model.layers[2].params["bias"] = np.full(32, -100.0)


train([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)], sc.SGD(0.1), prepare=fill)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.SGD(0.1),
)""",
        source="the same",
    ),
    "Updates too large": Fault(
        line="updates too large: one changed the weights of dense by 413%, where about 0.1% is usual: train a new "
        "model with a lower learning rate than 0.5; sc.lr_find finds one",
        meaning="The norm of an update over the norm of the weights, layer by layer: about a thousandth is usual, "
        "Adam begins with some hundredths, and more than half throws away what was there. The updates 1, 2, "
        "4, 8, ... are looked at.",
        planted="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.LeakyReLU(), sc.Dense(10)],
    sc.Adam(0.5),
)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.LeakyReLU(), sc.Dense(10)],
    sc.Adam(3e-3),
)""",
        source='Karpathy, CS231n, "Neural networks part 3", "Ratio of weights:updates"',
    ),
    "Updates too small": Fault(
        line="updates too small: none changed the weights of dense by more than 7e-07 of them and those of other "
        "layers by less, where about 0.001 is usual: train with a higher learning rate than 1e-07; sc.lr_find "
        "finds one",
        meaning="The loss has stayed where it was, and none of these updates has changed a layer by a thousandth.",
        planted="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.Adam(1e-7),
)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)],
    sc.Adam(3e-3),
)""",
        source="the same",
    ),
    "Updates too small in some layers": Fault(
        line="updates too small in dense, dense_1: at most 0.0001 of the weights, up to 0.03 in dense_5, where "
        "about 0.001 is usual: the gradient vanishes on its way back; use sc.ReLU() in place of sigmoids, or "
        "put sc.BatchNorm() before them",
        meaning="Layers near the input are changed by less than a hundred-thousandth (a ten-thousandth, where the "
        "loss has not moved), and those near the output by a hundred times more. Each sigmoid lets at most a "
        "quarter of the gradient through.",
        planted="""sigmoids = [layer for _ in range(5) for layer in (sc.Dense(32), sc.Sigmoid())]
train([sc.Rescaling(1 / 255), sc.Flatten(), *sigmoids, sc.Dense(10)], sc.SGD(0.1))""",
        mended="""relus = [layer for _ in range(5) for layer in (sc.Dense(32), sc.ReLU())]
train([sc.Rescaling(1 / 255), sc.Flatten(), *relus, sc.Dense(10)], sc.SGD(0.1), epochs=12)""",
        source='Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"',
    ),
    "A rare class never predicted": Fault(
        line="class 3 is never predicted for the 128 training images looked at, of which 13 (10%) are of it: rare "
        "classes count more with fit(class_weight={3: 3.3}), or train for more epochs",
        meaning="At least 10 of the images looked at are of a class, and the finished model takes none of them, nor "
        "any other, for it. Where the class is rare, it pays to ignore it; let its images count more.",
        planted="""few = y == 3
few[np.flatnonzero(few)[30:]] = False
chosen = few | (y == 5) | (y == 8)
model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(14, 14, 1))
model.compile(sc.SGD(3e-3))
model.fit(x[chosen], y[chosen], epochs=20, verbose=0).problems""",
        mended="""few = y == 3
few[np.flatnonzero(few)[30:]] = False
chosen = few | (y == 5) | (y == 8)
model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(14, 14, 1))
model.compile(sc.SGD(3e-3))
model.fit(x[chosen], y[chosen], epochs=20, class_weight={3: 3.1}, verbose=0).problems""",
    ),
    "Classes never predicted": Fault(
        line="class 5 is never predicted for the 128 training images looked at, of which 15 (12%) are of it: train for "
        "more epochs, or with another learning rate, which sc.lr_find finds",
        meaning="The same of classes that are not rare: the training is not far yet.",
        planted="""relus = [layer for _ in range(5) for layer in (sc.Dense(32), sc.ReLU())]
train([sc.Rescaling(1 / 255), sc.Flatten(), *relus, sc.Dense(10)], sc.SGD(0.1))""",
        mended="""relus = [layer for _ in range(5) for layer in (sc.Dense(32), sc.ReLU())]
train([sc.Rescaling(1 / 255), sc.Flatten(), *relus, sc.Dense(10)], sc.SGD(0.1), epochs=12)""",
    ),
    "The loss never moved": Fault(
        line="the loss never moved: 2.292 in the first batch, 2.296 in the last epoch: check that each target "
        "belongs to its image, and train on 16 images alone, which any network can learn by heart: one that "
        "cannot has a wrong layer or loss",
        meaning="After 100 updates or more that were large enough the loss is still what it is without any knowledge. "
        "Most often images and labels have come apart. A network that is large enough learns even shuffled labels by "
        "heart, in many epochs; then `val_loss` does not fall.",
        planted="""train(
    [sc.Rescaling(1 / 255), sc.Conv2D(4, 3, 3), sc.ReLU(), sc.Flatten(), sc.Dense(10)],
    sc.SGD(0.1),
    labels=shuffled,
)""",
        mended="""train(
    [sc.Rescaling(1 / 255), sc.Conv2D(4, 3, 3), sc.ReLU(), sc.Flatten(), sc.Dense(10)],
    sc.SGD(0.1),
)""",
        source='Karpathy 2019, "A recipe for training neural networks": "overfit one batch"',
    ),
    "The model raises an error when it is used": Fault(
        line="predict will not work: the finished model raises AttributeError: Scale has no attribute 'scales'",
        meaning="A layer of your own fails where `training` is False. The training is done, and the model as it would "
        "be without this line.",
        planted="""class Scale(sc.Layer):
    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        if training:
            self.scale = 2
            return self.scale * x
        return self.scales * x

    def backward(self, dy):
        return self.scale * dy


train([sc.Rescaling(1 / 255), Scale(), sc.Flatten(), sc.Dense(10)], sc.Adam(1e-3))""",
        mended="""class Scale(sc.Layer):
    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


train([sc.Rescaling(1 / 255), Scale(), sc.Flatten(), sc.Dense(10)], sc.Adam(1e-3))""",
    ),
}
