"""benchmarks/bench_growth.py: one thing changes at a time, and where the time per operation jumps is said."""

import importlib
from itertools import pairwise

import pytest

from support.marks import without_numba
from support.processes import ROOT

pytestmark = without_numba
OURS = "scratchcnn"


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return {name: importlib.import_module(name) for name in ("bench_growth", "data_sets", "harness", "networks")}


@pytest.fixture
def program(modules):
    return modules["bench_growth"]


@pytest.fixture
def tiny(modules):
    return modules["networks"].KERAS.scaled(channels=1 / 16, image_size=12)


def test_one_thing_changes_at_a_time(program):
    works = program.workloads(quick=False)
    for changed, values in [
        (program.BATCH, program.BATCH_SIZES),
        (program.SIZE, program.SIZES),
        (program.FILTERS, program.FILTER_COUNTS),
    ]:
        assert [value for what, value in works if what == changed] == list(values)
    assert {network for (what, _), (network, _) in works.items() if what == program.BATCH} == {program.KERAS}
    assert all(batch == program.FILTERS_BATCH for (what, _), (_, batch) in works.items() if what == program.FILTERS)
    assert len({batch * size**2 for (what, size), (_, batch) in works.items() if what == program.SIZE}) == 1
    assert works.items() > program.workloads(quick=True).items()


def test_vgg_has_the_operations_and_the_parameters_of_its_layers(modules):
    network, batch_size = modules["networks"].vgg(224)
    channels = [3, 64, 64, 128, 128, 256, 256]
    sizes = [224, 224, 112, 112, 56, 56]
    pairs = list(pairwise(channels))
    convolutions = sum(9 * c * f * size**2 for (c, f), size in zip(pairs, sizes, strict=True))
    assert (network.multiply_adds(), batch_size) == (convolutions + 256 * 10, 2)
    weights = network.initial_weights()
    assert sum(array.size for array in weights) == sum(9 * c * f + f for c, f in pairs) + 256 * 10 + 10
    assert len(network.channels_first(weights)) == len(weights)


def test_a_jump_is_a_change_by_more_than_1_3_times_between_neighbours(program):
    assert program.jumps({1: 10.0, 4: 10.0, 16: 12.9, 64: 10.0, 256: 13.1, 1024: 13.1, 4096: 6.55}) == [
        "64 to 256: 1.31x",
        "1,024 to 4,096: 0.50x",
    ]


def test_twice_the_threads_in_half_the_time_are_no_jump(program, modules):
    timing = modules["harness"].Timing
    works = {("threads", count): program.THREADS_WORK for count in (1, 2, 4)}
    timings = {key: {OURS: timing((time,))} for key, time in zip(works, (80.0, 40.0, 40.0), strict=True)}
    assert "- threads: 2 to 4: 2.00x" in program.render_jumps(timings, works, modules["data_sets"].Growth())


@pytest.mark.slow
def test_memory_and_time_are_measured_for_everything_that_changes(program, modules, tiny, monkeypatch, tmp_path):
    networks = modules["networks"]
    works = {
        **{(program.BATCH, size): (tiny, size) for size in (1, 3)},
        (program.SIZE, 12): (networks.VGG.scaled(channels=1 / 16, image_size=12), 2),
        (program.FILTERS, 16): (networks.CONVOLUTIONS.scaled(channels=1 / 4, image_size=6), 2),
    }
    monkeypatch.setattr(program, "check", lambda *arguments: [])
    monkeypatch.setattr(program, "workloads", lambda quick: dict(works))
    monkeypatch.setattr(program, "THREADS_WORK", (tiny, 2))
    monkeypatch.setattr(program, "IMAGE_COUNTS", (200,))
    monkeypatch.setattr(modules["data_sets"], "KERAS", tiny)
    monkeypatch.setattr(modules["data_sets"], "STEPS", 4)
    options = ["--quick", "--threads", "1", "--peers", OURS, "--repeats", "3", "--turn", "0.001"]
    text = program.main([*options, "--thread-counts", "1", "--plots", str(tmp_path)])
    assert "left out" not in text
    assert text.count("scratchcnn, GFLOP/s") == text.count("scratchcnn, peak MiB") == 4
    for row in ("| 200, np.memmap ", "| 200, np.memmap, MADV_RANDOM ", "- batch size: ", "- filters: nowhere"):
        assert row in text
    assert list(tmp_path.glob("plots/growth-*.png"))


@pytest.mark.parametrize(("second", "moved", "agrees"), [(9e-5, 0.0, True), (2e-3, 3.0, True), (2e-3, 0.5, False)])
def test_losses_after_an_update_may_differ_by_a_thousandth_of_what_it_changed(modules, second, moved, agrees):
    compare = importlib.import_module("compare")
    found = [compare.Agreement("vgg", "PyTorch", 1e-7, second, moved)]
    if agrees:
        compare.require_equal_losses(found)
    else:
        with pytest.raises(SystemExit, match=r"differ by more than 0\.0001.*PyTorch on vgg"):
            compare.require_equal_losses(found)
