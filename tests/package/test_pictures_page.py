"""docs/pictures.md: its code runs, and makes the pictures that stand there."""

import re

import pytest

from support.processes import ROOT

PAGE, IMAGES = ROOT / "docs" / "pictures.md", ROOT / "docs" / "images"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SAVED = re.findall(r'savefig\("(\w+\.png)"', TEXT)


def test_each_picture_stands_after_the_line_that_makes_it_and_is_small():
    assert re.findall(r"!\[[^]]+\]\(images/(\w+\.png)\)", TEXT) == SAVED
    sizes = {path.name: path.stat().st_size for path in IMAGES.glob("*.png")}
    assert set(SAVED) <= set(sizes)
    assert max(sizes[name] for name in SAVED) < 60_000
    assert sum(sizes[name] for name in SAVED) < 900_000


def test_every_function_that_draws_is_on_the_page():
    from scratchcnn import plots

    not_drawing = {"ascii_digit", "confusion_counts", "smoothing_floor"}
    assert [name for name in plots.__all__ if name not in not_drawing and f"sc.plots.{name}(" not in TEXT] == []


@pytest.mark.slow
def test_the_code_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        exec(block, names)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SAVED)
    assert names["model"].evaluate(names["x_test"], names["y_test"])[1] > 0.95
