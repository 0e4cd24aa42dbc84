"""Learning-rate schedules: the values of their formulas, and what they have in common.

Where a docstring promises the definition of another library, that one's formula is written out here.
"""

import json
import math
import pickle

import pytest

from scratchcnn.schedules import CosineDecay, OneCycle, StepDecay

EACH = [
    StepDecay(0.1, every=5, factor=0.5),
    CosineDecay(0.1, steps=20, warmup_steps=4, final_fraction=0.1),
    OneCycle(0.1, steps=20),
]
each = pytest.mark.parametrize("schedule", EACH, ids=lambda schedule: type(schedule).__name__)


def test_step_decay_goes_down_one_stair_after_every_so_many_steps():
    schedule = StepDecay(1.0, every=2, factor=0.1)
    assert [schedule(step) for step in range(6)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_decay_is_half_a_cosine():
    schedule = CosineDecay(2.0, steps=4)
    # 2 (1 + cos(pi t / 4)) / 2 for t = 0 ... 4
    assert [schedule(step) for step in range(5)] == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0])


def test_cosine_decay_climbs_to_its_full_rate_in_the_warmup():
    schedule = CosineDecay(1.0, steps=12, warmup_steps=4)
    assert [schedule(step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert schedule(8) == pytest.approx(0.5)  # halfway between step 4 and step 12


def test_cosine_decay_stays_at_its_final_fraction():
    schedule = CosineDecay(1.0, steps=10, final_fraction=0.25)
    assert schedule(10) == schedule(11) == schedule(10**6) == pytest.approx(0.25)


def test_one_cycle_starts_at_a_25th_peaks_after_three_tenths_and_ends_near_zero():
    schedule = OneCycle(1.0, steps=100)
    # The climb takes 0.3 * 100 - 1 = 29 steps, the descent the 70 to step 99.
    assert schedule(0) == pytest.approx(1 / 25)
    assert schedule(29) == pytest.approx(1.0)
    assert schedule(29 + 35) == pytest.approx((1 + 1 / 250_000) / 2)
    assert schedule(99) == pytest.approx(1 / 250_000)
    assert schedule(1000) == schedule(99)


def test_one_cycle_between_its_corners_is_a_cosine():
    # A quarter of the way up: 1 - 24/25 (1 + cos(pi/4)) / 2, where the climb takes 0.5 * 18 - 1 = 8 steps.
    assert OneCycle(1.0, steps=18, warmup_fraction=0.5)(2) == pytest.approx(1 - 0.96 * (1 + math.sqrt(0.5)) / 2)


def rate_of_pytorch(step, peak, total_steps, pct_start=0.3, div_factor=25.0, final_div_factor=1e4):
    """Return what torch.optim.lr_scheduler.OneCycleLR gives, as it computes it."""
    first, last = peak / div_factor, peak / div_factor / final_div_factor
    climb_ends, descent_ends = pct_start * total_steps - 1, total_steps - 1
    if step <= climb_ends:
        start, end, done = first, peak, step / climb_ends
    else:
        start, end, done = peak, last, (step - climb_ends) / (descent_ends - climb_ends)
    return end + (start - end) / 2 * (math.cos(math.pi * done) + 1)


@pytest.mark.parametrize(("steps", "fraction"), [(100, 0.3), (37, 0.3), (10, 0.3), (4, 0.3), (7, 0.5)])
def test_one_cycle_has_the_rates_of_pytorch_where_its_climb_takes_a_step(steps, fraction):
    rates = [OneCycle(0.1, steps, fraction)(step) for step in range(steps)]
    assert rates == pytest.approx([rate_of_pytorch(step, 0.1, steps, fraction) for step in range(steps)], rel=1e-12)


def test_one_cycle_starts_at_its_peak_where_the_climb_takes_no_step():
    assert OneCycle(0.1, steps=3)(0) == 0.1
    assert rate_of_pytorch(0, 0.1, 3) < 0.1


def test_cosine_decay_without_warmup_is_that_of_keras():
    for step in (0, 3, 10, 15):
        fraction = 0.5 * (1 + math.cos(math.pi * min(step, 10) / 10))  # cosine_decay of keras.optimizers.schedules
        assert CosineDecay(2.0, 10, final_fraction=0.1)(step) == pytest.approx(2.0 * ((1 - 0.1) * fraction + 0.1))


def test_step_decay_is_the_exponential_decay_of_keras_in_a_staircase():
    for step in range(10):
        assert StepDecay(2.0, every=3, factor=0.5)(step) == pytest.approx(2.0 * 0.5 ** math.floor(step / 3))


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_one_cycle_is_positive_and_never_above_its_peak_however_short(steps, warmup_fraction):
    rates = [OneCycle(0.7, steps, warmup_fraction)(step) for step in range(steps + 3)]
    assert all(0 < rate <= 0.7 for rate in rates)


@each
def test_a_schedule_gives_the_same_rates_after_pickle_and_json(schedule):
    revived = type(schedule)(**json.loads(json.dumps(schedule.config())))
    for other in (revived, pickle.loads(pickle.dumps(schedule))):
        assert other == schedule
        assert [other(step) for step in range(25)] == [schedule(step) for step in range(25)]


@each
def test_a_schedule_returns_plain_floats(schedule):
    assert all(type(schedule(step)) is float for step in range(25))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(-1.0, every=1), "learning_rate must be a finite number >= 0, got -1"),
        (lambda: StepDecay(math.nan, every=1), "learning_rate must be a finite number >= 0, got nan"),
        (lambda: StepDecay(0.1, every=0), "every must be a number of steps >= 1, got 0"),
        (lambda: StepDecay(0.1, every=1, factor=2), "factor must lie between 0 and 1, got 2"),
        (lambda: StepDecay(0.1, every=1, factor=0), "factor must be above 0"),
        (lambda: CosineDecay(0.1, steps=0), "steps must be a number of steps >= 1, got 0"),
        (lambda: CosineDecay(0.1, steps=5, warmup_steps=5), "warmup_steps must be .* less than steps=5, got 5"),
        (lambda: OneCycle(0.1, steps=5, warmup_fraction=30), "warmup_fraction must lie between 0 and 1, got 30"),
        (lambda: OneCycle(math.inf, steps=5), "peak must be a finite number >= 0, got inf"),
    ],
)
def test_a_meaningless_schedule_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
