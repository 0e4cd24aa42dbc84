"""The arrays of each operation: their names, their kinds, their axes, and which are read and which written.

Of each operation a line: what it reads -> what it writes. What is written are its results, in their order, or those of
its arguments that it changes in place. ``name:kind(axes)``, where

    kind    is a dtype, or "float" (none given), "pixels" (uint8, too), or "real", any real numbers; all that are float
            or pixels have one dtype in a call
    axes    are the letters of ``reference``, and M images of a data set, P parameters of a model, * any axes
    ?       may be None

Only the axes N, P and * may be empty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_CONV = "x(N H W C) kernel(KH KW C F)"
_GROUPED = "x(N H W C) kernel(KH KW CG F)"  # CG: the channels of a group
_DENSE = "x(N D) kernel(D F)"
_NORM = "x(* C) gamma(C)"
_STATISTICS = "mean(C) inverse_std(C) variance(C)"
ARRAYS = {
    "adam_step": "gradients(P) -> parameters(P) mean(P) variance(P)",
    "add": "a(*) b(*) -> sum(*)",
    "augment": "images:pixels(M H W C) indices:int64(N) -> out:pixels(N H W C)",
    "average_pool_backward": "dy(N OH OW C) -> dx(N H W C)",
    "average_pool_forward": "x(N H W C) -> y(N OH OW C)",
    "batch_norm_backward": f"{_NORM} mean(C) inverse_std(C) dy(* C) -> dx(* C) dgamma(C) dbeta(C)",
    "batch_norm_forward": f"{_NORM} beta(C) -> y(* C) {_STATISTICS}",
    "batch_norm_inference": f"{_NORM} beta(C) moving_mean(C) moving_variance(C) -> y(* C)",
    "batch_norm_relu_backward": f"{_NORM} mean(C) inverse_std(C) y(* C) dy(* C) -> dx(* C) dgamma(C) dbeta(C)",
    "batch_norm_relu_forward": f"{_NORM} beta(C) -> y(* C) {_STATISTICS}",
    "binary_cross_entropy_backward": "logits(N D) targets(N D) -> dlogits(N D)",
    "binary_cross_entropy_forward": "logits(N D) targets(N D) -> losses(N)",
    "class_targets": "classes:int64(N) class_weights(K) -> targets(N K) weights(N)",
    "clip_by_norm": "-> gradients(P)",
    "conv_backward": f"{_GROUPED} dy(N OH OW F) -> dx(N H W C)? dkernel(KH KW CG F) dbias(F)?",
    "conv_forward": f"{_GROUPED} bias(F)? -> y(N OH OW F)",
    "conv_relu_backward": f"{_CONV} y(N OH OW F) dy(N OH OW F) -> dx(N H W C)? dkernel(KH KW C F) dbias(F)?",
    "conv_relu_forward": f"{_CONV} bias(F)? -> y(N OH OW F)",
    "conv_relu_pool_backward": f"{_CONV} dy(N OH OW F) index:uint8(N OH OW F) "
    "-> dx(N H W C)? dkernel(KH KW C F) dbias(F)?",
    "conv_relu_pool_forward": f"{_CONV} bias(F)? -> y(N OH OW F) index:uint8(N OH OW F)",
    "dense_backward": f"{_DENSE} dy(N F) -> dx(N D)? dkernel(D F) dbias(F)?",
    "dense_forward": f"{_DENSE} bias(F)? -> y(N F)",
    "dense_relu_backward": f"{_DENSE} y(N F) dy(N F) -> dx(N D)? dkernel(D F) dbias(F)?",
    "dense_relu_forward": f"{_DENSE} bias(F)? -> y(N F)",
    "dropout_backward": "dy(*) -> dx(*)",
    "dropout_forward": "x(*) -> y(*)",
    "elu_backward": "y(*) dy(*) -> dx(*)",
    "elu_forward": "x(*) -> y(*)",
    "fold_batch_norm": "kernel(* F) bias(F)? gamma(F) beta(F) mean(F) variance(F) -> folded_kernel(* F) folded_bias(F)",
    "global_average_pool_backward": "dy(N C) -> dx(N H W C)",
    "global_average_pool_forward": "x(N H W C) -> y(N C)",
    "leaky_relu_backward": "x(*) dy(*) -> dx(*)",
    "leaky_relu_forward": "x(*) -> y(*)",
    "max_pool_backward": "dy(N OH OW C) index:uint8(N OH OW C) -> dx(N H W C)",
    "max_pool_forward": "x(N H W C) -> y(N OH OW C) index:uint8(N OH OW C)",
    "mean_squared_error_backward": "outputs(N D) targets(N D) -> doutputs(N D)",
    "mean_squared_error_forward": "outputs(N D) targets(N D) -> losses(N)",
    "relu_backward": "y(*) dy(*) -> dx(*)",
    "relu_forward": "x(*) -> y(*)",
    "rescale_backward": "dy(*) -> dx(*)",
    "rescale_forward": "x:real(*) -> y(*)",
    "rmsprop_step": "gradients(P) -> parameters(P) square(P) mean(P)? velocity(P)?",
    "scale_rows": "weights(N) -> rows(N *)",
    "sgd_step": "gradients(P) -> parameters(P) velocity(P)?",
    "sigmoid_backward": "y(*) dy(*) -> dx(*)",
    "sigmoid_forward": "x(*) -> y(*)",
    "soft_cross_entropy_backward": "probabilities(N K) targets(N K) class_weights(K) weights(N) -> dlogits(N K)",
    "soft_cross_entropy_forward": "logits(N K) targets(N K) class_weights(K) -> probabilities(N K) losses(N)",
    "softmax_cross_entropy_backward": "probabilities(N K) labels:int64(N) -> dlogits(N K)",
    "softmax_cross_entropy_forward": "logits(N K) labels:int64(N) -> probabilities(N K) losses(N)",
    "softmax_forward": "logits(N K) -> y(N K)",
    "tanh_backward": "y(*) dy(*) -> dx(*)",
    "tanh_forward": "x(*) -> y(*)",
    "update_moving_statistics": "mean(C) variance(C) -> moving_mean(C) moving_variance(C)",
}


class Operand(NamedTuple):
    """An array of an operation: its place among the arguments and results, its name, and what it must be."""

    place: int
    name: str
    kind: str
    axes: tuple[str, ...]
    optional: bool
    written: bool


class Operands(NamedTuple):
    """The arrays of an operation, those that are read first, and the number of its results."""

    all: list[Operand]
    results: int


def operands_of(operation: str, parameters: list[str]) -> Operands:
    """Return the arrays of an operation with these parameters; the places of its results are after the parameters'."""
    found, places = [], list(parameters)
    for part, is_written in zip(ARRAYS[operation].split("->"), (False, True), strict=True):
        for name, kind, axes, optional in re.findall(r"(\w+):?(\w*)\(([^)]*)\)(\??)", part):
            if name not in places:
                places.append(name)
            axis_names = tuple(axes.split())
            found.append(Operand(places.index(name), name, kind or "float", axis_names, bool(optional), is_written))
    return Operands(found, len(places) - len(parameters))
