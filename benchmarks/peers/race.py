"""One contestant of ``time_to_accuracy.py``: trains a network once, in a process of its own, and tells how it went.

    python race.py scratchcnn|torch|torch-channels-last FOLDER THREADS CPU,CPU

The folder holds ``job.json``, ``job.npz`` and perhaps ``distorted.npy``: the recipe, the network, initial weights,
images, the order in which they are drawn, as they are distorted, and the learning rate of every step, all the same for
every contestant. Printed is one line of JSON: the seconds of a few steps taken before (with compilation, or whatever a
framework does the first time), the seconds of all steps, and triples of step, seconds of training so far and accuracy
on the test images. The clock stands still while the accuracy is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from networks import Network

from peers.job import Job

WARM_UP = 3  # steps


def ours(job: Job, settings: dict[str, Any], test: tuple[np.ndarray, np.ndarray], folder: Path) -> dict[str, Any]:
    """Train by ``fit``, with the recipe itself: the images are distorted in it, while the clock runs."""
    import dataclasses

    import scratchcnn as sc

    recipe, images, labels = sc.recipes.RECIPES[settings["recipe"]], job.images, job.labels

    class Clock(sc.callbacks.Callback):
        """Measures the accuracy after some steps, of the average of the weights if there is one."""

        def on_train_begin(self) -> None:
            self.points: list[tuple[int, float, float]] = []
            self.seconds, self.steps = 0.0, 0
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
            self.steps += 1
            if self.steps in settings["stops"]:
                self.seconds += time.perf_counter() - self.start
                for one in averages:
                    one.on_epoch_train_end(0)
                self.points.append((self.steps, self.seconds, self.model.evaluate(*test)[1]))
                for one in averages:
                    one.on_epoch_begin(0)
                self.start = time.perf_counter()

    def train(epochs: int, count: int, seed: int) -> Clock:
        short = dataclasses.replace(recipe, epochs=epochs)
        model = sc.Sequential(recipe.network(10), input_shape=job.network.input_shape, seed=seed)
        short.compile(model, count)
        model.fit(
            images[:count], labels[:count], recipe.batch_size, epochs, verbose=0, augmentation=recipe.augmentation,
            callbacks=[*averages, clock],
        )  # fmt: skip
        return clock

    averages = [sc.ExponentialMovingAverage(recipe.average)] if recipe.average else []
    clock = Clock()
    start = time.perf_counter()
    train(1, WARM_UP * recipe.batch_size + len(images) % recipe.batch_size, 1)
    clock.model.evaluate(*test)
    warm_up = time.perf_counter() - start
    train(recipe.epochs, len(images), settings["seed"])
    return {"warm_up": warm_up, "points": clock.points, "seconds": clock.points[-1][1]}


class Torch:
    """PyTorch. Its images are distorted, and floats in its own layout, before the clock starts, which ours are not."""

    def __init__(self, job: Job, settings: dict[str, Any]) -> None:
        import torch

        from peers import torch_peer

        self.torch, self.smoothing = torch, settings["label_smoothing"]
        self.model = torch_peer._model(job).train()
        self.layout = torch_peer._memory_format
        kinds = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW, "SGD": torch.optim.SGD}
        given = dict(settings["optimizer"])
        self.optimizer = kinds[given.pop("kind")](self.model.parameters(), fused=True, **given)
        self.decay = settings["average"]
        self.weights = [t for t in self.model.state_dict().values() if t.is_floating_point()]
        self.averages = [weight.clone() for weight in self.weights] if self.decay else []
        self.steps = 0

    def prepared(self, images: np.ndarray) -> Any:
        """Return images as floats (n, C, H, W)."""
        pixels = self.torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        return pixels.float().div_(255)

    def step(self, images: Any, labels: Any, learning_rate: float) -> None:
        loss = self.torch.nn.functional.cross_entropy(self.model(images), labels, label_smoothing=self.smoothing)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        if self.averages:
            decay = min(self.decay, self.steps / (self.steps + 10))
            with self.torch.no_grad():
                self.torch._foreach_lerp_(self.averages, self.weights, 1 - decay)

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        kept = [weight.clone() for weight in self.weights]
        self._set(self.averages or kept)
        self.model.eval()
        with self.torch.inference_mode():
            answers = [self.model(self.prepared(part)).argmax(1) for part in np.array_split(images, 20)]
        self.model.train()
        self._set(kept)
        return float(np.mean(self.torch.cat(answers).numpy() == labels))

    def _set(self, values: list[Any]) -> None:
        with self.torch.no_grad():
            for weight, value in zip(self.weights, values, strict=True):
                weight.copy_(value)


def theirs(job: Job, settings: dict[str, Any], test: tuple[np.ndarray, np.ndarray], folder: Path) -> dict[str, Any]:
    """Train by hand, to the end or for as many steps as are asked for."""
    order, size = settings["order"], job.batch_size
    batches = [(epoch, start) for epoch in range(len(order)) for start in range(0, len(order[0]), size)]
    file = folder / "distorted.npy"
    distorted = np.load(file, mmap_mode="r") if file.exists() else None  # in the order in which they are drawn
    start = time.perf_counter()
    first = Torch(job, settings)
    whole = None if distorted is not None else first.prepared(job.images)

    def batch(epoch: int, start: int) -> tuple[Any, Any]:
        chosen = order[epoch][start : start + size]
        labels = first.torch.from_numpy(job.labels[chosen])
        if distorted is not None:
            place = epoch * len(order[0]) + start
            return first.prepared(np.ascontiguousarray(distorted[place : place + len(chosen)])), labels
        assert whole is not None
        return whole[first.torch.from_numpy(chosen)].contiguous(memory_format=first.layout), labels

    for number in [*range(WARM_UP), len(range(0, len(order[0]), size)) - 1]:  # the last one may be smaller
        first.step(*batch(*batches[number]), 1e-3)
    first.accuracy(*test)
    warm_up = time.perf_counter() - start

    racer = Torch(job, settings)
    points, seconds = [], 0.0
    start = time.perf_counter()
    for number, place in enumerate(batches[: settings["steps"]], 1):
        if distorted is not None:  # made ready while the clock stands still
            seconds += time.perf_counter() - start
            images, labels = batch(*place)
            start = time.perf_counter()
        else:
            images, labels = batch(*place)
        racer.step(images, labels, settings["learning_rates"][number - 1])
        if number in settings["stops"]:
            seconds += time.perf_counter() - start
            points.append((number, seconds, racer.accuracy(*test)))
            start = time.perf_counter()
    seconds += time.perf_counter() - start
    return {"warm_up": warm_up, "points": points, "seconds": of_all_steps(seconds, settings)}


def of_all_steps(seconds: float, settings: dict[str, Any]) -> float:
    """Return the seconds of all steps of a recipe, of which as many were taken as are asked for."""
    return seconds * len(settings["learning_rates"]) / settings["steps"]


def main() -> None:
    name, folder, threads, cpus = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    if name == "scratchcnn":
        from peers import scratchcnn_peer

        train, versions = ours, scratchcnn_peer.configure(int(threads), "")
    else:
        from peers import torch_peer

        variant = "channels_last" if name == "torch-channels-last" else ""
        train, versions = theirs, torch_peer.configure(int(threads), variant)
    settings = json.loads((Path(folder) / "job.json").read_text())
    with np.load(Path(folder) / "job.npz") as file:
        arrays = dict(file)
    settings["order"] = arrays["order"]
    layers = tuple(tuple(layer) for layer in settings["layers"])
    weights = [arrays[f"weights_{number:02d}"] for number in range(settings["weights"])]
    job = Job(Network("recipe", layers), settings["batch_size"], arrays["images"], arrays["labels"], weights)
    test = arrays["test_images"], arrays["test_labels"]
    print(json.dumps({"versions": versions, **train(job, settings, test, Path(folder))}))


if __name__ == "__main__":
    main()
