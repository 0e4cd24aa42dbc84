"""A notebook, executed in a fresh kernel without any magic line: what it shows of models, trainings and pictures."""

from __future__ import annotations

import base64

import pytest

CELLS = {
    "set up": """
import numpy as np
import scratchcnn as sc
sc.ops.use("reference")
(x, y), _ = sc.data.load_data("digits")
x, y = x[:200], y[:200]
model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(16), sc.ReLU(), sc.Dense(10)], (28, 28, 1))
model.compile(sc.Adam(1e-2))""",
    "model": "model",
    "fit": "history = model.fit(x, y, epochs=2)",
    "history": "history",
    "curves": "sc.plots.learning_curves(history)",
    "predictions": "sc.plots.predictions(x[:4], model.predict(x[:4]), y[:4])",
    "report": "sc.gradcheck.check_layer(sc.Dense(3), (4,))",
    "search": "sc.lr_find(model, x, y, steps=20, sweeps=1, verbose=0)",
    "figure": "sc.plots.confusion_matrix(y, model.predict(x).argmax(axis=1))",
}


@pytest.fixture(scope="module")
def outputs():
    """Return the outputs of each cell: what is shown, by MIME type, and what is printed."""
    reason = "needs nbclient and ipykernel: python -m pip install -e '.[dev]'"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    import nbformat
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(code.strip()) for code in CELLS.values()])
    notebook = nbformat.from_dict(notebook)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def shown(outputs):
    return {kind: value for output in outputs for kind, value in output.get("data", {}).items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries that run the kernel
class TestNotebook:
    @pytest.mark.parametrize("cell", ["curves", "predictions", "history", "search", "figure"])
    def test_a_picture_is_shown_once(self, outputs, cell):
        pictures = [output for output in outputs[cell] if "image/png" in output.get("data", {})]
        assert len(pictures) == 1
        assert base64.b64decode(pictures[0]["data"]["image/png"]).startswith(b"\x89PNG")

    def test_a_model_is_shown_as_the_table_of_its_summary(self, outputs):
        table = shown(outputs["model"])["text/html"]
        assert "<table>" in table and "<td>dense_1</td>" in table and "(N, 10)" in table and "12,730" in table

    def test_a_gradient_report_is_shown_as_its_table(self, outputs):
        table = shown(outputs["report"])["text/html"]
        assert "<table>" in table and "right Dense(units=3" in table and "backward" in table

    def test_fit_shows_a_bar_and_a_line_an_epoch(self, outputs):
        text = "".join(output["text"] for output in outputs["fit"] if output["output_type"] == "stream")
        assert "Epoch 1/2" in text and "Epoch 2/2" in text and "accuracy" in text and "%|" in text
