"""The report of a gradient check: a line a check, tables that fit the page, and what looks strange explained."""

import pytest

import scratchcnn as sc
from scratchcnn import gradcheck
from scratchcnn.gradcheck import __main__ as program
from scratchcnn.gradcheck.report import LEGEND, LINE_HEAD, TABLE_LEGEND, WIDTH


@pytest.fixture(scope="module")
def reports():
    with sc.ops.using("reference"):
        return [*program.layer_reports(), *program.loss_reports(), *program.model_reports()]


class WrongDense(sc.Dense):
    """Its bias is forgotten in backward."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["bias"][...] = 0
        return dx


def a_model(fuse=True):
    layers = [sc.Conv2D(3, 3), sc.BatchNorm(), sc.ReLU(), sc.Flatten(), sc.Dense(4)]
    return sc.Sequential(layers, input_shape=(5, 5, 1), fuse=fuse)


def test_no_line_is_wider_than_the_page(reports):
    lines = [LINE_HEAD, *LEGEND.splitlines(), *TABLE_LEGEND.splitlines()]
    for report in reports:
        assert "\n" not in report.line()
        lines += [report.line(), *str(report).splitlines()]
    assert WIDTH == 100 and max(map(len, lines)) <= 100


def test_a_line_says_verdict_error_and_counts(reports):
    for report in reports:
        verdict, error, compared, left_out = report.line().split()[:4]
        assert verdict == "right" and float(error) == pytest.approx(report.error, rel=0.05)
        assert int(compared) == sum(comparison.checked for comparison in report.comparisons) > 0
        assert int(left_out) == sum(comparison.left_out for comparison in report.comparisons)


def test_a_layer_is_named_as_one_would_write_it():
    with sc.ops.using("reference"):
        assert (
            gradcheck.check_layer(sc.Conv2D(2, 3, strides=2), (5, 5, 1))
            .line()
            .endswith("Conv2D(2, 3, strides=2) on 2 x (5, 5, 1)")
        )
        long = gradcheck.check_layer(
            sc.Conv2D(2, (2, 3), padding="same", kernel_initializer="he_normal"), (5, 5, 1)
        ).line()
    assert len(long) == 100 and "..." in long and long.endswith(" on 2 x (5, 5, 1)")


def test_the_table_says_where_the_largest_error_is(reports):
    for report in reports:
        told = " ".join(str(report).split())
        assert f"largest relative error {report.error:.1e}" in told
        (worst,) = {c.place() for c in [*report.comparisons, *report.elsewhere] if c.error == report.error}
        assert f"{report.error:.1e}: {worst}" in told
        assert any("  direction  elements  " in line for line in str(report).splitlines())


def test_losses_are_named_by_what_is_not_the_default():
    assert (
        " SoftmaxCrossEntropy(ignore_index=1) on" in gradcheck.check_loss(sc.SoftmaxCrossEntropy(ignore_index=1)).line()
    )
    assert " SoftmaxCrossEntropy() on" in gradcheck.check_loss(sc.SoftmaxCrossEntropy()).line()


def test_a_table_of_a_short_name_is_no_wider_than_the_page():
    assert max(map(len, str(gradcheck.check_layer(sc.ELU(), (4, 5, 3))).splitlines())) <= 100


def test_a_very_long_name_is_cut_in_its_middle():
    report = gradcheck.check_layer(sc.Dense(3, name="a_" + 100 * "very_" + "long_name"), (4,))
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 100 and any("name kernel" in line for line in lines) and "a_very" in str(report)


@pytest.mark.parametrize("fuse", [False, True])
def test_the_zero_gradient_of_a_bias_before_a_normalisation_is_explained(fuse, backend):
    report = gradcheck.check_model(a_model(fuse))
    (comparison,) = [one for one in report.comparisons if (one.layer, one.name) == ("conv2d", "bias")]
    assert abs(comparison.worst.analytic) < 1e-12
    assert " ".join(str(report).split()).count("conv2d bias: its gradient is zero, as it must be") == 1
    assert "conv2d bias: its gradient is zero" in report._repr_html_()
    assert "dense bias:" not in str(report)


def test_without_its_batch_statistics_a_normalisation_needs_no_explanation():
    assert "its gradient is zero" not in str(gradcheck.check_model(a_model(), training=False))
    frozen = a_model()
    frozen.layers[1].trainable = False
    assert "its gradient is zero" not in str(gradcheck.check_model(frozen))


def test_it_is_explained_inside_of_a_residual_too():
    layers = [sc.Conv2D(3, 3, padding="same"), sc.BatchNorm(), sc.ReLU()]
    shortcut = [sc.Conv2D(3, 1), sc.BatchNorm()]
    report = gradcheck.check_layer(sc.Residual(layers, shortcut), (4, 4, 2), batch_size=3)
    text = " ".join(str(report).split())
    assert "conv2d/bias: its gradient is zero" in text and text.count("its gradient is zero") == 2


def test_what_is_wrong_stands_below_its_line_with_both_values(monkeypatch, capsys):
    monkeypatch.setattr(program, "layer_reports", lambda: [gradcheck.check_layer(WrongDense(3), (4,))])
    monkeypatch.setattr(program, "loss_reports", list)
    monkeypatch.setattr(program, "model_reports", list)
    assert program.main(["--backend", "reference"]) == 1
    printed = capsys.readouterr().out
    assert "\nWRONG  " in printed and "backward gives 0, differences give" in " ".join(printed.split())
    assert LEGEND in printed and "1 checks, 1 wrong" in printed and max(map(len, printed.splitlines())) <= 100


def test_details_are_for_who_asks(monkeypatch, capsys):
    monkeypatch.setattr(program, "layer_reports", lambda: [gradcheck.check_layer(sc.Dense(3), (4,))])
    monkeypatch.setattr(program, "loss_reports", list)
    monkeypatch.setattr(program, "model_reports", list)
    assert program.main(["--backend", "reference"]) == 0
    short = capsys.readouterr().out
    assert program.main(["--backend", "reference", "-v"]) == 0
    long = capsys.readouterr().out
    assert "Dense kernel" not in short and "Dense kernel" in long and TABLE_LEGEND in long and LINE_HEAD not in long
