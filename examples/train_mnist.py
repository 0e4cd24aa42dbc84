"""Train a convolutional network to read handwritten digits:  python examples/train_mnist.py

The loop inside ``fit`` is in ``train_by_hand.py``; other data, networks and optimizers are in ``train_recipe.py``."""

import argparse
import math

import scratchcnn as sc
from scratchcnn import commands

parser = argparse.ArgumentParser(description="Train a convolutional network to read handwritten digits.")
parser.add_argument("--data", choices=["auto", "mnist", "digits"], default="auto", help="default: mnist, if found")
parser.add_argument("--epochs", type=commands.count, help="default: 10, or 30 for digits")
parser.add_argument("--seed", type=commands.seed, default=0, help="of everything random; default: 0")
parser.add_argument("--output", type=commands.folder, default="output", help="for model and picture; default: output")
parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
options = commands.parse(parser)
data, _ = commands.load(options.data)
(x_train, y_train), (x_test, y_test) = data  # uint8 (60000, 28, 28) and (60000,); another 10,000 for testing
epochs, batch_size = (10, 128) if len(x_train) > 10_000 else (30, 32)  # few are seen more often, in smaller batches
epochs = options.epochs or epochs

layers = [
    sc.Rescaling(1 / 255),  # (N, 28, 28, 1), bytes to numbers from 0 to 1
    *(sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2)),  # (N, 13, 13, 32)
    *(sc.Conv2D(64, 3), sc.ReLU(), sc.MaxPool2D(2)),  # (N, 5, 5, 64)
    *(sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)),  # (N, 10), the logits
]
model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=options.seed)
model.summary()
steps = epochs * math.ceil(len(x_train) * 11 / 12 / batch_size)  # a twelfth is held out to validate on
schedule = sc.schedules.CosineDecay(0.005, steps, warmup_steps=steps // 20)
model.compile(sc.Adam(schedule), sc.SoftmaxCrossEntropy(label_smoothing=0.1))
backup = commands.backup(options.output, options.resume)  # after each epoch, all that it takes to go on
history = model.fit(x_train, y_train, batch_size, epochs, validation_split=1 / 12, callbacks=backup)
loss, accuracy = model.evaluate(x_test, y_test)
print(f"Test loss {loss:.4f}, test accuracy {accuracy:.2%} on {len(x_test):,} images it has never seen.")
model.save(options.output / "model.npz")
sc.plots.learning_curves(history).savefig(options.output / "learning_curve.png", dpi=150)
print(f"\nWhat is the first test digit? Its label says {y_test[0]}, and the model:\n")
print(sc.terminal.digit(x_test[0], model.predict(x_test[:1])[0]))  # ten probabilities, which sum to 1
