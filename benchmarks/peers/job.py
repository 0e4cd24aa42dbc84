"""What a peer is asked to do: a network, its weights, and the images."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from networks import Network

LEARNING_RATE, ADAM_BETA_2, ADAM_EPSILON = 1e-3, 0.999, 1e-7  # Keras's defaults; beta_1 is 0.9 everywhere


@dataclass(frozen=True)
class Job:
    """One workload: everything that a peer needs to build it.

    Attributes
    ----------
    images : uint8 (n, H, W, C)
    labels : int64 (n,)
    weights : list of float32 arrays
        Kernel and bias of every layer in the layout of ``networks.py``.
    """

    network: Network
    batch_size: int
    images: np.ndarray
    labels: np.ndarray
    weights: list[np.ndarray]

    @staticmethod
    def from_request(request: dict[str, Any]) -> Job:
        """Read the files that a request names."""
        layers = tuple(tuple(layer) for layer in request["layers"])
        network = Network(request["network"], layers, tuple(request["input_shape"]))
        with np.load(request["data"]) as data:
            images, labels = data["images"], data["labels"]
        with np.load(request["weights"]) as stored:
            weights = [stored[f"{i:02d}"] for i in range(len(stored.files))]
        return Job(network, request["batch_size"], images, labels, weights)

    def batches(self, channels_first: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return all full mini-batches, ready to use: float32 images, (N, H, W, C) or (N, C, H, W), and labels."""
        size = self.batch_size
        prepared = []
        for start in range(0, max(1, len(self.images) - size + 1), size):
            indices = np.arange(start, start + size) % len(self.images)
            images = self.images[indices].astype(np.float32) / np.float32(255)
            if channels_first:
                images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
            prepared.append((images, self.labels[indices]))
        return prepared
