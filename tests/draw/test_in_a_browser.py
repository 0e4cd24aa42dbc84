"""The page in headless Chromium, drawn on by real pointers and keys."""

import re

import numpy as np
import pytest

from scratchcnn.pictures import packaged_model
from support.browser import DIGITS, Hand, chromium, needs_browser, ready, screen, settled, theme
from support.page_in_browser import board, press, pressed_map, text
from support.pages import running

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.mark.parametrize("pointer, digits", [("mouse", range(10)), ("touch", (2, 4)), ("pen", (5,))])
def test_ten_digits_drawn_are_ten_digits_read(page, pointer, digits):
    read = []
    for digit in digits:
        page.execute_script("page.board.clear()")
        Hand(page, pointer).draw(DIGITS[digit])
        read.append(settled(page)["label"])
        assert text(page, "#label") == str(read[-1])
        assert text(page, "#spoken").startswith(f"{read[-1]}, ")
    assert read == list(digits)
    assert re.fullmatch(r"[0-9.]+ ms of computation for all that is shown", text(page, "#time"))


def test_the_answer_comes_while_the_stroke_grows(page):
    Hand(page).draw([DIGITS[2][0][:8]], lift=False)
    page.execute_async_script("setTimeout(arguments[0], 400)")
    first = page.execute_script("return [page.board.stroke !== null, page.seen.image, page.seen.probabilities]")
    Hand(page).draw([DIGITS[2][0][8:]], lift=True, press=False)
    assert settled(page)["label"] == 2
    assert first[0] and first[1] != page.execute_script("return page.seen.image") and len(first[2]) == 10


def test_undo_and_clear_take_back_and_are_taken_back(page):
    Hand(page).draw(DIGITS[4][:1])
    one = board(page)
    Hand(page).draw(DIGITS[4][1:])
    two = board(page)
    page.find_element("id", "undo").click()
    assert board(page) == one != two
    Hand(page).draw(DIGITS[4][1:])
    assert settled(page)["label"] == 4
    page.find_element("id", "clear").click()
    assert settled(page) is None and board(page) == [0, 0] and text(page, "#label") == "?"
    page.find_element("id", "undo").click()
    assert settled(page)["label"] == 4 and board(page) == two
    for _ in range(2):
        page.find_element("id", "undo").click()
    assert board(page) == [0, 0]
    assert not page.find_element("id", "undo").is_enabled() and not page.find_element("id", "clear").is_enabled()


def test_a_test_image_comes_to_the_network_as_it_is_and_can_be_drawn_on(page):
    page.find_element("css selector", "#digits button[aria-label='A test image of a 7']").click()
    settled(page)
    assert settled(page) and re.fullmatch(r"28 × 28 pixels: test image \d+, labelled 7", text(page, "#input-caption"))
    same = "return page.seen.image === btoa(String.fromCharCode(...page.board.marks()[0].image))"
    assert page.execute_script(same)
    Hand(page).draw([[(0.3, 0.5), (0.7, 0.5)]])
    assert settled(page) and not page.execute_script(same)
    assert text(page, "#input-caption").endswith("as MNIST was made")


def background(page):
    style = "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    return np.mean(page.execute_script(style))


def test_the_theme_is_the_systems_until_it_is_switched(page):
    assert background(page) > 200
    theme(page, "dark")
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert background(page) < 50
    page.find_element("id", "theme").click()
    assert background(page) > 200
    theme(page, "light")
    theme(page, "dark")
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert background(page) > 200  # it was chosen


def test_the_evidence_can_be_asked_for_another_class(page):
    Hand(page).draw(DIGITS[9])
    settled(page)
    assert text(page, "#h-evidence") == "For and against 9"
    page.find_element("css selector", ".bar:nth-child(5)").click()
    settled(page)
    assert text(page, "#h-evidence") == "For and against 4" and text(page, "#label") == "9"


def test_all_can_be_done_with_keys(page):
    from selenium.webdriver import Keys

    press(page, Keys.TAB, Keys.TAB)  # past the theme
    assert page.switch_to.active_element.get_attribute("id") == "board"
    ring = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.execute_script(ring) == "solid"
    press(page, *[Keys.ARROW_UP] * 10, Keys.SPACE, *[Keys.ARROW_DOWN] * 20, Keys.SPACE)
    assert settled(page)["label"] == 1 and text(page, "#spoken").startswith("1, ")
    press(page, Keys.BACKSPACE)
    assert settled(page) is None
    press(page, "6")
    settled(page)
    assert "labelled 6" in text(page, "#input-caption")
    page.execute_script("page.layers.cards[1].grid.canvas.focus()")
    press(page, Keys.ARROW_LEFT, Keys.PAGE_DOWN, Keys.ENTER)
    settled(page)
    assert "map 1, row" in text(page, ".panel h4")
    press(page, Keys.ARROW_UP)
    page.find_element("css selector", ".panel canvas").send_keys(Keys.ESCAPE)
    assert not page.find_elements("css selector", ".panel")


def test_everything_that_can_be_pressed_has_a_name(page):
    Hand(page).draw(DIGITS[0])
    settled(page)
    pressed_map(page, 1, 5, 5, 0)
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    pressable = {"button", "slider", "combobox", "application", "link", "textbox"}
    found = [node for node in nodes if node.get("role", {}).get("value") in pressable and not node.get("ignored")]
    assert len(found) > 20
    assert [node for node in found if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_wider_than_the_screen(page, width):
    screen(page, width, 780, touch=width < 700)
    Hand(page).draw(DIGITS[5])
    settled(page)
    kinds = page.execute_script("return page.model.layers.map((layer) => layer.kind)")
    for place in (index for index, kind in enumerate(kinds) if kind in ("Conv2D", "Dense", "MaxPool2D")):
        page.execute_script("page.layers.explain(arguments[0], {row: 0, column: 0, channel: 1})", place)
        settled(page)
        widest = page.execute_script("return document.documentElement.scrollWidth")
        assert widest <= width, kinds[place]


def test_who_wants_no_motion_gets_none(page):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    moves = "return getComputedStyle(document.querySelector('.bar .track span')).transitionDuration"
    assert page.execute_script(moves) == "0s"


def test_the_page_says_that_its_server_has_gone():
    with chromium() as driver:
        with running(packaged_model()) as server:
            ready(driver, server.address)
        Hand(driver).draw(DIGITS[1])
        driver.execute_async_script("setTimeout(arguments[0], 500)")
        assert "has ended" in text(driver, "#trouble")


def test_a_page_of_another_origin_gets_nothing(served):
    driver, server = served
    with running() as other:  # another port is another origin
        ready(driver, other.address)
        for name in ("", "model", "page.js"):
            tried = driver.execute_async_script(
                "const [address, done] = arguments; fetch(address, {mode: 'no-cors'})"
                ".then((answer) => answer.text()).then(done, () => done(null))",
                server.address + name,
            )
            assert not tried
