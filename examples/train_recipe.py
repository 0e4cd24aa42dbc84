"""Train by a recipe whose results are known, average several such models, or choose data, network and optimizer.

    python examples/train_recipe.py --recipe fast        99 % of MNIST in a second
    python examples/train_recipe.py --recipe best --ensemble 5        five models, and the average of their predictions
    python examples/train_recipe.py --data fashion_mnist --model lenet5 --optimizer sgd --epochs 3

It is ``python -m scratchcnn train``, whose code is in ``scratchcnn/commands/train.py``. What training is stands
in ``train_mnist.py``, on one screen; the recipes are in ``scratchcnn/recipes/table.py``.
"""

import sys

from scratchcnn.commands.command_line import main

if __name__ == "__main__" and (status := main(["train", *sys.argv[1:]])):
    sys.exit(status)
