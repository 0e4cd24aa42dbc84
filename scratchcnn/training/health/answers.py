"""What the finished model makes of some training images: units that are always 0, classes that are never predicted.

A unit whose ReLU is 0 for every image passes no gradient back, so its weights stay as they are: it is dead (Maas,
Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models"). A channel of a convolution is
dead if it is 0 at every place of every image.

The plan runs as in training, its layers fused as they are there: so no kernel has to be compiled for it. Where there
are batch normalisations it runs in training mode, for the same reason; what that changes is restored.

Letters: N batch, K classes, F units or channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...checks.messages import reason
from ...concurrency.interrupts import unbroken
from ...fusion.patterns import layers_of
from ...layers import LAYERS, BatchNorm, ReLU, Residual
from ...layers.base import Layer
from ...layers.residual import flattened
from ...losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from ...network.network import Network
from .images import FEWEST, Images
from .start import cross_entropies, knowing_nothing

MANY = 0.5  # of a layer's units: some die in every training
ENOUGH_IMAGES = 32  # of which one should wake a unit that can be woken
HARDLY_LEARNT = 0.9  # of the loss of a network that knows nothing
ENOUGH = 10  # images of a class, so that one of them should have been taken for what it is


class Answers:
    """What a model makes of images.

    Attributes
    ----------
    failed : str
        Why it could not be asked; empty if it could.
    cross_entropy : float
        The mean over the images, NaN for a loss of another kind.
    """

    def __init__(self, model: Network, images: Images) -> None:
        self._model = model
        self._alive: dict[str, np.ndarray] = {}  # of each ReLU's layer, bools (F,)
        self._learning = _that_learn(model)
        self._logits: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self.failed = ""
        if not runs_as_written(model):
            return
        is_known = all(type(layer) in LAYERS.values() for layer in model.leaves)
        training = is_known and any(isinstance(layer, BatchNorm) for layer in model.leaves)
        try:
            for pixels, targets in images.batches(FEWEST if is_known else 0):
                with model.lock, unbroken, _left_as_it_is(model), np.errstate(all="ignore"):
                    self._look_at(pixels, training)
                self._targets.append(targets)
        except Exception as error:  # the training is done, and worth more than what is said of it
            self.failed = f"{type(error).__name__}: {reason(error)}"

    def _look_at(self, pixels: np.ndarray, training: bool) -> None:
        """Run a batch (N, *input_shape)."""
        y = pixels
        for layers, y in outputs(self._model.plan, pixels, training):
            relu = next((layer for layer in layers if isinstance(layer, ReLU)), None)
            if relu is not None and id(relu) in self._learning:
                rows = y.reshape(-1, y.shape[-1])  # (..., F)
                alive = self._alive.setdefault(self._name_of(relu), np.zeros(y.shape[-1], bool))
                for part in (rows[: len(rows) // 8], rows):  # most are awake in the first images already
                    asleep = np.flatnonzero(~alive)
                    alive[asleep] = (part[:, asleep] > 0).any(axis=0)
        self._logits.append(y.astype(np.float64))

    def _name_of(self, relu: Layer) -> str:
        """Return the name of a layer, with that of the Residual that it lies in."""
        for layer in self._model.layers:
            if relu is layer:
                break
            if isinstance(layer, Residual) and any(relu is inside for inside in flattened((layer,))):
                return f"{layer.name}/{relu.name}"
        return relu.name

    @property
    def shares(self) -> dict[str, float]:
        """The share of dead units of each layer with a ReLU."""
        return {name: 1 - float(alive.mean()) for name, alive in self._alive.items()}

    def dead_units(self, rate: str, were_updated: bool) -> list[str]:
        """Return a sentence about dead ReLUs, if a layer has many.

        ``rate`` is the learning rate as text, and ``were_updated`` whether an update may have killed them: else they
        were born so.
        """
        dead = [name for name, share in self.shares.items() if share > MANY]
        if not dead or self.count < ENOUGH_IMAGES:
            return []
        told = ", ".join(
            f"{np.count_nonzero(~self._alive[name])} of {len(self._alive[name])} ({self.shares[name]:.0%}) in {name}"
            for name in dead
        )
        advice = f"with a lower learning rate{rate}, or with sc.LeakyReLU() in place of sc.ReLU()"
        if not were_updated:
            advice = "whose layers begin with the weights and biases that they have by default"
        return [
            f"dead ReLUs: {told} are 0 for all of the {self.count} training images looked at, and learn no more: train "
            f"a new model {advice}"
        ]

    @property
    def count(self) -> int:
        """The number of images."""
        return sum(map(len, self._targets))

    @property
    def cross_entropy(self) -> float:
        """The mean of the plain cross-entropies, NaN where there are none."""
        pairs = zip(self._logits, self._targets, strict=True)
        parts = [cross_entropies(self._model, logits, targets) for logits, targets in pairs]
        return float(np.concatenate(parts).mean()) if sum(map(len, parts)) else float("nan")

    def never_predicted(self) -> list[str]:
        """Return a sentence about classes that the model does not know, if there are such among the labels."""
        known = self._classes()
        if known is None:
            return []
        labels, predicted = known
        total, missing = labels.sum(), np.flatnonzero((labels >= ENOUGH) & (predicted == 0))
        if not len(missing):
            return []
        share, fair = labels[missing].sum() / total, total / np.count_nonzero(labels)  # of those that occur
        named = f"class {missing[0]} is" if len(missing) == 1 else f"classes {_listed(missing)} are"
        seen = (
            f"{named} never predicted for the {total} training images looked at, of which {labels[missing].sum()} "
            f"({share:.0%}) are of {'it' if len(missing) == 1 else 'them'}"
        )
        if (labels[missing] < fair / 2).all():
            weights = ", ".join(f"{k}: {fair / labels[k]:.1f}" for k in missing)
            return [f"{seen}: rare classes count more with fit(class_weight={{{weights}}}), or train for more epochs"]
        longer = "train for more epochs, or with another learning rate, which sc.lr_find finds"
        nothing = knowing_nothing(self._model)
        if self.cross_entropy > HARDLY_LEARNT * nothing:
            longer = (
                f"the loss, {self.cross_entropy:.3g}, is hardly below {nothing:.3g}, that of a network that knows "
                f"nothing; check that each label belongs to its image, or {longer}"
            )
        return [f"{seen}: {longer}"]

    def _classes(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return how often each class is the label, and how often it is predicted, (K,) each; None without classes."""
        if not self._targets:
            return None
        logits, targets = np.concatenate(self._logits), np.concatenate(self._targets)
        if type(self._model.loss) is SoftmaxCrossEntropy:
            classes = logits.shape[1]
            labels = targets if targets.ndim == 1 else targets.argmax(axis=1)
            known = (labels >= 0) & (labels < classes)  # others are ignored
            labels, predicted = labels[known], logits[known].argmax(axis=1)
        elif type(self._model.loss) is BinaryCrossEntropy and self._model.output_shape == (1,):
            classes = 2
            labels, predicted = (targets.reshape(-1) > 0.5).astype(int), (logits.reshape(-1) > 0).astype(int)
        else:
            return None
        return np.bincount(labels, minlength=classes), np.bincount(predicted, minlength=classes)


def runs_as_written(model: Network) -> bool:
    """Return whether a model runs its layers as ``Network`` does: no subclass computes something else."""
    return all(getattr(type(model), name) is getattr(Network, name) for name in ("forward", "backward"))


def outputs(plan: Iterable[Any], x: np.ndarray, training: bool) -> Iterator[tuple[Sequence[Layer], np.ndarray]]:
    """Yield for each element of a plan the layers that it runs, and their output; those in a Residual before it."""
    for element in plan:
        if isinstance(element, Residual):
            for inside in element._plans:
                yield from outputs(inside, x, training)
        x = element.forward(x, training)
        yield layers_of(element), x


def _that_learn(model: Network) -> set[int]:
    """Return which layers come after one that is trained: what is dead before them never meant to learn."""
    found: set[int] = set()
    for layer in model.layers:
        if found or (layer.trainable and layer.params):
            found.update(id(inside) for inside in flattened((layer,)))
    return found


@contextmanager
def _left_as_it_is(model: Network) -> Iterator[None]:
    """Restore what a forward pass in training mode changes: moving statistics, and random numbers to come."""
    kept = [(array, array.copy()) for layer in model.stateful_layers for array in layer.state.values()]
    generators = {id(rng): rng for rng in (model.rng, *(layer.__dict__.get("rng") for layer in model.leaves)) if rng}
    states = [(rng, rng.bit_generator.state) for rng in generators.values()]
    try:
        yield
    finally:
        for array, before in kept:
            array[...] = before
        for rng, state in states:
            rng.bit_generator.state = state
        model.turns.overwritten()  # a backward by hand needs a forward by hand before it
        model.plan[-1].invalidate()


def _listed(numbers: np.ndarray) -> str:
    names = [str(number) for number in numbers]
    return f"{', '.join(names[:-1])} and {names[-1]}"
