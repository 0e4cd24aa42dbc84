"""``python -m scratchcnn train``: train by a recipe, average several such models, or choose data, network, optimizer.

Without options it trains as ``examples/train_mnist.py`` does, to the same weights; what training is, on one screen, is
there. The recipes are in ``scratchcnn/recipes/table.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from functools import partial
from pathlib import Path
from typing import Any

import scratchcnn as sc

from .. import terminal
from ..checks.messages import say
from .options import backup, count, finished, folder, load, positive, refuse_ignored, seed

MODELS = {"keras": sc.recipes.keras_network, "lenet5": sc.recipes.lenet5_network}
OPTIMIZERS: dict[str, Any] = {
    "adam": sc.Adam,
    "adamw": sc.AdamW,
    "sgd": partial(sc.SGD, momentum=0.9, nesterov=True),
}
MOST_SHOWN = 10  # classes of a confusion matrix that 80 columns hold
EXAMPLE = """examples:
  PROGRAM train                              MNIST, if found
  PROGRAM train --recipe fast                99 % in a second
  PROGRAM train --recipe best --ensemble 5   five, averaged
  PROGRAM train --data fashion_mnist --model lenet5

Ctrl-C ends the training early: what has been learnt is measured and
saved, and --resume goes on with it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    data, recipes = ["auto", *sc.data.DATASETS], sc.recipes.RECIPES
    one_of = "default: MNIST if found; of " + ", ".join(data)
    parser.add_argument("--data", choices=data, default="auto", metavar="NAME", help=one_of)
    parser.add_argument("--data-dir", help="a folder with the files of the data set")
    instead = f"in place of the next five options; of {', '.join(recipes)}"
    parser.add_argument("--recipe", choices=recipes, metavar="NAME", help=instead)
    parser.add_argument("--model", choices=MODELS, help="default: keras")
    parser.add_argument("--epochs", type=count, help="default: 10, or 30 for the bundled digits")
    parser.add_argument("--batch-size", type=count, help="default: 128, or 32 for the bundled digits")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="default: adam")
    parser.add_argument("--learning-rate", type=positive, help="the highest; default: 0.005, or 0.05 for sgd")
    parser.add_argument("--seed", type=seed, default=0, help="of everything random; default: 0")
    parser.add_argument("--ensemble", type=count, default=1, metavar="N", help="average over N seeds")
    parser.add_argument("--shifts", action="store_true", help="average over shifts of each image by a pixel, too")
    parser.add_argument("--flips", action="store_true", help="average over mirror images, too; for clothes, not digits")
    parser.add_argument("--backend", choices=sc.ops.BACKENDS, help="default: jit, or $SCRATCHCNN_BACKEND")
    parser.add_argument("--output", type=folder, default="output", metavar="DIR", help="default: output")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Train, measure, save, and show what the network makes of the test images; return the exit status."""
    refuse_ignored(parser, options, recipe=("model", "epochs", "batch_size", "optimizer", "learning_rate"))
    if options.data == "digits" and options.data_dir:
        parser.error("--data-dir would be ignored: the digits come with the package; leave it out")
    with sc.ops.using(options.backend) if options.backend else contextlib.nullcontext():
        return _train(options)


def own_recipe(options: argparse.Namespace, few: bool) -> sc.recipes.Recipe:
    """Return what the options ask for; few images have to be looked at more often, and in smaller portions."""
    rate = options.learning_rate or (0.05 if options.optimizer == "sgd" else 0.005)
    return sc.recipes.Recipe(
        network=MODELS[options.model or "keras"],
        epochs=options.epochs or (30 if few else 10),
        batch_size=options.batch_size or (32 if few else 128),
        schedule=lambda steps: sc.schedules.CosineDecay(rate, steps, warmup_steps=steps // 20),
        optimizer=OPTIMIZERS[options.optimizer or "adam"],
        label_smoothing=0.1,  # asks for 91 %, not for certainty: the loss stays above 0.5
    )


def _train(options: argparse.Namespace) -> int:
    data, name = load(options.data, options.data_dir)
    (x_train, _), (x_test, y_test) = data
    say(f"Data: {name}, {len(x_train):,} training and {len(x_test):,} test images.\n")

    recipe = sc.recipes.RECIPES[options.recipe] if options.recipe else own_recipe(options, few=name == "digits")
    looks_again = options.shifts or options.flips
    answers: Any
    if options.ensemble == 1 and not looks_again:
        answers, complete = train(recipe, options.seed, options, data, options.output)
    else:
        models = []
        for number in range(options.seed, options.seed + options.ensemble):
            model, complete = train(recipe, number, options, data, options.output / f"seed{number}")
            models.append(model)
            if not complete:
                break
        reach = 1 if options.shifts else 0
        answers = sc.Ensemble([sc.ShiftAverage(m, reach, options.flips) for m in models] if looks_again else models)
        loss, accuracy = answers.evaluate(x_test, y_test)
        say(f"Checksum of the weights of all {len(models)}: {sc.recipes.checksum(*models)}")
        say(f"Together: test loss {loss:.4f}, test accuracy {accuracy:.2%}.\n")
    show(answers, x_test, y_test)
    return 0 if complete else 130


def train(
    recipe: sc.recipes.Recipe, number: int, options: argparse.Namespace, data: Any, output: Path
) -> tuple[sc.Sequential, bool]:
    """Train one model, say how good it is, and save it; return it, and whether Ctrl-C has not ended that early."""
    x_train, y_train = data[0]
    input_shape = (*x_train.shape[1:], 1)[:3]  # (28, 28, 1); colours, (32, 32, 3), are the last axis already
    model = sc.Sequential(recipe.network(int(y_train.max()) + 1), input_shape, seed=number)
    if options.resume and finished(output):
        return done_before(model, output / "model.npz", data[1]), True
    model.summary()
    held_out = 0 if options.recipe else 1 / 12  # to watch the training by: 5,000 of MNIST's 60,000
    kept = [sc.callbacks.CSVLogger(output / "history.csv"), backup(output, options.resume)]
    start, complete = time.perf_counter(), True
    try:
        recipe.train(model, x_train, y_train, validation_split=held_out, callbacks=kept)
    except KeyboardInterrupt:
        complete = False
        say("\nStopped; what has been learnt so far is measured and saved (--resume goes on).")
    say(f"Trained in {time.perf_counter() - start:.1f} s.")

    model.save(output / "model.npz")
    assert model.history is not None
    sc.plots.learning_curves(model.history).savefig(output / "learning_curve.png", dpi=150)
    say(f"Saved model.npz, history.csv and learning_curve.png in {output.resolve()}")
    say(f"Checksum of the weights: {sc.recipes.checksum(model)}")

    tell_accuracy(model, data[1])
    return model, complete


def done_before(model: sc.Sequential, path: Path, test: Any) -> sc.Sequential:
    """Return the model of a training that was finished, instead of repeating it; ``model`` is one as it was before."""
    known = sc.load_model(path)
    if [layer.config() for layer in known.layers] != [layer.config() for layer in model.layers]:
        raise SystemExit(f"{path} holds another network than the one asked for; choose another --output")
    say(f"{path} is of a training that was finished, and used as it is: leave --resume out to train anew.")
    tell_accuracy(known, test)
    return known


def tell_accuracy(model: sc.Sequential, test: Any) -> None:
    """Print how good a model is on the test images."""
    loss, accuracy = model.evaluate(*test)
    say(f"Test loss {loss:.4f}, test accuracy {accuracy:.2%} on {len(test[0]):,} images it has never seen.\n")


def show(answers: Any, x_test: Any, y_test: Any) -> None:
    """Print which digits were taken for which, and the first test image with what the model says of it."""
    probabilities = answers.predict(x_test)  # (N, K)
    if probabilities.shape[1] <= MOST_SHOWN:
        counts = sc.plots.confusion_counts(y_test, probabilities.argmax(axis=1), probabilities.shape[1])
        say(f"What was taken for what:\n\n{terminal.confusion_matrix(counts)}\n")
    say(f"What is the first test image? Its label says {y_test[0]}, and the model:\n")
    picture = x_test[0] if x_test.ndim == 3 else x_test[0].mean(axis=-1)  # in grey
    say(terminal.digit(picture, probabilities[0]))
