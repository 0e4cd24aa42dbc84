"""Draw the pictures of docs/reading.md again: python docs/images/reading.py"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
sys.path += [str(HERE.parents[1]), str(HERE.parents[1] / "tests")]

import scratchcnn as sc  # noqa: E402
from scratchcnn.pictures.ink import ink_of  # noqa: E402
from scratchcnn.pictures.opening import levels_of  # noqa: E402
from support.pictures import DECIDING, picture  # noqa: E402

HEIGHT = 160


def of_height(image):
    """Return a picture of the height that all have here; pixels of 28 x 28 stay squares."""
    way = Image.Resampling.NEAREST if image.height == 28 else Image.Resampling.BICUBIC
    return image.convert("RGB").resize((round(image.width * HEIGHT / image.height), HEIGHT), way)


photo, _ = picture(DECIDING, 47, widest=900)
digit = sc.read_digit(photo)
resized = Image.fromarray(255 - np.asarray(photo.convert("L").resize((28, 28))))
ink = Image.fromarray((ink_of(levels_of(photo).pixels).clip(0, 1) * 255).astype(np.uint8))
found = photo.convert("RGB")
ImageDraw.Draw(found).rectangle(digit.box, outline=(0, 114, 178), width=2)
seen = Image.fromarray(digit.image)
steps = {"photo": photo, "resized": resized, "ink": ink, "found": found, "seen": seen}
for name, image in steps.items():
    of_height(image).save(HERE / f"reading_{name}.png", optimize=True)
both = Image.new("RGB", (of_height(found).width + HEIGHT + 10, HEIGHT), "white")
both.paste(of_height(found), (0, 0))
both.paste(of_height(seen), (of_height(found).width + 10, 0))
both.save(HERE / "reading_both.png", optimize=True)
