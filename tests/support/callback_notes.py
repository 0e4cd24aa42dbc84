"""What the tests of callback notes share."""

import scratchcnn as sc
from scratchcnn.callbacks import Callback
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(20)


class Notes(Callback):
    """Notes what it is called for, and raises an error at one of the moments."""

    def __init__(self, moment="", error=RuntimeError):
        self.moment, self.error, self.called = moment, error, []

    def note(self, moment):
        self.called.append(moment)
        if moment == self.moment:
            raise self.error(f"in {moment}")

    def on_train_begin(self):
        self.note("train begin")

    def on_train_batch_end(self, batch, logs):
        self.note("batch end")

    def on_epoch_train_end(self, epoch):
        self.note("epoch trained")

    def on_epoch_end(self, epoch, logs):
        self.note("epoch end")

    def on_epoch_logged(self, epoch, logs):
        self.note("epoch logged")

    def on_train_end(self):
        self.note("train end")


def network(units=10, **options):
    model = sc.Sequential([sc.Flatten(), sc.Dense(units)], input_shape=(28, 28, 1), **options)
    model.compile(sc.SGD(1e-6))
    return model
