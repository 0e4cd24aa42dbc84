"""The page in a browser, opened for a test, and what a test does there."""

import pytest

from scratchcnn.draw.server import warm_up
from support.browser import chromium, ready, screen, settled, theme
from support.pages import running


@pytest.fixture(scope="module")
def served():
    from scratchcnn.pictures import packaged_model

    with running(packaged_model()) as server, chromium() as driver:
        warm_up(server.answers)  # as ``serve`` does: no test waits for kernels to be compiled
        yield driver, server


@pytest.fixture
def page(served):
    """Return the driver, at a page that was just opened; at the end, nothing must have been reported there."""
    driver, server = served
    screen(driver, 1280, 900)
    theme(driver, "light")
    ready(driver, server.address)
    yield driver
    assert [entry["message"] for entry in driver.get_log("browser") if entry["level"] != "INFO"] == []
    assert server.errors == []


def text(page, selector):
    return page.execute_script("return document.querySelector(arguments[0]).textContent.trim()", selector)


def press(page, *keys):
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(page, duration=0).send_keys(key).perform()


def click(page, x, y):
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        page.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def board(page):
    return page.execute_script("return [page.board.marks().length, page.board.pixels().reduce((a, b) => a + b, 0)]")


def pressed_map(page, place, row, column, channel):
    """Click on a pixel of a feature map, and return its layer and what it holds as a byte tells."""
    x, y = page.execute_script(
        "const [i, row, column, channel] = arguments; const {grid} = page.layers.cards[i];"
        "grid.canvas.scrollIntoView({block: 'center'}); const box = grid.canvas.getBoundingClientRect();"
        "const [left, top] = grid.corner(channel);"
        "return [box.left + left + (column + 0.5) * grid.zoom, box.top + top + (row + 0.5) * grid.zoom]",
        *(place, row, column, channel),
    )
    click(page, x, y)
    settled(page)
    return page.execute_script(
        "const [i, row, column, channel] = arguments; const layer = page.model.layers[i];"
        "const [, columns, channels] = layer.shape.length === 3 ? layer.shape : [1, 1, layer.shape[0]];"
        "const peak = page.seen.layers[i].peak;"
        "return [peak * page.layers.cards[i].bytes[(row * columns + column) * channels + channel] / 127, peak]",
        *(place, row, column, channel),
    )


def numbers_of(page, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => Number(one.dataset.value))"
    return page.execute_script(script, selector)
