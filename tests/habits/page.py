"""The page of the documentation that is made of the table: ``python -m habits.page`` in ``tests`` writes it."""

from __future__ import annotations

from habits.programs import DIFFERENCES
from habits.table import HABITS
from support.processes import ROOT

PAGE = ROOT / "docs" / "keras.md"
HEAD = """# For users of Keras

What you type works, or is refused by a message that shows what to write here. Each line below is run by the tests:
those without anything beside them work as they are; the others raise an error whose message contains what stands beside
them. In the code `x` are images, `y` class numbers, `rows` the same one-hot, and `model` is compiled.

What works and means something else, each shown by a test, too:

"""


def page() -> str:
    """Return the page."""
    parts = [HEAD + "".join(f"- {sentence}\n" for sentence in DIFFERENCES)]
    for section, habits in HABITS.items():
        rows = [
            f"| `{' '.join(habit.code.split())}` | {f'`{habit.instead}`' if habit.instead else ''} |"
            for habit in habits
        ]
        parts.append(
            "\n".join([f"## {section}\n", "| what you type | what to write instead |", "|---|---|", *rows, ""])
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
