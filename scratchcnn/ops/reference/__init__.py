"""The operations in plain NumPy: the textbook. Read this folder before ``jit``, which computes the same, fast.

One file a concept, ``X_forward`` beside ``X_backward``, the derivation in the docstring; what a function computes it
returns. (Those of optimizers and of moving averages change their arrays in place, as the formulas do.) Sums over a
whole batch are accumulated in float64: a hundred thousand float32 numbers added one after the other lose three digits.
"""

from .activations import (
    add,
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from .augment import augment
from .conv import conv_backward, conv_forward
from .dense import dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward
from .fused import (
    batch_norm_relu_backward,
    batch_norm_relu_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
    dense_relu_backward,
    dense_relu_forward,
    fold_batch_norm,
)
from .losses import softmax_cross_entropy_backward, softmax_cross_entropy_forward, softmax_forward
from .losses_of_numbers import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    mean_squared_error_backward,
    mean_squared_error_forward,
    scale_rows,
)
from .losses_of_soft_targets import class_targets, soft_cross_entropy_backward, soft_cross_entropy_forward
from .normalization import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    update_moving_statistics,
)
from .optimizers import adam_step, clip_by_norm, rmsprop_step, sgd_step
from .pool import (
    average_pool_backward,
    average_pool_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from .random import draw_seed
from .rescaling import rescale_backward, rescale_forward
