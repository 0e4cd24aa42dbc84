"""A convolutional network as an estimator of scikit-learn: for pipelines, searches and cross-validation.

``pip install 'scratchcnn[sklearn]'`` brings scikit-learn, which is imported with this module and not before:
``sc.sklearn.CNNClassifier``.

Letters: N samples, D features, H W height and width, C channels, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        f"scratchcnn.sklearn needs scikit-learn 1.6 or newer ({error}): python -m pip install 'scratchcnn[sklearn]'"
    ) from error

from .checks.inputs import as_input_shape
from .checks.messages import shown
from .layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, ReLU, Rescaling
from .model import Sequential
from .optimizers import Adam
from .types import Shape

SMALLEST_SIDE = 8  # of square images that rows of numbers are taken for
SMALLEST_TO_POOL = 4

Layers = Callable[[Shape, int], Sequence[Layer]]


class CNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier of images, or of rows of numbers, with the methods of scikit-learn.

    Parameters
    ----------
    layers : callable, optional
        Called as ``layers(input_shape, classes)``; returns the layers of the network, the last one a
        ``Dense(classes)``. Without it, images get two convolutions, each with a ReLU and a max-pool, and rows one
        hidden layer of 64.
    image_shape : "auto", None or tuple of int
        How to see the D features of a row as an image: (H, W, C). "auto": as a square grey one where D is the square of
        at least 8, as for 8 x 8 or 28 x 28. None: as a row. Of no matter where X has more axes, (N, H, W) or
        (N, H, W, C).
    epochs : int, default 20
    batch_size : int, default 32
    learning_rate : float, default 0.002
        Of Adam.
    random_state : int, RandomState or None, default None
        Initial weights and the order of the samples come from it.
    verbose : int, default 0
        As in ``Sequential.fit``.

    Attributes
    ----------
    classes_ : ndarray, shape (K,)
        The labels.
    model_ : Sequential
        The network that was trained. It standardises X by one mean and one deviation for all features.
    history_ : History
        Of its training.
    n_features_in_ : int
        Features in a row, D; where X has more axes, the first of them.
    n_iter_ : int
        Epochs that were run.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> from sklearn.model_selection import cross_val_score
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> classifier = sc.sklearn.CNNClassifier(lambda shape, classes: [sc.Flatten(), sc.Dense(classes)], epochs=5)
    >>> bool(cross_val_score(classifier, x[:300], y[:300], cv=3).mean() > 0.6)
    True
    """

    def __init__(
        self,
        layers: Layers | None = None,
        image_shape: str | tuple[int, ...] | None = "auto",
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 0.002,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.layers = layers
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> CNNClassifier:
        """Train a new network.

        Parameters
        ----------
        X : array_like, shape (N, D), (N, H, W) or (N, H, W, C)
            Real numbers.
        y : array_like, shape (N,)
            Labels: numbers or texts, of at least two classes.

        Returns
        -------
        CNNClassifier
            Itself.

        Raises
        ------
        ValueError
            If these are none, there are fewer than two classes, or ``layers`` returns no network for them.
        """
        X, y = validate_data(self, X, y, allow_nd=True, dtype=[np.float32, np.float64, np.uint8])
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"CNNClassifier needs samples of at least two classes, got {len(X)} sample(s) of one class: "
                f"{shown(self.classes_.tolist())}"
            )
        images = self._as_images(X)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        layers = [_standardising(images), *self._layers_for(images.shape[1:], len(self.classes_))]
        self.model_ = Sequential(layers, input_shape=images.shape[1:], seed=seed)
        if self.model_.output_shape != (len(self.classes_),):
            raise ValueError(
                f"the network of layers must have {len(self.classes_)} outputs, one for each class, got the shape "
                f"{self.model_.output_shape}; let it end in sc.Dense(classes)"
            )
        self.model_.compile(Adam(self.learning_rate))
        self.history_ = self.model_.fit(
            images, labels, epochs=self.epochs, batch_size=self.batch_size, verbose=self.verbose
        )
        if X.ndim == 2:  # the features of a table have no common range, in which others could be wrong
            self.model_.image_range = None
        self.n_iter_ = len(self.history_.epoch)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, (N, K), in the order of ``classes_``."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, allow_nd=True, dtype=[np.float32, np.float64, np.uint8])
        return self.model_.predict(self._as_images(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each sample, (N,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return fresh layers, as the function ``layers`` makes them."""
        example = "lambda input_shape, classes: [sc.Flatten(), sc.Dense(classes)]"
        if self.layers is None:
            return default_layers(input_shape, classes)
        if not callable(self.layers) or isinstance(self.layers, Layer | type):
            raise ValueError(
                f"layers must be a function that returns fresh layers for each fit, got {shown(self.layers)}; write "
                f"layers={example}"
            )
        layers = self.layers(input_shape, classes)
        if not isinstance(layers, Iterable):
            raise ValueError(f"layers must return a list of layers, got {shown(layers)}; write layers={example}")
        return list(layers)

    def _as_images(self, X: np.ndarray) -> np.ndarray:
        """Return what the network takes: rows seen as images if they are such, images with an axis for channels."""
        if X.ndim == 3:
            return X[..., np.newaxis]
        if X.ndim == 4:
            return X
        if X.ndim != 2:
            raise ValueError(
                f"X must be rows (N, D), or images (N, H, W) or (N, H, W, C), got the shape {X.shape}; reshape it"
            )
        shape = self._shape_of(X.shape[1])
        return X.reshape(len(X), *shape)

    def _shape_of(self, features: int) -> Shape:
        if self.image_shape is None:
            return (features,)
        if not isinstance(self.image_shape, tuple | list) and self.image_shape != "auto":
            raise ValueError(
                f'image_shape must be "auto", None or (H, W, C) such as (28, 28, 1), got {shown(self.image_shape)}'
            )
        if isinstance(self.image_shape, str):
            side = math.isqrt(features)
            return (side, side, 1) if side * side == features and side >= SMALLEST_SIDE else (features,)
        shape = as_input_shape(tuple(int(n) if isinstance(n, Integral) else n for n in self.image_shape))
        if math.prod(shape) != features:
            raise ValueError(f"image_shape {shape} has {math.prod(shape)} numbers, X has {features} features")
        return shape


def default_layers(input_shape: Shape, classes: int) -> list[Layer]:
    """Return the layers of a network for images (H, W, C), or for rows of numbers."""
    layers: list[Layer] = []
    if len(input_shape) == 3:
        height, width, _ = input_shape
        for filters in (32, 64):
            layers += [Conv2D(filters, 3, padding="same"), ReLU()]
            if min(height, width) >= SMALLEST_TO_POOL:
                layers.append(MaxPool2D(2))
                height, width = height // 2, width // 2
        return [*layers, Flatten(), Dropout(0.5), Dense(classes)]
    return [Flatten(), Dense(64), ReLU(), Dense(classes)]


def _standardising(images: np.ndarray) -> Rescaling:
    """Return the layer that gives all numbers together the mean 0 and the deviation 1."""
    mean, deviation = float(images.mean(dtype=np.float64)), float(images.std(dtype=np.float64))
    scale = 1 / deviation if deviation else 1.0
    return Rescaling(scale, offset=-mean * scale)
