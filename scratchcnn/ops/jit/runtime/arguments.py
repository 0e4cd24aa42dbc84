"""What a kernel sees of its operands: a NamedTuple of whole numbers, and flat arrays made from addresses.

A kernel gets two pointers, to the numbers and to the (address, size) of each array that it was run with. These
intrinsics, written in LLVM's language like those of ``machine/tile.py``, make of them what numba's code can work on.
Nothing is copied, nothing is counted: whoever runs a kernel keeps its arrays alive.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def geometry(typing, numbers, names):
    """Return the numbers that a kernel was run with as the NamedTuple ``names``."""
    count = len(names.instance_class._fields)
    result = types.NamedUniTuple(types.int64, count, names.instance_class)

    def codegen(context, builder, signature, arguments):
        values = [builder.load(builder.gep(arguments[0], [ir.IntType(64)(i)])) for i in range(count)]
        return context.make_tuple(builder, result, values)

    return result(numbers, names), codegen


@intrinsic(prefer_literal=True)
def arrays(typing, addresses, count, precision):
    """Return ``count`` flat arrays of floating-point numbers, the first of those that a kernel was run with."""
    array = types.Array({32: types.float32, 64: types.float64}[precision.literal_value % 128], 1, "C")
    result = types.UniTuple(array, count.literal_value)

    def codegen(context, builder, signature, arguments):
        values = [_make_array(context, builder, array, arguments[0], i) for i in range(result.count)]
        return context.make_tuple(builder, result, values)

    return result(addresses, count, precision), codegen


@intrinsic(prefer_literal=True)
def array_of(typing, addresses, position, dtype, precision):
    """Return the flat array number ``position``, of a dtype that the precision does not change: np.uint8, np.int64."""
    result = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, signature, arguments):
        return _make_array(context, builder, result, arguments[0], position.literal_value)

    return result(addresses, position, dtype, precision), codegen


def _make_array(context, builder, array, places, position):
    """Return a numba array over the memory that places[2*position] and places[2*position + 1] tell: address, size."""
    integer = ir.IntType(64)
    address, size = (builder.load(builder.gep(places, [integer(2 * position + i)])) for i in (0, 1))
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
