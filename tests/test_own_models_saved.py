"""Saving what users change or derive: another network when it is loaded, or a refusal of what would come back right."""

import numpy as np
import pytest
from small_networks import random_images

import scratchcnn as sc

IMAGES = random_images(4)


class Scaled(sc.Layer):
    """y = factor() x, for classes below that keep what the factor is made of in their own ways."""

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return self.as_input(x) * np.float32(self.factor())

    def backward(self, dy):
        return self.as_gradient(dy) * np.float32(self.factor())

    def factor(self):
        return 1


def model_of(*layers, kind=sc.Sequential):
    return kind([sc.Flatten(), *layers, sc.Dense(3)], input_shape=(28, 28, 1))


def test_parameters_excluded_from_weight_decay_are_found_again_in_layers_with_names_of_their_own(tmp_path):
    head = sc.Dense(3)
    head.name = "head"
    model = sc.Sequential([sc.Flatten(), head], input_shape=(28, 28, 1))
    model.compile(sc.AdamW(1e-3, weight_decay=0.1))
    model.optimizer.exclude_from_weight_decay(var_list=[head])
    model.save(tmp_path / "model")
    loaded = sc.load_model(tmp_path / "model")
    with sc.ops.using("reference"):
        for each in (model, loaded):
            each.gradients.fill(0)
            each.optimizer.step(each.parameters, each.gradients)
    assert loaded.optimizer.excluded.names == {"head/kernel", "head/bias"}
    assert np.array_equal(loaded.parameters, model.parameters)


def test_a_class_derived_from_sequential_that_answers_in_its_own_way_is_refused_when_saved(tmp_path):
    class Doubled(sc.Sequential):
        def forward(self, x, *arguments, **named):
            return 2 * super().forward(x, *arguments, **named)

    with pytest.raises(ValueError, match="Doubled has a forward of its own, but load_model makes a Sequential"):
        model_of(kind=Doubled).save(tmp_path / "model")


def test_a_class_derived_from_sequential_that_only_makes_the_layers_is_saved_as_a_sequential(tmp_path):
    class Network(sc.Sequential):
        def __init__(self):
            super().__init__([sc.Flatten(), sc.Dense(3)], input_shape=(28, 28, 1))

    model = Network()
    model.save(tmp_path / "model")
    with sc.ops.using("reference"):
        assert np.array_equal(sc.load_model(tmp_path / "model").predict(IMAGES), model.predict(IMAGES))
