"""The operations of ``ops.reference`` once more, compiled with numba for this CPU; they write into ``out``.

Read ``machine/tile.py`` first (what makes a kernel fast), then ``convolution/direct.py`` (one kernel), then
``runtime/compile.py`` and ``runtime/launch.py`` (how it runs on all cores).
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
from .convolution import (
    conv_backward,
    conv_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from .dense import dense_backward, dense_forward, dense_relu_backward, dense_relu_forward
from .dropout import dropout_backward, dropout_forward
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
    batch_norm_relu_backward,
    batch_norm_relu_forward,
    fold_batch_norm,
)
from .normalization_statistics import update_moving_statistics
from .optimizers import adam_step, clip_by_norm, rmsprop_step, sgd_step
from .pool import (
    average_pool_backward,
    average_pool_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from .rescaling import rescale_backward, rescale_forward
from .shared.random import draw_seed
