"""One contestant of ``time_to_accuracy.py``: trains a network once, in a process of its own, and tells how it went.

    python race.py scratchcnn|torch|torch-channels-last FOLDER THREADS CPU,CPU

The folder holds ``job.json`` and ``job.npz``: network, initial weights, images, the order in which they are drawn, and
the learning rate of every step, all the same for every contestant. Printed is one line of JSON: the seconds of a few
steps taken before (with compilation, or whatever a framework does the first time), and pairs of seconds of training
so far and accuracy on the test images. The clock stands still while the accuracy is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from networks import Network

from peers.job import Job

WARM_UP = 3  # steps


class Contestant(Protocol):
    """A network in training."""

    def step(self, chosen: np.ndarray, learning_rate: float) -> None:
        """Update the network by the images of these numbers."""

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the fraction of images, uint8 (n, H, W, C), that the network reads right."""


class Scratchcnn:
    """Ours, as ``fit`` does it."""

    def __init__(self, job: Job, settings: dict[str, Any]) -> None:
        import scratchcnn as sc
        from peers import scratchcnn_peer

        self.learning_rate = 0.0
        self.images, self.labels = job.images, job.labels
        self.model = scratchcnn_peer._model(job)
        adam = sc.Adam(lambda step: self.learning_rate, **settings["adam"])
        self.model.compile(adam, sc.SoftmaxCrossEntropy(settings["label_smoothing"]))

    def step(self, chosen: np.ndarray, learning_rate: float) -> None:
        from scratchcnn.training.step import train_step

        self.learning_rate = learning_rate
        train_step(self.model, self.images[chosen], self.labels[chosen])

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        return self.model.evaluate(images, labels)[1]


class Torch:
    """PyTorch. Its images are floats in its own layout before the start, which ours are not."""

    def __init__(self, job: Job, settings: dict[str, Any]) -> None:
        import torch

        from peers import torch_peer

        self.torch, self.smoothing = torch, settings["label_smoothing"]
        self.model = torch_peer._model(job)
        self.layout = torch_peer._memory_format
        self.images, self.labels = self._prepared(job.images), torch.from_numpy(job.labels)
        adam = settings["adam"]
        betas = (adam["beta_1"], adam["beta_2"])
        self.optimizer = torch.optim.Adam(self.model.parameters(), betas=betas, eps=adam["epsilon"], fused=True)

    def _prepared(self, images: np.ndarray) -> Any:
        """Return images as floats (n, C, H, W)."""
        pixels = self.torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        return pixels.float().div_(255)

    def step(self, chosen: np.ndarray, learning_rate: float) -> None:
        numbers = self.torch.from_numpy(chosen)
        logits = self.model(self.images[numbers].contiguous(memory_format=self.layout))
        loss = self.torch.nn.functional.cross_entropy(logits, self.labels[numbers], label_smoothing=self.smoothing)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        self.model.eval()
        with self.torch.inference_mode():
            answers = [self.model(part).argmax(1) for part in self._prepared(images).split(500)]
        self.model.train()
        return float(np.mean(self.torch.cat(answers).numpy() == labels))


def run(folder: Path, contestant: type[Scratchcnn] | type[Torch]) -> dict[str, Any]:
    """Train and return what is to be told."""
    settings = json.loads((folder / "job.json").read_text())
    with np.load(folder / "job.npz") as file:
        arrays = dict(file)
    layers = tuple(tuple(layer) for layer in settings["layers"])
    weights = [arrays[f"weights_{number:02d}"] for number in range(settings["weights"])]
    job = Job(Network("recipe", layers), settings["batch_size"], arrays["images"], arrays["labels"], weights)
    test = arrays["test_images"], arrays["test_labels"]
    batches = [
        epoch[start : start + job.batch_size]
        for epoch in arrays["order"]
        for start in range(0, len(epoch), job.batch_size)
    ]
    start = time.perf_counter()
    first: Contestant = contestant(job, settings)
    for chosen in [*batches[:WARM_UP], batches[-1]]:  # the last one may be smaller
        first.step(chosen, 1e-3)
    first.accuracy(*test)
    warm_up = time.perf_counter() - start

    racer: Contestant = contestant(job, settings)
    stops = {round(len(batches) * (number + 1) / settings["points"]) for number in range(settings["points"])}
    points, seconds = [], 0.0
    start = time.perf_counter()
    for number, (chosen, rate) in enumerate(zip(batches, settings["learning_rates"], strict=True), 1):
        racer.step(chosen, rate)
        if number in stops:
            seconds += time.perf_counter() - start
            points.append((seconds, racer.accuracy(*test)))
            start = time.perf_counter()
    return {"warm_up": warm_up, "points": points}


def main() -> None:
    name, folder, threads, cpus = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    kind: type[Scratchcnn] | type[Torch]
    if name == "scratchcnn":
        from peers import scratchcnn_peer

        kind, versions = Scratchcnn, scratchcnn_peer.configure(int(threads), "")
    else:
        from peers import torch_peer

        variant = "channels_last" if name == "torch-channels-last" else ""
        kind, versions = Torch, torch_peer.configure(int(threads), variant)
    print(json.dumps({"versions": versions, **run(Path(folder), kind)}))


if __name__ == "__main__":
    main()
