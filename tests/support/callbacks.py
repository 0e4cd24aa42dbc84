"""A quick training with callbacks, and one that adds to the logs."""

import scratchcnn as sc
from scratchcnn.callbacks import Callback
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(20)
MANY = (0.5, 0.9, 0.7, 0.6, 0.4)


def trained(callbacks, epochs=4, verbose=0, **options):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(0.01))
    model.fit(IMAGES, LABELS, epochs=epochs, callbacks=callbacks, verbose=verbose, **options)
    return model


class Adds(Callback):
    """Adds a value for each epoch; None for none."""

    def __init__(self, name="f1", values=MANY):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs):
        if self.values[epoch] is not None:
            logs[self.name] = self.values[epoch]
