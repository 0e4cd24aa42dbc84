"""The operations of ``ops.reference`` once more, compiled with numba for this CPU: the same names and signatures.

Read ``runtime/compile.py`` first (how a kernel is run), then ``machine/tile.py`` (what makes it fast), then
``convolution/direct.py``.
"""

from .augment import augment
from .channels import update_moving_statistics
from .convolution import (
    conv_backward,
    conv_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from .dense import dense_backward, dense_forward, dense_relu_backward, dense_relu_forward
from .elementwise import (
    dropout_backward,
    dropout_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    rescale_backward,
    rescale_forward,
)
from .loss import softmax_cross_entropy_backward, softmax_cross_entropy_forward, softmax_forward
from .normalization import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    batch_norm_relu_backward,
    batch_norm_relu_forward,
)
from .optimizer import adam_step, clip_by_norm, sgd_step
from .pool import (
    average_pool_backward,
    average_pool_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from .runtime.recording import each_time

__all__ = [
    "adam_step",
    "augment",
    "average_pool_backward",
    "average_pool_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_inference",
    "batch_norm_relu_backward",
    "batch_norm_relu_forward",
    "clip_by_norm",
    "conv_backward",
    "conv_forward",
    "conv_relu_backward",
    "conv_relu_forward",
    "conv_relu_pool_backward",
    "conv_relu_pool_forward",
    "dense_backward",
    "dense_forward",
    "dense_relu_backward",
    "dense_relu_forward",
    "dropout_backward",
    "dropout_forward",
    "each_time",
    "global_average_pool_backward",
    "global_average_pool_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "max_pool_backward",
    "max_pool_forward",
    "relu_backward",
    "relu_forward",
    "rescale_backward",
    "rescale_forward",
    "sgd_step",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
    "update_moving_statistics",
]
