"""Train by a recipe whose results are known, average several such models, or choose data, network and optimizer.

    python examples/train_recipe.py --recipe fast        99 % of MNIST in a second
    python examples/train_recipe.py --recipe best --ensemble 5        five models, and the average of their predictions
    python examples/train_recipe.py --data fashion_mnist --model lenet5 --optimizer sgd --epochs 3

What training is, on one screen, is in ``train_mnist.py``; the recipes are in ``scratchcnn/recipes/table.py``.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import scratchcnn as sc
from scratchcnn import commands

MODELS = {"keras": sc.recipes.keras_network, "lenet5": sc.recipes.lenet5_network}
OPTIMIZERS = {"adam": sc.Adam, "adamw": sc.AdamW, "sgd": partial(sc.SGD, momentum=0.9, nesterov=True)}


def own_recipe(arguments: argparse.Namespace, few: bool) -> sc.recipes.Recipe:
    """Return what the options ask for; few images have to be looked at more often, and in smaller portions."""
    rate = arguments.learning_rate or (0.05 if arguments.optimizer == "sgd" else 0.005)
    return sc.recipes.Recipe(
        network=MODELS[arguments.model or "keras"],
        epochs=arguments.epochs or (30 if few else 10),
        batch_size=arguments.batch_size or (32 if few else 128),
        schedule=lambda steps: sc.schedules.CosineDecay(rate, steps, warmup_steps=steps // 20),
        optimizer=OPTIMIZERS[arguments.optimizer or "adam"],
        label_smoothing=0.1,  # asks for 91 %, not for certainty: the loss stays above 0.5
    )


def train(recipe: sc.recipes.Recipe, seed: int, arguments: argparse.Namespace, data, output: Path) -> sc.Sequential:
    """Train one model, say how good it is, and save it."""
    (x_train, y_train), (x_test, y_test) = data
    input_shape = (*x_train.shape[1:], 1)[:3]  # (28, 28, 1); colours, (32, 32, 3), are the last axis already
    model = sc.Sequential(recipe.network(int(y_train.max()) + 1), input_shape, seed=seed)
    model.summary()
    held_out = 0 if arguments.recipe else 1 / 12  # to watch the training by: 5,000 of MNIST's 60,000
    table = sc.callbacks.CSVLogger(output / "history.csv")
    start = time.perf_counter()
    try:
        backup = commands.backup(output, arguments.resume)
        recipe.train(model, x_train, y_train, validation_split=held_out, callbacks=[table, backup])
    except KeyboardInterrupt:
        print("\nStopped; what has been learnt so far is measured and saved (--resume goes on).")
    print(f"Trained in {time.perf_counter() - start:.1f} s.")

    model.save(output / "model.npz")
    sc.plots.learning_curves(model.history).savefig(output / "learning_curve.png", dpi=150)
    print(f"Saved model.npz, history.csv and learning_curve.png in {output.resolve()}")
    print(f"Checksum of the weights: {sc.recipes.checksum(model)}")

    loss, accuracy = model.evaluate(x_test, y_test)
    print(f"Test loss {loss:.4f}, test accuracy {accuracy:.2%} on {len(x_test):,} images it has never seen.\n")
    return model


def main() -> None:
    arguments = parse_arguments()
    if arguments.backend:
        sc.ops.use(arguments.backend)
    data, name = commands.load(arguments.data, arguments.data_dir)
    (x_train, _), (x_test, y_test) = data
    print(f"Data: {name}, {len(x_train):,} training and {len(x_test):,} test images.\n")

    recipe = sc.recipes.RECIPES[arguments.recipe] if arguments.recipe else own_recipe(arguments, few=name == "digits")
    if arguments.ensemble == 1 and not arguments.shifts:
        answers = train(recipe, arguments.seed, arguments, data, arguments.output)
    else:
        seeds = range(arguments.seed, arguments.seed + arguments.ensemble)
        models = [train(recipe, seed, arguments, data, arguments.output / f"seed{seed}") for seed in seeds]
        answers = sc.Ensemble([sc.ShiftAverage(model) for model in models] if arguments.shifts else models)
        loss, accuracy = answers.evaluate(x_test, y_test)
        print(f"Checksum of the weights of all {len(models)}: {sc.recipes.checksum(*models)}")
        print(f"Together: test loss {loss:.4f}, test accuracy {accuracy:.2%}.\n")

    print(f"What is the first test image? Its label says {y_test[0]}, and the model:\n")
    picture = x_test[0] if x_test.ndim == 3 else x_test[0].mean(axis=-1)  # in grey
    print(sc.plots.ascii_digit(picture, answers.predict(x_test[:100])[0]))  # for one alone, more is compiled


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=["auto", *sc.data.DATASETS], default="auto", help="default: MNIST if found")
    parser.add_argument("--data-dir", help="a folder with the files of the data set")
    parser.add_argument("--recipe", choices=sc.recipes.RECIPES, help="in place of the next five options")
    parser.add_argument("--model", choices=MODELS, help="default: keras")
    parser.add_argument("--epochs", type=commands.count, help="default: 10, or 30 for the bundled digits")
    parser.add_argument("--batch-size", type=commands.count, help="default: 128, or 32 for the bundled digits")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="default: adam")
    parser.add_argument("--learning-rate", type=commands.positive, help="the highest; default: 0.005, or 0.05 for sgd")
    parser.add_argument("--seed", type=commands.seed, default=0)
    parser.add_argument("--ensemble", type=commands.count, default=1, metavar="N", help="average over N seeds")
    parser.add_argument("--shifts", action="store_true", help="average over shifts of each image by a pixel, too")
    parser.add_argument("--backend", choices=sc.ops.BACKENDS, help="default: jit, or $SCRATCHCNN_BACKEND")
    parser.add_argument("--output", type=commands.folder, default="output", metavar="DIR", help="default: output")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    arguments = commands.parse(parser, recipe=("model", "epochs", "batch_size", "optimizer", "learning_rate"))
    if arguments.data == "digits" and arguments.data_dir:
        parser.error("--data-dir would be ignored: the digits come with the package; leave it out")
    return arguments


if __name__ == "__main__":
    main()
