"""What a terminal shows: all rows of an image, in the colours and characters that there are, and no others."""

import io
import re
import sys

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.terminal.colours import MANY, NONE, SIXTEEN, TRUE

ESCAPE = "\x1b"
VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM", "TERM", "WT_SESSION")


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.fixture
def output(monkeypatch):
    """Return a function that puts an output in the place of the standard one, with nothing but some variables."""

    def put(kind=Terminal, encoding="utf-8", **environment):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("COLUMNS", "80")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", kind(io.BytesIO(), encoding))

    return put


def shown(text):
    """Return a text as a terminal shows it: without escape sequences."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def pixels(text):
    """Return the image (2 lines, W) that a terminal shows: the red of its 24-bit colours."""
    rows = []
    for line in text.splitlines():
        upper, lower, colours = [], [], (0, 0)
        for sequence, character in re.findall(r"(\x1b\[[\d;]*m)|(.)", line):
            if sequence and sequence != "\x1b[0m":
                parameters = [int(number) for number in sequence[2:-1].split(";")]
                assert parameters[:2] == [38, 2] and parameters[5:7] == [48, 2]
                colours = parameters[2], parameters[7]
            elif character:
                assert character == "▀"
                upper.append(colours[0])
                lower.append(colours[1])
        rows += [upper, lower]
    return np.array(rows)


COLOURS = {
    "a terminal of 256 colours": ({"TERM": "xterm-256color"}, MANY),
    "a plain one": ({"TERM": "xterm"}, SIXTEEN),
    "16 million": ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TRUE),
    "NO_COLOR": ({"TERM": "xterm-256color", "NO_COLOR": "1"}, NONE),
    "NO_COLOR beside FORCE_COLOR": ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "1"}, NONE),
    "an empty NO_COLOR says nothing": ({"TERM": "xterm-256color", "NO_COLOR": ""}, MANY),
    "dumb": ({"TERM": "dumb", "COLORTERM": "truecolor"}, NONE),
    "FORCE_COLOR=0": ({"TERM": "xterm-256color", "FORCE_COLOR": "0"}, NONE),
}


@pytest.mark.parametrize("case", COLOURS)
def test_a_terminal_gets_the_colours_that_it_has_and_the_user_wants(output, case):
    environment, expected = COLOURS[case]
    output(**environment)
    assert sc.terminal.colours() == expected


FORCED = {
    "no variable": ({"TERM": "xterm-256color"}, NONE),
    "FORCE_COLOR": ({"TERM": "xterm-256color", "FORCE_COLOR": "1"}, MANY),
    "FORCE_COLOR without a terminal's name": ({"FORCE_COLOR": "1"}, SIXTEEN),
    "FORCE_COLOR=3": ({"FORCE_COLOR": "3"}, TRUE),
    "CLICOLOR_FORCE": ({"TERM": "xterm-256color", "CLICOLOR_FORCE": "1"}, MANY),
    "CLICOLOR_FORCE=0": ({"TERM": "xterm-256color", "CLICOLOR_FORCE": "0"}, NONE),
}


@pytest.mark.parametrize("case", FORCED)
def test_a_file_gets_colours_only_where_they_are_forced(output, case):
    environment, expected = FORCED[case]
    output(io.TextIOWrapper, **environment)
    assert sc.terminal.colours() == expected


def test_without_an_output_or_with_a_closed_one_there_are_no_colours(output, monkeypatch):
    output(TERM="xterm-256color")
    sys.stdout.close()
    assert sc.terminal.colours() == NONE
    monkeypatch.setattr(sys, "stdout", None)
    assert sc.terminal.colours() == NONE and sc.terminal.half_block_image(np.eye(28))


@pytest.mark.parametrize("height", [28, 27, 1])
def test_every_pixel_of_an_image_is_there_in_half_as_many_lines(output, height):
    output(TERM="xterm", COLORTERM="truecolor")
    image = np.random.default_rng(0).integers(0, 256, (height, 28), np.uint8)
    image[0, 0] = 255
    drawn = sc.terminal.half_block_image(image)
    assert len(drawn.splitlines()) == (height + 1) // 2
    np.testing.assert_array_equal(pixels(drawn)[:height], image)


def test_no_colour_stays_on_after_a_line(output):
    for environment in ({"COLORTERM": "truecolor", "TERM": "xterm"}, {"TERM": "xterm-256color"}, {"TERM": "xterm"}):
        output(**environment)
        for text in (sc.terminal.digit(np.eye(28), np.full(10, 0.1)), sc.terminal.confusion_matrix([[9, 1], [2, 5]])):
            assert ESCAPE in text
            for line in text.splitlines():
                assert ESCAPE not in line or re.findall(r"\x1b\[[\d;]*m", line)[-1] == "\x1b[0m"


def test_without_colours_ink_is_in_half_blocks(output):
    output(TERM="dumb")
    assert sc.terminal.half_block_image([[0, 9, 0, 9], [0, 0, 9, 9]]) == " ▀▄█"
    assert sc.terminal.half_block_image(np.zeros((2, 3))) == "   "


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_blocks_gets_plain_characters(output, encoding):
    output(encoding=encoding, TERM="xterm-256color")
    image, chances = np.eye(28), np.full(10, 0.1)
    for text in (sc.terminal.half_block_image(image), sc.terminal.digit(image, chances)):
        assert text.isascii() and "@" in text and ESCAPE not in text
    assert sc.terminal.digit(image, chances) == sc.plots.ascii_digit(image, chances)


def test_a_digit_and_its_bars_fit_80_columns_whatever_the_colours(output):
    (image, *_), _ = sc.data.load_data("digits")[0]
    texts = []
    for environment in ({"TERM": "dumb"}, {"TERM": "xterm"}, {"TERM": "xterm-256color"}):
        output(**environment)
        texts.append(shown(sc.terminal.digit(image, [0.9, 0.1] + 8 * [0.0])).split("\n"))
    assert [len(lines) for lines in texts] == [14, 14, 14]
    for lines in texts:
        assert max(map(len, lines)) <= 80
        assert lines[2][31:] == "0  ██████████████████    90.00% <"
    assert [line[31:] for line in texts[0]] == [line[31:] for line in texts[2]]


@pytest.mark.parametrize("columns", [40, 60])
def test_in_a_narrow_terminal_the_bars_stand_below_the_digit(output, columns):
    (image, *_), _ = sc.data.load_data("digits")[0]
    output(TERM="xterm-256color", COLUMNS=str(columns))
    lines = shown(sc.terminal.digit(image, [0.9, 0.1] + 8 * [0.0])).split("\n")
    assert len(lines) == 14 + 1 + 10 and max(map(len, lines)) <= columns
    assert lines[15].startswith("0  ██████")


def test_the_errors_of_a_confusion_matrix_are_shaded_the_more_the_darker(output):
    output(TERM="xterm-256color")
    text = sc.terminal.confusion_matrix([[90, 1, 0], [0, 80, 8], [4, 0, 70]])
    background = {count: re.search(rf"48;5;(\d+)m *{count}\x1b", text)[1] for count in (1, 4, 8, 90, 80, 70)}
    assert len({background[count] for count in (1, 4, 8)}) == 3  # three shades
    assert len({background[count] for count in (90, 80, 70)}) == 1  # the diagonal
    assert background[90] not in (background[1], background[4], background[8])
    output(TERM="dumb")
    assert shown(text) == sc.terminal.confusion_matrix([[90, 1, 0], [0, 80, 8], [4, 0, 70]])


def test_a_confusion_matrix_has_names_and_the_share_of_each_class():
    text = sc.terminal.confusion_matrix([[3, 1, 0], [0, 0, 0], [0, 0, 7]], names=["T-shirt", "trouser", "bag"])
    lines = shown(text).splitlines()
    assert lines[1].split() == ["T-shirt", "trouser", "bag", "right"]
    assert lines[2].split() == ["T-shirt", "3", "1", ".", "75.00%"]
    assert lines[3].split() == ["trouser", ".", ".", ".", "none"] and lines[4].split()[-1] == "100.00%"
    assert len({len(line) for line in lines[1:]}) == 1


def test_the_matrix_of_mnists_test_images_fits_80_columns():
    counts = np.full((10, 10), 999) + np.diag(np.full(10, 1))
    assert max(len(shown(line)) for line in sc.terminal.confusion_matrix(counts).splitlines()) <= 80


WRONG = {
    "no square": (lambda: sc.terminal.confusion_matrix([[1, 2]]), r"square table of counts, got the shape \(1, 2\)"),
    "shares": (lambda: sc.terminal.confusion_matrix([[0.5]]), "the dtype float64; sc.plots.confusion_counts"),
    "below 0": (lambda: sc.terminal.confusion_matrix([[-1]]), "square table of counts"),
    "names": (lambda: sc.terminal.confusion_matrix([[1]], ["a", "b"]), "names must be 1, one for each class, got 2"),
    "colours": (lambda: sc.terminal.half_block_image(np.ones((4, 4, 3))), r"\(H, W\) or \(H, W, 1\), got the shape"),
    "nothing": (lambda: sc.terminal.half_block_image(np.ones((0, 4))), r"got the shape \(0, 4\)"),
    "NaN": (lambda: sc.terminal.half_block_image([[np.nan]]), "finite pixels, got NaN or infinity"),
    "no chances": (lambda: sc.terminal.digit(np.eye(4), []), "a row of model.predict"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_shown_is_refused(case):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call()
