"""Random numbers: the splitmix64 generator of ``reference/random.py``, any output of which can be asked for first."""

import numpy as np

from ....types import Array
from ..runtime.compile import device, is_dry_run
from ..runtime.launch import exclusive, tell_observer

STEP = np.uint64(0x9E3779B97F4A7C15)  # of the counter
Seed = int | Array  # a number, or where one lies in memory


@exclusive
def draw_seed(rng: np.random.Generator) -> Array:
    """Draw the seed of an operation that is random; where this is recorded, another one before each replay."""
    seed = np.zeros(1, np.uint64)
    if is_dry_run():
        return seed

    def draw() -> None:
        seed[0] = rng.integers(2**64, dtype=np.uint64)

    draw()
    tell_observer(draw)
    return seed


def as_operand(seed: Seed) -> Array:
    """Return a seed as an array of a kernel."""
    return seed if isinstance(seed, Array) else np.array([seed], np.uint64)


@device
def mix(z):
    """Return the output of the generator whose counter is at z."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
