"""What the tests of own losses share."""

from __future__ import annotations

import numpy as np

import scratchcnn as sc

RNG = np.random.default_rng(0)


X = RNG.normal(size=(60, 3))


Y = X @ [[1.0], [-2.0], [0.5]] + 3.0  # (60, 1)


class SquaredError:
    """The mean over all outputs; targets have the outputs' shape."""

    def forward(self, logits, targets):
        self.seen = targets
        self.error = logits - targets
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size


class Logistic(SquaredError):
    """Two classes from one logit: says itself what targets are, what is predicted, and what is right."""

    def check_targets(self, y, samples, output_shape):
        if set(np.unique(y)) - {"no", "yes"} or output_shape != (1,):
            raise ValueError("yes or no, please")
        return (np.asarray(y) == "yes").astype(np.float32)[:, None]

    def predictions(self, logits):
        return 1 / (1 + np.exp(-logits[:, 0]))  # (N,)

    def correct(self, logits, targets):
        return np.count_nonzero((logits > 0) == (targets > 0.5))

    def forward(self, logits, targets):
        super().forward(1 / (1 + np.exp(-logits)), targets)
        return float(np.mean(np.logaddexp(0, np.where(targets > 0.5, -logits, logits))))

    def backward(self):
        return self.error / self.error.size


def network(loss, outputs=1, **options):
    model = sc.Sequential([sc.Dense(outputs)], input_shape=(3,), **options)
    model.compile(sc.SGD(0.1), loss)
    return model
