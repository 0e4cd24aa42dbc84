"""Digits as the strokes of a pen, by two sets of hands that have no shape in common.

A shape is text: points ``x,y`` in hundredths of the digit's height, from its top left corner; a smooth curve goes
through those of a stroke, and ``|`` lifts the pen or turns it sharply. A hand has one shape for each digit.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

DECIDING = (
    (
        "30,0 8,20 2,55 15,95 32,100 55,80 60,45 50,10 30,0",
        "30,0 30,100",
        "5,25 15,5 35,0 52,12 52,35 35,60 3,98 | 3,98 60,98",
        "5,12 28,0 50,12 48,35 25,46 | 25,46 52,55 58,78 35,100 5,90",
        "12,0 5,55 | 5,55 60,55 | 45,20 42,100",
        "55,2 12,2 | 12,2 8,42 | 8,42 35,36 56,55 50,85 28,100 4,92",
        "45,0 18,25 4,62 15,95 38,98 54,75 40,54 18,60 6,75",
        "3,5 58,3 | 58,3 22,100",
        "50,12 28,0 10,15 25,42 50,60 50,88 28,100 6,86 10,62 40,40 50,14",
        "50,20 30,0 6,15 8,42 30,50 50,35 50,15 | 50,15 48,60 42,100",
    ),
    (
        "35,3 12,15 5,50 15,90 32,98 50,85 55,50 48,15 30,4 22,10",
        "10,25 35,0 | 35,0 35,100",
        "8,22 25,2 48,8 52,30 38,58 12,88 5,98 12,85 25,88 40,98 62,92",
        "8,2 52,2 | 52,2 25,42 | 25,42 50,50 56,75 38,98 5,90",
        "42,0 2,68 | 2,68 62,68 | 42,0 42,100",
        "15,0 10,45 | 10,45 38,40 55,62 42,95 5,95 | 15,2 58,0",
        "50,3 25,15 8,50 8,82 28,100 52,88 52,65 32,55 10,72",
        "3,5 58,5 | 58,5 20,100 | 18,50 52,48",
        "30,0 10,12 12,36 30,46 50,36 50,12 30,0 | 30,46 6,62 6,88 30,100 54,88 54,62 30,46",
        "52,22 32,0 8,15 10,42 32,50 52,30 | 54,12 55,60 40,95 10,95",
    ),
    (
        "32,0 5,15 0,50 8,85 32,100 58,85 64,50 58,15 32,0",
        "45,0 20,100",
        "5,18 30,0 55,20 45,50 5,100 | 5,100 58,95",
        "8,8 35,0 52,18 40,40 22,45 45,50 58,72 42,96 5,94",
        "10,5 6,35 12,55 35,58 58,50 | 52,0 48,100",
        "55,5 25,3 10,20 18,42 45,52 55,75 38,98 5,92",
        "38,0 10,50 4,80 28,100 52,84 44,62 22,60 6,78",
        "5,12 6,3 | 6,3 56,3 | 56,3 35,45 28,100",
        "48,10 25,2 12,20 32,45 52,72 32,98 8,80 28,50 48,25 46,8",
        "48,8 25,2 5,22 15,48 38,45 50,15 | 50,10 35,100",
    ),
)
REPORTED = (
    (
        "40,2 10,20 4,60 20,98 45,90 58,50 50,12 28,2",
        "32,2 28,98",
        "8,30 10,8 32,0 54,15 46,45 20,78 4,96 | 4,96 30,92 60,98",
        "4,18 20,2 46,6 46,32 22,48 | 22,48 50,54 54,80 30,98 2,84",
        "20,2 8,30 2,62 | 2,62 58,58 | 40,32 34,98",
        "52,0 16,4 | 16,4 6,46 | 6,46 30,38 52,50 54,78 36,96 8,98",
        "42,2 20,18 6,48 4,78 20,98 44,96 52,76 38,62 14,70",
        "2,8 30,4 56,6 | 56,6 38,50 20,98",
        "46,14 30,2 12,12 16,34 42,52 54,76 38,98 12,94 8,70 30,46 46,28 46,12",
        "46,16 24,4 6,22 12,46 36,46 48,20 | 48,14 46,56 44,98",
    ),
    (
        "30,0 12,8 6,50 12,92 30,100 48,92 54,50 48,8 30,0",
        "15,22 38,2 | 38,2 34,100",
        "4,15 35,2 50,22 30,65 2,100 | 2,100 55,100",
        "6,10 32,2 50,20 36,42 20,46 | 20,46 46,52 52,76 30,100 4,94",
        "38,2 4,62 | 4,62 60,64 | 44,36 40,100",
        "50,4 14,0 | 14,0 12,40 | 12,40 42,40 58,64 44,92 10,96",
        "34,0 14,30 6,66 12,92 34,100 54,86 50,66 30,58 8,72",
        "4,4 60,2 | 60,2 40,40 26,98 | 22,52 54,46",
        "32,2 14,10 14,34 32,44 48,34 48,10 32,2 | 32,44 10,58 4,82 28,98 52,84 50,58 32,44",
        "54,12 30,2 10,18 14,44 36,48 52,28 54,12 54,50 48,80 30,98 10,92",
    ),
    (
        "45,8 25,0 5,30 5,70 28,100 55,75 58,35 42,6 30,10",
        "8,30 32,0 | 32,0 32,100 | 10,100 54,100",
        "10,28 22,4 46,4 54,26 36,62 10,94 4,88 18,82 36,95 60,90",
        "10,4 30,0 50,12 42,36 24,44 46,48 56,66 46,92 20,100 2,90",
        "14,2 8,30 8,50 | 8,50 56,54 | 50,4 48,52 46,98",
        "56,2 30,0 14,10 10,34 30,42 52,56 52,82 30,98 6,90",
        "48,6 30,4 12,34 6,72 22,98 46,92 52,72 36,58 16,66 8,82",
        "6,16 8,4 | 8,4 54,6 | 54,6 30,60 24,100",
        "50,16 36,0 14,8 14,30 38,48 54,70 44,96 18,98 6,78 24,52 48,32 50,18",
        "48,10 28,0 8,14 8,36 26,48 46,36 50,10 | 50,10 40,54 26,98",
    ),
)


def strokes(shape: str) -> list[np.ndarray]:
    """Return the strokes of a shape, each (points, 2) of x and y in digits' heights."""
    return [np.array([point.split(",") for point in stroke.split()], float) / 100 for stroke in shape.split("|")]


def curve(points: np.ndarray, steps: int = 24) -> np.ndarray:
    """Return many points of the Catmull-Rom spline through a few."""
    around = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])


def write(shape: str, height: int, pen: float, rng: np.random.Generator) -> Image.Image:
    """Return a digit of a height in pixels, white on black: each time with other, slightly wrong points.

    ``pen`` is the width of the stroke as a part of the height; pressure varies it along the way.
    """
    slant, narrow = rng.uniform(-0.1, 0.2), rng.uniform(0.75, 1.15)
    margin = 0.5
    picture = Image.new("L", (round(height * (1 + 2 * margin)), round(height * (1 + 2 * margin))))
    draw = ImageDraw.Draw(picture)
    for stroke in strokes(shape):
        if not np.array_equal(stroke[0], stroke[-1]):
            stroke = stroke + rng.normal(0, 0.012, stroke.shape)
        x, y = curve(stroke).T
        x, y = (x * narrow - slant * (y - 0.5) + margin + 0.2) * height, (y + margin) * height
        phase, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
        radii = np.maximum(0.6, height * pen / 2 * (1 + depth * np.sin(phase + 4 * np.linspace(0, 1, len(x)))))
        for place in range(len(x)):
            left, top, radius = x[place], y[place], radii[place]
            draw.ellipse((left - radius, top - radius, left + radius, top + radius), fill=255)
            if place:
                draw.line((x[place - 1], y[place - 1], left, top), fill=255, width=max(1, round(2 * radius)))
    return picture
