"""benchmarks/bench_kernels.py and its report: a limit that is passed is said aloud, and each CPU keeps its section."""

import importlib

import pytest

from support.marks import without_numba
from support.processes import ROOT

pytestmark = without_numba
REGISTERS, LAST_CACHE = 100.0, 10.0  # GFLOP/s, GB/s


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return [importlib.import_module(name) for name in ("bench_kernels", "kernel_cases", "harness", "report")]


def measured(modules, flops, moved, seconds, saving=1.0):
    bench, cases, harness, _ = modules
    limits = bench.Limits(REGISTERS, LAST_CACHE, memory=5.0, clock=2.0)
    case = cases.Case("conv", "an image", lambda: None, flops, flops, moved, saving=saving)
    return limits, [case], [harness.Timing((seconds,))]


@pytest.mark.parametrize(
    ("flops", "moved", "seconds", "saving", "share"),
    [
        (90e9, 1.0, 1.0, 1.0, 0.9),  # 90 of 100 GFLOP/s
        (90e9, 1.0, 0.5, 1.0, 1.8),
        (360e9, 1.0, 1.0, 4.0, 0.9),  # a multiplication does for four
        (360e9, 1.0, 1.0, 2.25, 1.6),
        (0.0, 9e9, 1.0, 1.0, 0.9),  # 9 of 10 GB/s
        (0.0, 9e9, 0.5, 1.0, 1.8),
    ],
)
def test_a_kernel_that_passes_its_limit_makes_the_benchmark_fail(modules, flops, moved, seconds, saving, share):
    limits, cases, timings = measured(modules, flops, moved, seconds, saving)
    assert modules[0].share_of_limit(cases[0], timings[0], limits) == pytest.approx(share)
    if share <= 1:
        modules[0].require_limits(limits, cases, timings)
    else:
        with pytest.raises(SystemExit, match=f"a limit that is passed is wrong; .*conv of an image: {share:.0%}"):
            modules[0].require_limits(limits, cases, timings)


def test_names_of_points_that_are_close_stand_where_they_cover_nothing(modules):
    report = modules[3]
    figure, axis = report.plt.subplots(layout="constrained")
    points = [
        ("keras, second", 18, 196),
        ("pytorch, second", 24, 204),
        ("lenet5, second", 60, 168),
        ("right", 900, 200),
    ]
    axis.set(xscale="log", yscale="log", xlim=(2, 1000), ylim=(50, 3000))
    note = axis.annotate("a note, over the last point but one", (60, 180), ha="center")
    report.name_points(axis, points)
    figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in axis.texts}
    assert set(boxes) == {name for name, *_ in points} | {note.get_text()}
    marks = {name: axis.transData.transform(at) for name, *at in points}
    for name, box in boxes.items():
        assert axis.bbox.x0 < box.x0 and box.x1 < axis.bbox.x1, name
        others = [other for other in boxes if other != name]
        assert not any(box.overlaps(boxes[other]) for other in others), name
        if name in marks:
            assert not any(box.contains(*mark) for mark in marks.values()), name
    report.plt.close(figure)


def test_a_section_is_replaced_and_those_of_other_cpus_stay_beside_it(modules):
    replace = modules[3].replace_section
    text = replace("# Results\n", "training AVX2", "old")
    text = replace(text, "kernels AVX2", "others")
    text = replace(text, "training AVX-512", "wide")
    text = replace(text, "training AVX2", "new")
    parts = [
        "# Results",
        *(
            f"<!-- {name}: begin -->\n{body}\n<!-- {name}: end -->"
            for name, body in (("training AVX2", "new"), ("training AVX-512", "wide"), ("kernels AVX2", "others"))
        ),
    ]
    assert text.split("\n\n") == [*parts[:-1], parts[-1] + "\n"]
