"""A number in a feature map, pressed in headless Chromium: what it shows adds up."""

import numpy as np
import pytest

from support.browser import DIGITS, Hand, needs_browser, settled
from support.page_in_browser import numbers_of, pressed_map, text

pytestmark = [pytest.mark.slow, needs_browser]


def test_a_click_on_a_feature_map_shows_products_whose_sum_is_the_value(page):
    Hand(page).draw(DIGITS[3])
    assert settled(page)["label"] == 3
    layers = page.execute_script("return page.model.layers.map((layer) => [layer.kind, layer.shape])")
    explained = 0
    for place, (kind, shape) in enumerate(layers):
        if kind not in ("Conv2D", "Dense"):
            continue
        where = (shape[0] // 2, shape[1] // 2, shape[2] - 1) if len(shape) == 3 else (0, 0, shape[0] - 1)
        shown, peak = pressed_map(page, place, *where)
        (value,), terms = numbers_of(page, ".panel .value"), numbers_of(page, ".panel .term")
        assert sum(terms) == pytest.approx(value, abs=1e-4)
        assert value == pytest.approx(shown, abs=peak / 127)
        if kind == "Conv2D":
            cells = page.execute_script(
                "return [...document.querySelectorAll('.panel .numbers')].map((table) =>"
                " [...table.querySelectorAll('td')].map((cell) => Number(cell.textContent.replace('−', '-'))))"
            )
            patch, kernel, products = (np.array(one) for one in cells)
            np.testing.assert_allclose(products, patch * kernel, atol=0.03)  # of numbers as they are written
            assert products.sum() == pytest.approx(terms[0], abs=0.006 * products.size)
        explained += 1
    assert explained >= 2


def test_a_click_on_a_pool_marks_the_number_that_is_the_value(page):
    Hand(page).draw(DIGITS[8])
    settled(page)
    kinds = page.execute_script("return page.model.layers.map((layer) => layer.kind)")
    shown, peak = pressed_map(page, kinds.index("MaxPool2D"), 3, 3, 1)
    (value,) = numbers_of(page, ".panel .value")
    assert value == pytest.approx(shown, abs=peak / 127)
    chosen = text(page, ".panel .chosen").replace("−", "-").replace(" (the largest)", "")
    assert float(chosen) == pytest.approx(value, abs=0.01)


def test_the_panel_follows_the_drawing_and_closes(page):
    Hand(page).draw(DIGITS[4][:1])
    settled(page)
    pressed_map(page, 1, 13, 13, 0)
    before = numbers_of(page, ".panel .value")
    Hand(page).draw(DIGITS[4][1:])
    settled(page)
    assert numbers_of(page, ".panel .value") != before
    page.find_element("css selector", ".panel .close").click()
    assert not page.find_elements("css selector", ".panel")
