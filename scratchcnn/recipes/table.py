"""The recipes, by name; how each was chosen is in ``benchmarks/RESULTS.md``, "How the recipes were chosen"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..data.augment import Annealed, Augmentation
from ..layers import Layer
from ..optimizers import SGD, Adam, AdamW
from ..schedules import CosineDecay, OneCycle
from .networks import (
    best_network,
    fast_network,
    instant_network,
    keras_network,
    middle_network,
    pictures_network,
    quick_network,
    short_network,
    tiny_network,
)
from .recipe import Recipe


def _few_looks(network: Callable[[int], list[Layer]], epochs: int, peak: float) -> Recipe:
    """Return a recipe of a few hundred updates, in which Adam has to forget quickly."""
    return Recipe(
        network=network,
        epochs=epochs,
        batch_size=128,
        schedule=lambda steps: OneCycle(peak, steps),
        optimizer=lambda schedule: Adam(schedule, beta_1=0.7, beta_2=0.9),
        label_smoothing=0.1,
    )


def _rung(
    network: Callable[[int], list[Layer]],
    epochs: int,
    distortions: Augmentation | Annealed,
    batch_size: int = 128,
    label_smoothing: float = 0.1,
    average: float = 0.99,
) -> Recipe:
    return Recipe(
        network=network,
        epochs=epochs,
        batch_size=batch_size,
        schedule=lambda steps: OneCycle(0.1, steps),
        optimizer=lambda schedule: SGD(schedule, momentum=0.9, nesterov=True, l2_penalty=5e-4),
        label_smoothing=label_smoothing,
        augmentation=distortions,
        average=average,
    )


def _long(epochs: int, distortions: Augmentation, network: Callable[[int], list[Layer]] = best_network) -> Recipe:
    """Return a recipe whose distortions weaken to nothing, so that the last looks are at real images."""
    return _rung(network, epochs, Annealed(distortions), label_smoothing=0.05, average=0.999)


RECIPES = {
    # The ladder: 99.0, 99.2, 99.4, 99.5, 99.6 and 99.7 % of MNIST's test images, each in the least time.
    # The first two look at each image once.
    "99.0": _few_looks(instant_network, 1, peak=0.015),
    "fast": _few_looks(fast_network, 1, peak=0.015),
    "99.2": _few_looks(quick_network, 2, peak=0.01),
    # From here on distorted images, normalisations and an average of the weights, and ever more looks.
    "99.4": _rung(short_network, 3, Augmentation(rotation=5, shift=1, zoom=0.05), batch_size=96),
    "99.5": _rung(middle_network, 4, Augmentation(rotation=8, shift=1, zoom=0.08)),
    "99.6": _rung(middle_network, 10, Augmentation(rotation=8, shift=1, zoom=0.08)),
    "99.7": _long(18, Augmentation(rotation=22, shift=3, zoom=0.2, shear=12)),
    # The network that everybody starts with, trained with more care than usual.
    "keras": Recipe(
        network=keras_network,
        epochs=10,
        batch_size=128,
        schedule=lambda steps: CosineDecay(0.005, steps, warmup_steps=steps // 20),
        optimizer=Adam,
        label_smoothing=0.1,
        augmentation=Augmentation(rotation=8, shift=1, zoom=0.08),
    ),
    # The most that fewer than 8,000 parameters reach.
    "tiny": Recipe(
        network=tiny_network,
        epochs=30,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.01, steps),
        optimizer=lambda schedule: AdamW(schedule, weight_decay=0.01),
        augmentation=Augmentation(rotation=10, shift=1.5, zoom=0.1, shear=5),
        average=0.999,
    ),
    # For hands and fonts that MNIST has not: every image is turned, slanted and bent further than its writers did.
    "pictures": Recipe(
        network=pictures_network,
        epochs=20,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.01, steps),
        optimizer=lambda schedule: AdamW(schedule, weight_decay=0.01),
        augmentation=Augmentation(rotation=18, shift=1.5, zoom=0.15, shear=12, elastic=(34, 5)),
        average=0.999,
    ),
    # The same for somewhat longer; twice as long was no better.
    "best": _long(22, Augmentation(rotation=22, shift=3, zoom=0.2, shear=12)),
    # The same for Fashion-MNIST, for twice as long: a mirrored shoe is a shoe, a mirrored 3 is no digit.
    # And with a dropout of 0.5 for 0.3, by which more of the held-out training images are right.
    "fashion": _long(
        44,
        Augmentation(rotation=10, shift=1.5, zoom=0.1, shear=5, horizontal_flip=True),
        partial(best_network, dropout=0.5),
    ),
}

LADDER = ("99.0", "fast", "99.2", "99.4", "99.5", "99.6", "99.7", "best")  # from the least time to the highest accuracy
