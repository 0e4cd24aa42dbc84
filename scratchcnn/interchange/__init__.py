"""Networks and weights for other libraries, and from them: ONNX, safetensors, Keras, PyTorch.

Each function imports the library it is for when it is called; ``pip install 'scratchcnn[onnx]'`` and
``'scratchcnn[safetensors]'`` bring the first two.
"""

from .keras import from_keras, to_keras
from .onnx import save_onnx
from .safetensors import load_safetensors, save_safetensors
from .torch import from_torch, to_torch

__all__ = [
    "from_keras",
    "from_torch",
    "load_safetensors",
    "save_onnx",
    "save_safetensors",
    "to_keras",
    "to_torch",
]
