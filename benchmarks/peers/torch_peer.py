"""PyTorch: as it comes, with channels-last memory, and both compiled by TorchInductor.

Settings that help it and cost nothing: the fused Adam, gradients set to None, inference mode, and, where it is compiled
for inference, frozen weights (packed once into the layout that oneDNN prefers).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .job import ADAM_BETA_2, ADAM_EPSILON, LEARNING_RATE, Job

# PyTorch adds epsilon after the correction of Adam's bias, Keras before it. Like this the first update is the same.
_EPSILON = ADAM_EPSILON / (1 - ADAM_BETA_2) ** 0.5

_memory_format = torch.contiguous_format
_compiled = False


def configure(threads: int, variant: str) -> dict[str, str]:
    global _memory_format, _compiled
    torch.set_num_threads(threads)
    if "channels_last" in variant:
        _memory_format = torch.channels_last
    _compiled = "compile" in variant
    if _compiled:
        import torch._inductor.config as inductor

        inductor.compile_threads = 1  # no pool of helper processes: the other peers share this machine
    return {"torch": torch.__version__}


def _model(job: Job) -> nn.Module:
    layers: list[nn.Module] = []
    weights = iter(job.network.channels_first(job.weights))
    for layer, before, _ in job.network.shapes():
        match layer:
            case ("conv", filters, size, padding):
                layers.append(nn.Conv2d(before[2], filters, size, padding=size // 2 if padding == "same" else 0))
            case ("pool", size):
                layers.append(nn.MaxPool2d(size))
            case ("dense", units):
                layers.append(nn.Linear(before[0], units))
            case ("dropout", rate):
                layers.append(nn.Dropout(rate))
            case ("flatten",):
                layers.append(nn.Flatten())
            case ("global_average_pool",):
                layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case ("relu",):
                layers.append(nn.ReLU())
            case ("norm", momentum, epsilon):
                layers.append(nn.BatchNorm2d(before[2], epsilon, 1 - momentum))
                with torch.no_grad():
                    norm = layers[-1]
                    for array in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                        array.copy_(torch.from_numpy(next(weights)))
        if layer[0] in ("conv", "dense"):
            with torch.no_grad():
                layers[-1].weight.copy_(torch.from_numpy(next(weights)))
                layers[-1].bias.copy_(torch.from_numpy(next(weights)))
    return nn.Sequential(*layers).to(memory_format=_memory_format)


def _batches(job: Job) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [
        (torch.from_numpy(images).contiguous(memory_format=_memory_format), torch.from_numpy(labels))
        for images, labels in job.batches(channels_first=True)
    ]


def _training(job: Job, next_batch: Any) -> Any:
    model = _model(job).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, eps=_EPSILON, fused=True)

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(model(images), labels)

    if _compiled:
        torch._dynamo.reset()
        loss_of = torch.compile(loss_of, dynamic=False)

    def step() -> torch.Tensor:
        loss = loss_of(*next_batch())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda loss: float(loss.detach())


def training(job: Job) -> Any:
    batches = itertools.cycle(_batches(job))
    return _training(job, lambda: next(batches))


def training_from_pixels(job: Job) -> Any:
    images, labels = torch.from_numpy(job.images), torch.from_numpy(job.labels)
    indices = itertools.cycle(torch.randperm(len(images)).split(job.batch_size)[:-1])

    def next_batch() -> tuple[torch.Tensor, torch.Tensor]:
        chosen = next(indices)
        pixels = images[chosen].permute(0, 3, 1, 2).contiguous(memory_format=_memory_format)
        return pixels.float().div_(255), labels[chosen]

    return _training(job, next_batch)


def inference(job: Job) -> Any:
    model = _model(job).eval()
    batches = itertools.cycle(images for images, _ in _batches(job))

    def probabilities(images: torch.Tensor) -> torch.Tensor:
        return torch.softmax(model(images), dim=1)

    if _compiled:
        import torch._inductor.config as inductor

        inductor.freezing = True
        torch._dynamo.reset()
        probabilities = torch.compile(probabilities, dynamic=False)

    def step() -> torch.Tensor:
        with torch.no_grad() if _compiled else torch.inference_mode():
            return probabilities(next(batches))

    def value(result: torch.Tensor) -> np.ndarray:
        return result.numpy()

    return step, value
