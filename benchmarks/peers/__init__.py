"""The frameworks that are measured, one module each, and the process in which each of them runs.

A peer module has some of these functions, and ``worker.py`` calls no others:

    configure(threads, variant) -> dict    set the number of threads; return the versions of what is measured
    training(job)  -> step, value          step() runs one training step; value(result) waits for it: the loss
    inference(job) -> step, value          step() classifies one mini-batch; value(result) waits for it: probabilities
    training_from_pixels(job)              training whose steps draw their mini-batches from the uint8 images in memory
    fit(request) -> dict                   ``fit`` on a file of images: the seconds to the first step, and of each

``step`` may return before the work is done, as frameworks with asynchronous dispatch do; ``value`` may not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """How a framework is started: its module, and the variant of its settings."""

    key: str
    label: str
    module: str
    variant: str = ""


OURS = Peer("scratchcnn", "scratchcnn", "scratchcnn_peer")

_ALL = (
    OURS,
    Peer("torch", "PyTorch", "torch_peer"),
    Peer("torch-channels-last", "PyTorch channels-last", "torch_peer", "channels_last"),
    Peer("torch-compile", "PyTorch compiled", "torch_peer", "compile"),
    Peer("torch-compile-channels-last", "PyTorch compiled, channels-last", "torch_peer", "compile_channels_last"),
    Peer("keras-tensorflow", "Keras/TensorFlow", "keras_tensorflow_peer", "graph"),
    Peer("keras-tensorflow-xla", "Keras/TensorFlow XLA", "keras_tensorflow_peer", "xla"),
    Peer("keras-jax", "Keras/JAX", "keras_jax_peer"),
    Peer("onnxruntime", "ONNX Runtime", "onnxruntime_peer"),
    Peer("openvino", "OpenVINO", "openvino_peer"),
)

PEERS = {peer.key: peer for peer in _ALL}
