"""Saving what users change or derive: another network when it is loaded, or a refusal of what would come back right."""

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import random_images

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


def test_excluded_parameters_are_found_again_in_layers_with_names_of_their_own(tmp_path):
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


def test_a_subclass_that_predicts_in_its_own_way_is_refused_when_saved(tmp_path):
    class Doubled(sc.Sequential):
        def forward(self, x, *arguments, **named):
            return 2 * super().forward(x, *arguments, **named)

    with pytest.raises(ValueError, match="Doubled has a forward of its own, but load_model makes a Sequential"):
        model_of(kind=Doubled).save(tmp_path / "model")


def test_a_subclass_that_only_makes_the_layers_is_saved_as_a_sequential(tmp_path):
    class Network(sc.Sequential):
        def __init__(self):
            super().__init__([sc.Flatten(), sc.Dense(3)], input_shape=(28, 28, 1))

    model = Network()
    model.save(tmp_path / "model")
    with sc.ops.using("reference"):
        assert np.array_equal(sc.load_model(tmp_path / "model").predict(IMAGES), model.predict(IMAGES))


class OfTheClass(Scaled):
    times = 2

    def factor(self):
        return self.times


class Private(Scaled):
    def __init__(self):
        super().__init__()
        self._times = 1.0

    def choose(self, times):
        self._times = times

    def factor(self):
        return self._times


class Public(Scaled):
    def __init__(self):
        super().__init__()
        self.times = None

    def choose(self, times):
        self.times = times

    def factor(self):
        return self.times or 1


class Several(Scaled):
    def __init__(self):
        super().__init__()
        self.all_times = np.ones(2, np.float32)
        self.chosen = {0}

    def factor(self):
        return self.all_times[sorted(self.chosen)].prod()


class Later(Scaled):
    def factor(self):
        return getattr(self, "times", 1)


def assign(attribute, value):
    return lambda layer: setattr(layer, attribute, value)


@pytest.mark.parametrize(
    ("layer", "change", "attribute"),
    [
        (OfTheClass(), assign("times", 5), "times"),
        (Private(), lambda layer: layer.choose(3), "_times"),
        (Public(), lambda layer: layer.choose(3), "times"),
        (Several(), lambda layer: layer.all_times.fill(2), "all_times"),
        (Several(), lambda layer: layer.chosen.add(1), "chosen"),
        (Later(), assign("times", 3), "times"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, sc.Layer) else "",
)
def test_a_change_that_only_an_attribute_knows_is_refused_when_saved(tmp_path, layer, change, attribute):
    model = model_of(layer)
    model.save(tmp_path / "unchanged")
    change(layer)
    with pytest.raises(ValueError, match=rf"cannot save \w+: its {attribute} is .* make it an argument"):
        model.save(tmp_path / "model")


class Noting(Scaled):
    """Notes what it likes in ways that make no other layer."""

    made = 0

    def __init__(self):
        super().__init__()
        Noting.made += 1
        self._number = Noting.made
        self.cache, self.sizes, self._inputs, self.last = {}, [], {}, float("nan")
        self.parts, self.masks = [object()], [np.ones(3)]

    def forward(self, x, training=False):
        self.cache["x"] = self._inputs["x"] = x
        self.sizes.append(len(x))
        self._note(len(x))
        return super().forward(x, training) * len(self.parts) * self.masks[0][0] * (1 if self.last else 0)

    def _note(self, size):
        self.seen = getattr(self, "seen", 0) + size


def test_what_a_layer_notes_while_it_works_does_not_keep_it_from_being_saved(tmp_path):
    layer = Noting()
    model = model_of(layer)
    model.save(tmp_path / "model")
    with sc.ops.using("reference"):
        model.predict(IMAGES)
    layer.comment = "the best so far"
    model.save(tmp_path / "model")
    assert isinstance(sc.load_model(tmp_path / "model", custom_layers=[Noting]).layers[1], Noting)
