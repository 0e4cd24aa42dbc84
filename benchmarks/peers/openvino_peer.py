"""OpenVINO: inference only, one request at a time on all threads.

Its precision is set to float32: left alone it computes in bfloat16 on CPUs that can, which is another function.
"""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import openvino

from . import onnx_model
from .job import Job

_threads = 1


def configure(threads: int, variant: str) -> dict[str, str]:
    global _threads
    _threads = threads
    return {"openvino": openvino.__version__.split("-")[0]}


def inference(job: Job) -> Any:
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": _threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = core.compile_model(core.read_model(io.BytesIO(onnx_model.build(job))), "CPU", settings)
    request = compiled.create_infer_request()
    batches = itertools.cycle(images for images, _ in job.batches(channels_first=True))

    def step() -> np.ndarray:
        return request.infer({0: next(batches)}, share_inputs=True, share_outputs=False)[0]

    return step, lambda result: result
