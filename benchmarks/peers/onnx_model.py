"""The networks as ONNX models, for the two runtimes that only classify."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .job import Job


def build(job: Job) -> bytes:
    """Return the serialised model: input ``images`` (N, C, H, W), output ``probabilities`` (N, 10).

    The batch size is written into the model, so that a runtime may plan for exactly this one.
    """
    nodes, constants = [], []
    weights = iter(job.network.channels_first(job.weights))
    tensor = "images"

    def add(kind: str, *arrays: np.ndarray, **attributes: object) -> None:
        nonlocal tensor
        output = f"tensor{len(nodes)}"
        names = [f"{output}_weight{i}" for i in range(len(arrays))]
        constants.extend(numpy_helper.from_array(array, name) for array, name in zip(arrays, names, strict=True))
        nodes.append(helper.make_node(kind, [tensor, *names], [output], **attributes))
        tensor = output

    for layer, _, _ in job.network.shapes():
        match layer:
            case ("conv", _, size, padding):
                pads = [size // 2 if padding == "same" else 0] * 4
                add("Conv", next(weights), next(weights), kernel_shape=[size, size], pads=pads)
            case ("pool", size):
                add("MaxPool", kernel_shape=[size, size], strides=[size, size])
            case ("flatten",):
                add("Flatten")
            case ("global_average_pool",):
                add("GlobalAveragePool")
                add("Flatten")
            case ("dense", _):
                add("Gemm", next(weights), next(weights), transB=1)
            case ("relu",):
                add("Relu")
    add("Softmax", axis=1)
    nodes[-1].output[0] = "probabilities"
    height, width, channels = job.network.input_shape
    shapes = {"images": [job.batch_size, channels, height, width], "probabilities": [job.batch_size, 10]}
    given, wanted = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items())
    graph = helper.make_graph(nodes, job.network.name, [given], [wanted], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
