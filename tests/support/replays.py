"""What the tests of replays share."""

import scratchcnn as sc
from support.small_networks import all_arrays, some_digits


def compiled(layers, optimizer=None, **options):
    dense = [] if isinstance(layers[-1], sc.GlobalAveragePool2D) else [sc.Flatten()]
    layers = [sc.Rescaling(1 / 255), *layers, *dense, sc.Dense(20), sc.ReLU(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(optimizer or sc.Adam(1e-2), sc.SoftmaxCrossEntropy(label_smoothing=0.1))
    return model


def everything(model, **options):
    """Train, measure and ask a model, several times and with batches of two sizes; return all that comes of it."""
    model.fit(*some_digits(100), epochs=3, batch_size=40, verbose=0, **options)
    measured = [model.evaluate(*some_digits(90, start), batch_size=40) for start in (100, 200)]
    answers = [model.predict(some_digits(70, start)[0], batch_size=30).tobytes() for start in (300, 400)]
    return all_arrays(model), model.history.history, measured, answers
