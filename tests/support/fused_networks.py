"""Networks of which neighbouring layers are fused, by name: the layers of each."""

import scratchcnn as sc

NETWORKS = {
    "conv-relu-pool": lambda: [sc.Conv2D(5, 3), sc.ReLU(), sc.MaxPool2D(2)],
    "conv-pool-relu": lambda: [sc.Conv2D(5, 3), sc.MaxPool2D(2), sc.ReLU()],
    "same padding": lambda: [sc.Conv2D(9, 5, padding="same"), sc.ReLU(), sc.MaxPool2D(2)],
    "no bias": lambda: [sc.Conv2D(4, 3, use_bias=False), sc.ReLU(), sc.MaxPool2D(2)],
    "strided conv": lambda: [sc.Conv2D(4, 2, strides=(1, 2)), sc.ReLU(), sc.MaxPool2D(2)],
    "pool 3 by 2": lambda: [sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D((3, 2))],
    "overlapping pool": lambda: [sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(3, strides=2)],
    "conv-relu": lambda: [sc.Conv2D(6, 3), sc.ReLU()],
    "conv-relu behind conv-relu-pool": lambda: [
        sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(7, 2), sc.ReLU(),
    ],
    "two conv-relu-pool": lambda: [
        sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(17, 2, padding="same"), sc.ReLU(), sc.MaxPool2D(2),
    ],
    "dense-relu": lambda: [sc.Flatten(), sc.Dense(7), sc.ReLU(), sc.Dense(5, use_bias=False), sc.ReLU()],
}  # fmt: skip
NETWORKS_WITH_NORM = {
    "norm-relu": lambda: [sc.BatchNorm(), sc.ReLU()],
    "conv-norm": lambda: [sc.Conv2D(5, 3), sc.BatchNorm(), sc.LeakyReLU()],
    "conv-norm-relu": lambda: [sc.Conv2D(17, 3, padding="same"), sc.BatchNorm(epsilon=0.1), sc.ReLU()],
    "conv-norm-relu-pool": lambda: [sc.Conv2D(5, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2)],
    "conv-norm, pool with gaps": lambda: [
        sc.Conv2D(5, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D((1, 2), strides=(2, 3)),
    ],
    "conv-norm-pool-relu": lambda: [sc.Conv2D(5, 3, use_bias=False), sc.BatchNorm(), sc.MaxPool2D(2), sc.ReLU()],
    "dense-norm": lambda: [sc.Flatten(), sc.Dense(7, use_bias=False), sc.BatchNorm()],
    "dense-norm-relu": lambda: [sc.Flatten(), sc.Dense(7), sc.BatchNorm(), sc.ReLU()],
    "two conv-norm-relu-pool": lambda: [
        sc.Conv2D(6, 3, use_bias=False), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2),
        sc.Conv2D(5, 2), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2, strides=1),
    ],
}  # fmt: skip
ALL_NETWORKS = {**NETWORKS, **NETWORKS_WITH_NORM}
