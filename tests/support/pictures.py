"""Pictures of digits as people have them: fonts and hands on paper, board or screen, drawn by a program.

There are two splits, of other fonts, other hands and other random numbers: by ``DECIDING`` all was chosen that had to
be chosen, ``REPORTED`` is what the documentation and the tests report (with random numbers that no run before the last
choice had seen). The number of a picture decides all about it.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import scratchcnn as sc

from . import hands

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@dataclass(frozen=True)
class Split:
    """Where pictures come from: shapes of hands, fonts that matplotlib brings, and a seed."""

    name: str
    hands: tuple[tuple[str, ...], ...]
    fonts: tuple[str, ...]
    seed: int


DECIDING = Split(
    "deciding",
    hands.DECIDING,
    (
        *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
        *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmtt10"),
    ),
    1,
)
REPORTED = Split(
    "reported",
    hands.REPORTED,
    (
        *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
        *("DejaVuSansMono", "DejaVuSansMono-Oblique", "cmss10", "cmti10", "cmb10"),
    ),
    3,
)


def picture(split: Split, number: int, widest: int = 4000) -> tuple[Image.Image, int]:
    """Return a picture of one digit, 200 to ``widest`` pixels wide, and the digit."""
    rng = np.random.default_rng((split.seed, number))
    digit = number % 10
    wanted = math.exp(rng.uniform(math.log(200), math.log(widest)))
    times = math.ceil(
        wanted / 1400
    )  # drawn smaller and enlarged: no camera is sharp to the pixel, and noise takes time
    width = round(wanted / times)
    height = round(width * rng.choice([0.75, 1.0, 4 / 3, 9 / 16]))
    ink = turned(glyph(split, digit, round(min(width, height) * rng.uniform(0.25, 0.75)), rng), rng.uniform(-15, 15))
    ink.thumbnail((round(0.94 * width), round(0.94 * height)))  # what is turned may be too wide
    margin = 0.02 * min(width, height)
    left = round(rng.uniform(margin, max(margin, width - ink.width - margin)))
    top = round(rng.uniform(margin, max(margin, height - ink.height - margin)))
    mask = Image.new("L", (width, height))
    mask.paste(ink, (left, top))
    return on_paper(np.asarray(mask), rng).resize((width * times, height * times), Image.Resampling.BILINEAR), digit


def line_of(split: Split, digits: str, number: int, height: int = 80) -> Image.Image:
    """Return a picture of several digits in rows that are divided by newlines, all by one hand or in one font."""
    rng = np.random.default_rng((split.seed, number, 1))
    rows = digits.split("\n")
    mask = Image.new("L", (max(map(len, rows)) * height + height, len(rows) * round(1.7 * height) + height))
    for row, text in enumerate(rows):
        for column, digit in enumerate(text):
            if digit != " ":
                ink = glyph(
                    split, int(digit), height, np.random.default_rng((split.seed, number, 2, row, column)), number
                )
                place = (column * height + height // 2, round(1.7 * row * height) + height // 2)
                mask.paste(ink, place, ink)
    return on_paper(np.asarray(mask), rng)


def glyph(split: Split, digit: int, height: int, rng: np.random.Generator, source: int | None = None) -> Image.Image:
    """Return a digit, white on black and cropped, by one of the hands (twice as often) or in one of the fonts."""
    chosen = rng.integers(100) if source is None else source
    if chosen % 3:
        hand = (
            split.hands[chosen % len(split.hands)]
            if source is not None
            else split.hands[rng.integers(len(split.hands))]
        )
        drawn = hands.write(hand[digit], height, rng.uniform(0.03, 0.13), rng)
    else:
        font = split.fonts[rng.integers(len(split.fonts))]
        if "Mono" in font and digit == 0:  # has a dot inside, which no hand writes and few readers expect
            font = split.fonts[0]
        size = round(1.35 * height)
        drawn = Image.new("L", (2 * size, 2 * size))
        face = ImageFont.truetype(FONTS / f"{font}.ttf", size)
        ImageDraw.Draw(drawn).text((size // 2, size // 2), str(digit), fill=255, font=face)
    return drawn.crop(drawn.getbbox())


def turned(ink: Image.Image, degrees: float) -> Image.Image:
    """Return a picture turned about its middle, cropped."""
    ink = ink.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    return ink.crop(ink.getbbox())


def on_paper(mask: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Return ink (H, W) of uint8 on paper, or light on a dark board: in uneven light, with noise, ruled or squared."""
    height, width = mask.shape
    dark_on_light = rng.random() < 0.6
    paper, ink = (
        (rng.uniform(150, 250), rng.uniform(10, 70)) if dark_on_light else (rng.uniform(10, 70), rng.uniform(190, 255))
    )
    page = np.full((height, width), paper, np.float32)
    kind = rng.random()
    if kind < 0.3:
        rule(page, paper + rng.uniform(0.15, 0.35) * (ink - paper), squared=kind < 0.1, rng=rng)
    page += mask * ((np.float32(ink) - page) / 255)  # ink covers the lines
    if rng.random() < 0.8:
        page *= light(height, width, rng)
    page += rough(height, width, rng.uniform(0, 6), 4, rng) + rough(height, width, rng.uniform(0, 9), 1, rng)
    grey = Image.fromarray(page.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        grey = grey.filter(ImageFilter.GaussianBlur(min(width, height) / 400))
    if rng.random() < 0.4:
        return grey
    tint = rng.uniform(0.8, 1, 3)
    return Image.merge("RGB", [grey.point([round(level * part) for level in range(256)]) for part in tint])


def rule(page: np.ndarray, level: float, squared: bool, rng: np.random.Generator) -> None:
    """Draw the lines of a writing pad into a page."""
    height, width = page.shape
    distance, thickness = round(height * rng.uniform(0.08, 0.2)), max(1, round(width * rng.uniform(0.001, 0.004)))
    top, left = rng.integers(distance, size=2)
    for line in range(thickness):
        page[top + line :: distance] = level
        if squared:
            page[:, left + line :: distance] = level


def light(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return how much light falls on each pixel: less to one side, and sometimes a soft shadow."""
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.cos(angle) / (abs(np.cos(angle)) + abs(np.sin(angle))), np.sin(angle)
    y, x = (np.linspace(-1, 1, extent, dtype=np.float32) for extent in (height, width))
    along = np.float32(across) * x + np.float32(np.sign(down) * (1 - abs(across))) * y[:, None]  # -1 to 1
    lit = 1 - np.float32(rng.uniform(0.05, 0.5) / 2) * (1 + along)
    if rng.random() < 0.3:
        lit *= 1 - np.float32(rng.uniform(0.1, 0.3)) / (1 + np.exp((along - np.float32(rng.uniform(-0.5, 0.5))) * 12))
    return lit


def rough(height: int, width: int, deviation: float, grain: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise whose grains are some pixels large; a large picture repeats it."""
    tile = rng.normal(0, deviation, (256 // grain, 256 // grain)).astype(np.float32)
    tile = np.asarray(Image.fromarray(tile).resize((256, 256), Image.Resampling.BICUBIC))
    times = (-(-height // len(tile)), -(-width // len(tile)))
    return np.tile(tile, times)[:height, :width]


def sheet(pictures: list[tuple[Image.Image, str]], columns: int = 10, size: int = 120) -> Image.Image:
    """Return a contact sheet: small copies with a line of text below each, to look at."""
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * size, rows * (size + 14)), "white")
    for place, (each, text) in enumerate(pictures):
        corner = (place % columns * size, place // columns * (size + 14))
        small = each.convert("RGB")
        small.thumbnail((size - 4, size - 4))
        page.paste(small, corner)
        ImageDraw.Draw(page).text((corner[0], corner[1] + size - 2), text, fill="black")
    return page


def share_read(split: Split, count: int, widest: int, model: Any = None) -> float:
    """Return the share of a split's first pictures whose digit a model reads, by default the packaged one."""
    right = 0
    for number in range(count):
        image, digit = picture(split, number, widest)
        try:
            right += sc.read_digit(image, model).label == digit
        except sc.pictures.PictureError:
            pass
    return right / count


if __name__ == "__main__":  # python -m support.pictures MODEL
    print(f"{share_read(REPORTED, 500, 4000, sc.load_model(sys.argv[1])):.1%} of 500 pictures are read")
