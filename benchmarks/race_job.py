"""What the contestants of ``time_to_accuracy.py`` are given: a recipe, and all that is random in it, drawn before."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import scratchcnn as sc
from scratchcnn.recipes import RECIPES, Recipe


def plain_layers(model: sc.Sequential) -> list[tuple]:
    """Return a network as the plain data of ``networks.py``."""
    layers: list[tuple] = []
    for layer in model.layers:
        match layer:
            case sc.Conv2D():
                layers.append(("conv", layer.filters, layer.kernel_size[0], layer.padding))
            case sc.ReLU():
                layers.append(("relu",))
            case sc.MaxPool2D():
                layers.append(("pool", layer.pool_size[0]))
            case sc.BatchNorm():
                layers.append(("norm", layer.momentum, layer.epsilon))
            case sc.GlobalAveragePool2D():
                layers.append(("global_average_pool",))
            case sc.Dropout():
                layers.append(("dropout", layer.rate))
            case sc.Flatten():
                layers.append(("flatten",))
            case sc.Dense():
                layers.append(("dense", layer.units))
            case sc.Rescaling():
                pass  # the contestants do it, each in its own way
            case _:
                raise ValueError(f"the PyTorch version has no {type(layer).__name__}")
    return layers


def optimizer_for_torch(optimizer: Any) -> dict[str, Any]:
    """Return the name of PyTorch's optimizer, and its arguments but for the learning rate."""
    kind = type(optimizer).__name__
    match optimizer:
        case sc.SGD():
            decay = {"weight_decay": optimizer.l2_penalty}
            return {"kind": kind, "lr": 0.1, "momentum": optimizer.momentum, "nesterov": optimizer.nesterov} | decay
        case sc.Adam():
            betas = (optimizer.beta_1, optimizer.beta_2)
            decay = {"weight_decay": optimizer.weight_decay} if kind == "AdamW" else {}
            return {"kind": kind, "lr": 0.1, "betas": betas, "eps": optimizer.epsilon} | decay
    raise ValueError(f"the PyTorch version has no {kind}")


def draws(model: sc.Sequential, recipe: Recipe, count: int, epochs: int) -> tuple[np.ndarray, list[int]]:
    """Return the order of the images (epochs, count), and a seed for each distorted batch, as ``fit`` draws them."""
    dropouts = sum(isinstance(layer, sc.Dropout) for layer in model.layers)
    orders, seeds = [], []
    for _ in range(epochs):
        orders.append(model.rng.permutation(count))
        for _ in range(0, count, recipe.batch_size):
            if recipe.augmentation is not None:
                seeds.append(int(model.rng.integers(2**64, dtype=np.uint64)))
            for _ in range(dropouts):
                model.rng.integers(2**64, dtype=np.uint64)
    return np.stack(orders), seeds


def write_distorted(path: Path, images: np.ndarray, recipe: Recipe, order: np.ndarray, seeds: list[int]) -> None:
    """Write the images as ``fit`` distorts them, in the order in which it draws them."""
    assert recipe.augmentation is not None
    shape = (order.size, *images.shape[1:])
    file = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    starts, each = range(0, order.shape[1], recipe.batch_size), iter(seeds)
    for epoch, row in enumerate(order):
        for number, start in enumerate(starts):
            chosen = row[start : start + recipe.batch_size]
            augmentation = recipe.augmentation.at((epoch + number / len(starts)) / recipe.epochs)
            place = epoch * len(row) + start
            file[place : place + len(chosen)] = augmentation(images[chosen], next(each))
    file.flush()


def write_job(folder: Path, options: argparse.Namespace, name: str, seed: int) -> None:
    """Write what the contestants are given."""
    (images, labels), (test_images, test_labels) = sc.data.load_data("mnist", options.data_dir)
    recipe = RECIPES[name]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    recipe.compile(model, len(images))
    weights = model.get_weights()
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    timed = steps if steps <= options.whole else options.timed  # by PyTorch
    epochs = -(-timed * recipe.epochs // steps)
    order, seeds = draws(model, recipe, len(images), epochs)
    stops = sorted({round(steps * part) for part in (np.arange(options.points) + 1) ** 2 / options.points**2} - {0})
    settings = {
        "recipe": name,
        "seed": seed,
        "layers": plain_layers(model),
        "weights": len(weights),
        "batch_size": recipe.batch_size,
        "optimizer": optimizer_for_torch(model.optimizer),
        "learning_rates": [recipe.schedule(steps)(step) for step in range(steps)],
        "label_smoothing": recipe.label_smoothing,
        "average": recipe.average,
        "stops": stops,
        "steps": timed,
    }
    (folder / "job.json").write_text(json.dumps(settings))
    images, test_images = images[..., None], test_images[..., None]
    if seeds:
        write_distorted(folder / "distorted.npy", images, recipe, order, seeds)
    np.savez(
        folder / "job.npz",
        images=images,
        labels=labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
        order=order,
        **{f"weights_{number:02d}": array for number, array in enumerate(weights)},
    )
