"""How training by ``fit`` grows with the number of images, which lie in a file and are mapped into memory.

The file is sparse: it has the size of its images and takes no room on a disk, and what is read of it is zeros. So
nothing here waits for a disk; but the pages of the file pass through the page cache, as those of any file do.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import report
from harness import PeerError, Timing, files, workers
from networks import KERAS
from options import progress
from peers import OURS

BATCH_SIZE, STEPS = 100, 100
AS_OPENED, AT_RANDOM = "np.memmap", "np.memmap, MADV_RANDOM"


@dataclass
class Growth:
    """What was measured, by the way of opening the file, and by the number of images.

    Attributes
    ----------
    start : seconds before the first step
    step : microseconds per image
    memory : peak resident bytes above those after the import
    mapped : the bytes of pages of the file among them
    """

    start: dict[str, dict[float, Timing]] = field(default_factory=dict)
    step: dict[str, dict[float, Timing]] = field(default_factory=dict)
    memory: dict[str, dict[float, int]] = field(default_factory=dict)
    mapped: dict[str, dict[float, int]] = field(default_factory=dict)


def grow(counts: list[int], options: argparse.Namespace, missing: dict[str, str]) -> Growth:
    """Measure data sets of these sizes, each in a process of its own, in rotation; a new file in each turn."""
    result = Growth()
    keys = [(way, count) for count in counts for way in (AS_OPENED, AT_RANDOM)]
    starts: dict[tuple[str, int], list[float]] = {key: [] for key in keys}
    times: dict[tuple[str, int], list[float]] = {key: [] for key in keys}
    mapped = dict.fromkeys(keys, 0)
    with (
        files() as shared,
        workers([OURS] * len(keys), options.threads, "", missing, keep_memory=False) as ready,
    ):
        request = shared.request(KERAS, BATCH_SIZE)
        by_key = dict(zip(keys, ready, strict=False))
        imported = {key: worker.ask("memory")["peak_bytes"] for key, worker in by_key.items()}
        for turn in range(max(1, options.repeats // 3)):
            for key, worker in by_key.items():
                way, count = key
                progress(f"data set {turn}: {count:,} images, {way}")
                images = shared.folder / "images.bin"
                with images.open("wb") as file:
                    file.truncate(count * 28 * 28)
                try:
                    wanted = {"images": str(images), "count": count, "random": way == AT_RANDOM, "steps": STEPS}
                    answer = worker.ask("fit", **request, **wanted)
                except PeerError as error:
                    missing[f"{count:,} images, {way}"] = str(error)
                    continue
                finally:
                    images.unlink()
                starts[key].append(answer["start"])
                times[key].append(answer["step"] * 1e6 / BATCH_SIZE)
                mapped[key] = max(mapped[key], answer["mapped_bytes"])
        for (way, count), worker in by_key.items():
            if not times[way, count]:
                continue
            result.start.setdefault(way, {})[count] = Timing(tuple(starts[way, count]))
            result.step.setdefault(way, {})[count] = Timing(tuple(times[way, count]))
            peak = worker.ask("memory")["peak_bytes"] - imported[way, count]
            result.memory.setdefault(way, {})[count] = peak
            result.mapped.setdefault(way, {})[count] = mapped[way, count]
    return result


def render(result: Growth) -> str:
    """Return the table as Markdown."""
    rows = []
    for way, counts in result.step.items():
        for count, step in counts.items():
            start, memory, mapped = (by_way[way][count] for by_way in (result.start, result.memory, result.mapped))
            cells = [report.with_spread(step), report.with_spread(start.scaled(1e3))]
            rows.append([f"{count:,}, {way}", *cells, f"{memory / 2**20:.0f}", f"{mapped / 2**20:.0f}"])
    header = [
        "images in the data set",
        "us/image",
        "ms before the first step",
        "peak MiB",
        "of these pages of the file",
    ]
    return report.table(header, rows)
