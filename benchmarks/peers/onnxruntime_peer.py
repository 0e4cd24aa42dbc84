"""ONNX Runtime: inference only, with all graph optimisations; its threads spin for work, as they do by default."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnxruntime

from . import onnx_model
from .job import Job

_threads = 1


def configure(threads: int, variant: str) -> dict[str, str]:
    global _threads
    _threads = threads
    return {"onnxruntime": onnxruntime.__version__}


def inference(job: Job) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(onnx_model.build(job), options, providers=["CPUExecutionProvider"])
    batches = itertools.cycle(images for images, _ in job.batches(channels_first=True))

    def step() -> np.ndarray:
        return session.run(["probabilities"], {"images": next(batches)})[0]

    return step, lambda result: result
