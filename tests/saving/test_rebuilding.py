"""Saving what would come back as another network: an error when it is saved, never another answer when it is loaded."""

import numpy as np
import pytest

import scratchcnn as sc
from support.rebuilding import IMAGES, Own, Times, model_of, returned


def check_refused(tmp_path, message, *layers):
    model = model_of(*layers)
    for save in (lambda: model.save(tmp_path / "model"), lambda: checkpointed(model, tmp_path / "model")):
        with pytest.raises(ValueError, match=message):
            save()
    assert list(tmp_path.iterdir()) == []


def checkpointed(model, path):
    model.compile()
    model.fit(IMAGES, np.zeros(4, int), verbose=0, callbacks=[sc.callbacks.ModelCheckpoint(path)])


class Inherited(Times):
    pass


class KeywordOnly(Own):
    def __init__(self, *, times):
        super().__init__()
        self.times = times


class Partly(Times):
    def __init__(self, times=2, offset=0.0):
        super().__init__(times)
        self.offset = offset

    def config(self):
        return {"times": self.times}


class Conv(sc.Dense):
    def __init__(self, units, scale=1.0, **options):
        super().__init__(units, **options)
        self.scale = scale


class Options(Own):
    def __init__(self, **options):
        super().__init__()
        self.options = options


@pytest.mark.parametrize(
    ("layer", "argument"),
    [
        (Times(), "times"),
        (Times(3), "times"),
        (Inherited(3), "times"),
        (KeywordOnly(times=3), "times"),
        (Partly(3, 1.0), "offset"),
        (Conv(5, 2.0), "scale"),
        (Options(times=3), "options"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_config_does_not_give_is_refused_when_saved(tmp_path, layer, argument):
    name = type(layer).__name__
    message = rf"cannot save {name}: its config\(\) does not give the argument '{argument}' .* write def config\(self\)"
    check_refused(tmp_path, message, layer)


def test_the_config_that_the_error_says_to_write_works(tmp_path):
    with pytest.raises(ValueError) as caught:
        model_of(Times(3)).save(tmp_path / "model")
    advice = str(caught.value).split("; write ")[1]
    namespace = {}
    exec(f"class Times(Base):\n    {advice}", {"Base": Times}, namespace)
    model = model_of(namespace["Times"](3))
    model.save(tmp_path / "model")
    loaded = sc.load_model(tmp_path / "model", custom_layers=[namespace["Times"]])
    assert loaded.layers[1].times == 3
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))


class ByPosition(Own):
    def __init__(self, *sizes):
        super().__init__()
        self.sizes = sizes


class PositionalOnly(Own):
    def __init__(self, times, /):
        super().__init__()
        self.times = times

    def config(self):
        return {"times": self.times}


@pytest.mark.parametrize("layer", [ByPosition(1, 2), PositionalOnly(2)], ids=lambda layer: type(layer).__name__)
def test_arguments_by_position_alone_are_refused(tmp_path, layer):
    check_refused(tmp_path, "cannot give arguments by position; write def __init__", layer)


class Told(Own):
    """Returns whatever it was made with."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def config(self):
        return {"value": self.value}


class TellsMore(Own):
    def config(self):
        return {"value": 1}


class TellsLess(Told):
    def config(self):
        return {"value": 1}


class Lower(Told):
    def __init__(self, value):
        super().__init__(value.lower())
        self.value = value + "x"


@pytest.mark.parametrize(
    "value", [1, 0.1, "a", None, True, [1, [2.5]], (1, 2), {"a": (1,)}, np.float32(0.1), np.int8(3)]
)
def test_plain_values_come_back(tmp_path, value):
    back = (
        returned(tmp_path, Told(value)).layers[1].value if not isinstance(value, np.generic | tuple | dict) else value
    )
    model_of(Told(value)).save(tmp_path / "model")
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    "layer",
    [Told({1, 2}), Told(np.arange(3)), Told(float("nan")), Told({1: "a"}), Told(np.tanh), Told(b"a"), Told(1j)],
    ids=lambda layer: repr(layer.value),
)
def test_values_that_json_does_not_return_are_refused_when_saved(tmp_path, layer):
    check_refused(tmp_path, "cannot save Told: .*arrays belong into self.state", layer)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (TellsMore(), r"TellsMore\(\*\*layer\.config\(\)\) fails .*value.*must return the arguments"),
        (TellsLess(5), r"its value is 5, but TellsLess\(\*\*layer\.config\(\)\) has 1"),
        (Lower("A"), r"it would come back with config\(\) \{'value': 'axx'\} instead of|come back with"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_config_that_makes_another_layer_is_refused_when_saved(tmp_path, layer, message):
    check_refused(tmp_path, message, layer)
