"""A network as an ONNX file, which ONNX Runtime and others run.

ONNX has channels first. The graph takes images as the model does, channels last, transposes them once, and back before
a ``Flatten``, so that the numbers keep their order. Its answer is what ``model.predict`` answers.

Letters: N batch (free), H W height and width, C channels, F filters.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..files import replacing
from ..layers import (
    ELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Rescaling,
    Residual,
    Sigmoid,
    Tanh,
)
from ..losses import BinaryCrossEntropy
from ..network.network import Network
from ..ops import Window
from ..training.prediction import answers_by_softmax, answers_with_logits
from .checks import require_network

OPSET = 17
DTYPE = np.dtype(np.float32)
LAST_TO_FIRST, FIRST_TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def save_onnx(model: Network, path: str | PathLike[str]) -> None:
    """Write a model as an ONNX file (opset 17), for inference.

    Its input is called "images", (N, *input_shape), uint8 where the model starts with a ``Rescaling``, else float32; N
    is free. Its output, "predictions", is what ``model.predict`` returns. Everything is computed in float32, also of a
    model in float64, for which few runtimes have the operations.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If there is a layer of your own in the model, or its predictions are your loss's own.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sc.interchange.save_onnx(model, f"{folder}/digits.onnx")
    ...     os.path.getsize(f"{folder}/digits.onnx") > 31_400  # 7,850 numbers of 4 bytes
    True
    """
    require_network(model)
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"save_onnx needs onnx ({error}): python -m pip install 'scratchcnn[onnx]'") from None
    with model.lock:
        content = _Graph(onnx, model).serialized()
    with replacing(path) as file:
        file.write(content)


class _Graph:
    """The nodes of a model, in the order in which they are made.

    Tensors of four axes are channels-first between the nodes, all others as they are here.
    """

    def __init__(self, onnx: Any, model: Network) -> None:
        self._onnx, self._model = onnx, model
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def serialized(self) -> bytes:
        """Return the file."""
        helper, model = self._onnx.helper, self._model
        dtype = np.dtype(np.uint8) if model.takes_bytes else DTYPE
        name = self.layers("images", model.layers) if len(model.input_shape) != 3 else self._transposed_run()
        if len(model.output_shape) == 3:
            name = self.node("Transpose", name, perm=FIRST_TO_LAST)
        self.node(*self._answer(name), output="predictions")
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            "scratchcnn",
            [value("images", helper.np_dtype_to_tensor_dtype(dtype), ["N", *model.input_shape])],
            [value("predictions", helper.np_dtype_to_tensor_dtype(DTYPE), ["N", *model.output_shape])],
            self._constants,
        )
        opset = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opset, producer_name="scratchcnn", ir_version=8)
        self._onnx.checker.check_model(made, full_check=True)
        content: bytes = made.SerializeToString()
        return content

    def _transposed_run(self) -> str:
        first = self.node("Transpose", "images", perm=LAST_TO_FIRST)
        return self.layers(first, self._model.layers)

    def _answer(self, name: str) -> tuple[str, str]:
        """Return the operator that makes predictions of logits, and its input."""
        model = self._model
        if answers_by_softmax(model):
            return "Softmax", name
        if isinstance(model.loss, BinaryCrossEntropy) or (model.loss is None and model.saved_predictions == "sigmoid"):
            return "Sigmoid", name
        if not answers_with_logits(model):
            raise ValueError(
                f"save_onnx: what this model predicts is the business of its loss, {shown(model.loss)}; compile the "
                "model with a loss of this library first"
            )
        return "Identity", name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        self._count += 1
        output = output or f"t{self._count}"
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: Any) -> str:
        """Add a constant; return its name."""
        self._count += 1
        array = np.ascontiguousarray(values, DTYPE)
        self._constants.append(self._onnx.numpy_helper.from_array(array, f"c{self._count}"))
        return f"c{self._count}"

    def layers(self, name: str, layers: Any) -> str:
        """Add layers in a row; return the name of their output."""
        for layer in layers:
            name = self.layer(name, layer)
        return name

    def layer(self, name: str, layer: Layer) -> str:
        """Add a layer; return the name of its output."""
        kind, params, state = type(layer), layer.params, layer.state
        assert layer.input_shape is not None
        if kind is Rescaling:
            assert isinstance(layer, Rescaling)
            numbers = self.node("Cast", name, to=self._onnx.helper.np_dtype_to_tensor_dtype(DTYPE))
            scaled = self.node("Mul", numbers, self.constant(layer.scale))
            return self.node("Add", scaled, self.constant(layer.offset))
        if kind is Conv2D:
            assert isinstance(layer, Conv2D)
            weights = [self.constant(params["kernel"].transpose(3, 2, 0, 1))]
            weights += [self.constant(params["bias"])] if "bias" in params else []
            window = _attributes(layer.window)
            return self.node("Conv", name, *weights, group=layer.groups, dilations=layer.window.dilation, **window)
        if kind is MaxPool2D:
            assert isinstance(layer, MaxPool2D)
            return self.node("MaxPool", name, **_attributes(layer.window))
        if kind is AveragePool2D:
            assert isinstance(layer, AveragePool2D)
            return self.node("AveragePool", name, count_include_pad=0, **_attributes(layer.window))
        if kind is GlobalAveragePool2D:
            return self.node("Flatten", self.node("GlobalAveragePool", name), axis=1)
        if kind is BatchNorm:
            assert isinstance(layer, BatchNorm)
            scale = params["gamma"] / np.sqrt(state["moving_variance"] + layer.epsilon)
            offset = params["beta"] - state["moving_mean"] * scale
            shape = (-1, 1, 1) if len(layer.input_shape) == 3 else (-1,)
            scaled = self.node("Mul", name, self.constant(scale.reshape(shape)))
            return self.node("Add", scaled, self.constant(offset.reshape(shape)))
        if kind is Dense:
            bias = [self.constant(params["bias"])] if "bias" in params else []
            return self.node("Gemm", name, self.constant(params["kernel"]), *bias)
        if kind is Flatten:
            if len(layer.input_shape) == 3:
                name = self.node("Transpose", name, perm=FIRST_TO_LAST)
            return self.node("Flatten", name, axis=1)
        if kind is Residual:
            assert isinstance(layer, Residual)
            return self.node("Add", self.layers(name, layer.layers), self.layers(name, layer.shortcut))
        if kind is LeakyReLU:
            assert isinstance(layer, LeakyReLU)
            return self.node("LeakyRelu", name, alpha=layer.negative_slope)
        if kind is ELU:
            assert isinstance(layer, ELU)
            return self.node("Elu", name, alpha=layer.alpha)
        if kind is Dropout:
            return name
        simple = {ReLU: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh"}
        if kind not in simple:
            raise ValueError(f"save_onnx knows no layer {shown(layer)}: only those of this library can be written")
        return self.node(simple[kind], name)


def _attributes(window: Window) -> dict[str, Any]:
    """Return how a window slides, in ONNX's words; pads are (top, left, bottom, right)."""
    before, (height, width), seen = window.padding, window.image, window.seen
    after = max(0, seen[0] - before[0] - height), max(0, seen[1] - before[1] - width)
    return {"kernel_shape": window.size, "strides": window.strides, "pads": [*before, *after]}
