"""What a kernel sees of its operands: a NamedTuple of integers, and flat arrays made from addresses.

A kernel gets two pointers, to its integers and to the (address, size) of each array that it was run with. These
intrinsics, written in LLVM's language like those of ``machine/tile.py``, make of them what numba's code can work on.
Nothing is copied and no reference is counted: whoever runs a kernel keeps its arrays alive.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ....types import Array

EMPTY = {dtype: np.empty(0, dtype) for dtype in map(np.dtype, (np.float32, np.float64, np.uint8))}


def or_empty(array: Array | None, dtype: np.dtype) -> Array:
    """Return an array that may be left out, such as a bias, or where it is, an empty one: kernels know no None."""
    return EMPTY[dtype] if array is None else array


@intrinsic
def read_dims(typing, dims, names):
    """Return the integers that a kernel was run with as the NamedTuple ``names``."""
    count = len(names.instance_class._fields)
    result = types.NamedUniTuple(types.int64, count, names.instance_class)

    def codegen(context, builder, signature, arguments):
        values = [builder.load(builder.gep(arguments[0], [ir.IntType(64)(i)])) for i in range(count)]
        return context.make_tuple(builder, result, values)

    return result(dims, names), codegen


@intrinsic(prefer_literal=True)
def read_arrays(typing, pointers, count, dtype):
    """Return ``count`` flat arrays of one dtype, the first of those that a kernel was run with."""
    array = types.Array(dtype.dtype, 1, "C")
    result = types.UniTuple(array, count.literal_value)

    def codegen(context, builder, signature, arguments):
        values = [_make_array(context, builder, array, arguments[0], i) for i in range(result.count)]
        return context.make_tuple(builder, result, values)

    return result(pointers, count, dtype), codegen


@intrinsic(prefer_literal=True)
def read_array(typing, pointers, position, dtype):
    """Return the flat array number ``position``, of another dtype, such as np.uint8."""
    result = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, signature, arguments):
        return _make_array(context, builder, result, arguments[0], position.literal_value)

    return result(pointers, position, dtype), codegen


def _make_array(context, builder, array, pointers, position):
    """Return a numba array over the memory at pointers[2*position], of pointers[2*position + 1] elements."""
    integer = ir.IntType(64)
    address, size = (builder.load(builder.gep(pointers, [integer(2 * position + i)])) for i in (0, 1))
    result = cgutils.create_struct_proxy(array)(context, builder)
    itemsize = array.dtype.bitwidth // 8
    context.populate_array(
        result,
        data=builder.inttoptr(address, result.data.type),
        shape=cgutils.pack_array(builder, [size]),
        strides=cgutils.pack_array(builder, [integer(itemsize)]),
        itemsize=integer(itemsize),
        meminfo=None,
    )
    return result._getvalue()
