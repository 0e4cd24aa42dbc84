"""How a number came about: what is multiplied out adds up to the number in the map."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.draw.network_view import NetworkView
from scratchcnn.draw.parts import part


def image(rows=9, columns=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


def view_of(*layers, shape=(9, 8, 1)):
    model = sc.Sequential([sc.Rescaling(1 / 255), *layers], input_shape=shape, seed=1)
    for place, layer in enumerate(model.layers):
        for name, array in [*layer.params.items(), *layer.state.items()]:
            if name != "kernel":
                array[...] = np.random.default_rng(place).uniform(0.5, 1.5, array.shape)  # a bias that is seen
    return NetworkView(model)


def every_place(shape):
    rows, columns, channels = shape if len(shape) == 3 else (1, 1, *shape)
    return [(i, j, k) for i in range(rows) for j in range(columns) for k in range(channels)]


END = [sc.GlobalAveragePool2D, lambda: sc.Dense(3)]


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [sc.Conv2D(3, 3)],
        lambda: [sc.Conv2D(2, (2, 3), strides=(2, 1), padding="same")],
        lambda: [sc.Conv2D(4, 3, padding=2, dilation_rate=2)],
        lambda: [sc.Conv2D(4, 3), sc.Conv2D(6, 2, groups=2, use_bias=False)],
        lambda: [sc.Conv2D(3, 3), sc.ReLU(), sc.Conv2D(2, 3)],
    ],
)
def test_bias_and_products_of_a_filter_add_up_to_the_value_in_the_map(reference, layers):
    view = view_of(*layers(), *(make() for make in END))
    place = len(layers())
    outputs = view.outputs(image())
    before, after = outputs[place], outputs[place + 1]
    for row, column, channel in every_place(after.shape):
        told = part(view, image(), place, (row, column, channel))
        assert told["value"] == pytest.approx(after[row, column, channel], abs=1e-6)
        assert sum(told["sums"]) + (told["bias"] or 0) == pytest.approx(told["value"], abs=1e-5)
        products = np.array(told["patch"]) * np.array(told["kernel"])
        np.testing.assert_allclose(told["products"], products, atol=1e-12)
        assert products.sum() == pytest.approx(told["sums"][told["input"] - told["first"]], abs=1e-12)
        region = told["region"]
        if region["row"] >= 0 and region["column"] >= 0:  # the window's first pixel is inside
            assert told["patch"][0][0] == pytest.approx(before[region["row"], region["column"], region["channel"]])


def test_another_channel_of_the_input_can_be_asked_for(reference):
    view = view_of(sc.Conv2D(3, 3), sc.Conv2D(2, 3), *(make() for make in END))
    told = [part(view, image(), 2, (1, 2, 1), source) for source in range(3)]
    assert [one["input"] for one in told] == [0, 1, 2]
    for one in told:
        assert np.sum(one["products"]) == pytest.approx(one["sums"][one["input"]], abs=1e-12)
    strongest = int(np.abs(told[0]["sums"]).argmax())
    assert part(view, image(), 2, (1, 2, 1))["input"] == strongest


def test_a_filter_of_a_group_shows_the_channels_of_its_group(reference):
    view = view_of(sc.Conv2D(4, 3), sc.Conv2D(4, 3, groups=2), *(make() for make in END))
    assert part(view, image(), 2, (0, 0, 3))["first"] == 2
    with pytest.raises(IndexError, match="sees the channels 2 to 3, got input=0"):
        part(view, image(), 2, (0, 0, 3), 0)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_maximum_is_where_it_is_said_to_be(reference, padding):
    view = view_of(sc.MaxPool2D(2, padding=padding), *(make() for make in END))
    for row, column, channel in every_place(view.model.layers[1].output_shape):
        told = part(view, image(), 1, (row, column, channel))
        pixels = [[-np.inf if pixel is None else pixel for pixel in line] for line in told["pixels"]]
        down, across = told["chosen"]
        assert told["value"] == pixels[down][across] == np.max(pixels)


@pytest.mark.parametrize("layer", [lambda: sc.AveragePool2D(3, 2, "same"), lambda: sc.GlobalAveragePool2D()])
def test_a_mean_is_that_of_the_pixels_shown(reference, layer):
    layers = [layer(), sc.Flatten(), sc.Dense(3)]
    view = view_of(*layers)
    for place in every_place(view.model.layers[1].output_shape):
        told = part(view, image(), 1, place)
        pixels = np.array(told["pixels"], float)
        assert np.count_nonzero(~np.isnan(pixels)) == told["count"]
        assert told["value"] == pytest.approx(np.nansum(pixels) / told["count"], abs=1e-6)


def test_contributions_to_a_dense_layer_add_up(reference):
    view = view_of(sc.Flatten(), sc.Dense(4))
    for unit in range(4):
        told = part(view, image(), 2, (0, 0, unit))
        largest = [one["product"] for one in told["largest"]]
        assert sum(largest) + told["others"]["sum"] + told["bias"] == pytest.approx(told["value"], abs=1e-5)
        assert told["positive"] + told["negative"] + told["bias"] == pytest.approx(told["value"], abs=1e-5)
        assert np.abs(largest).tolist() == sorted(np.abs(largest), reverse=True)
        assert len(largest) + told["others"]["count"] == 72
        for one in told["largest"]:
            assert one["input"] * one["weight"] == pytest.approx(one["product"])


def test_steps_lead_from_the_input_to_the_value(reference):
    layers = [sc.BatchNorm(), sc.LeakyReLU(0.5), sc.Residual([sc.Conv2D(1, 3, padding="same")]), *(f() for f in END)]
    view = view_of(*layers)
    outputs = view.outputs(image())
    for place in range(4):
        told = part(view, image(), place, (4, 3, 0))
        assert told["steps"][0]["value"] == pytest.approx(float(outputs[place][4, 3, 0]))
        assert told["steps"][-1]["value"] == told["value"]
    scaled = part(view, image(), 1, (4, 3, 0))["steps"]
    assert [step["text"].split()[0] for step in scaled] == ["input", "-", "÷", "×", "+"]
    assert scaled[3]["value"] + view.model.layers[1].params["beta"][0] == pytest.approx(scaled[4]["value"], abs=1e-5)


@pytest.mark.parametrize(
    "layer, where, source",
    [
        (9, (0, 0, 0), None),
        (1, (7, 0, 0), None),
        (1, (0, 6, 0), None),
        (1, (0, 0, 2), None),
        (2, (1, 0, 0), None),
        (3, (0, 0, 3), None),
        (0, (0, 0, 0), 0),
        (1, (0, 0, 0), 1),
    ],
)
def test_a_place_that_is_none_is_refused(reference, layer, where, source):
    view = view_of(sc.Conv2D(2, 3), *(make() for make in END))
    with pytest.raises(IndexError, match="got "):
        part(view, image(), layer, where, source)
