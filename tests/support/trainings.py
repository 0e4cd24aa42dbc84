"""What the tests of trainings share."""

import scratchcnn as sc
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(50)


class Recorder(sc.callbacks.Callback):
    """Notes every call."""

    def __init__(self):
        self.calls = []
        self.losses = []

    def on_train_begin(self):
        self.calls.append("train begin")

    def on_epoch_begin(self, epoch):
        self.calls.append(f"epoch {epoch} begin")

    def on_train_batch_end(self, batch, logs):
        self.calls.append(f"batch {batch}")
        self.losses.append(logs["loss"])

    def on_epoch_end(self, epoch, logs):
        self.calls.append(f"epoch {epoch} end: {', '.join(logs)}")

    def on_train_end(self):
        self.calls.append("train end")


class Interrupt(sc.callbacks.Callback):
    """Presses Ctrl-C."""

    def __init__(self, epoch, batch):
        self.epoch, self.batch = epoch, batch

    def on_epoch_begin(self, epoch):
        self.now = epoch

    def on_train_batch_end(self, batch, logs):
        if (self.now, batch) == (self.epoch, self.batch):
            raise KeyboardInterrupt
