"""The loops that call kernels: over the chunks of one, in parallel or in turn, and over a recorded list of kernels.

They take a kernel as the address of its machine code. So numba's machinery for parallel loops, which takes longer to
compile than the kernels themselves, is compiled once, for all of them.
"""

from functools import partial

from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from .cache import cached


@intrinsic
def _call(typing, address, chunk, chunks, dims, operands):
    """Call the machine code at ``address`` as a kernel."""

    def codegen(context, builder, signature, arguments):
        function, chunk, chunks, dims, operands = arguments
        integer = ir.IntType(64)
        pointers = [
            cgutils.create_struct_proxy(array)(context, builder, value=value).data
            for array, value in zip(signature.args[3:], (dims, operands), strict=True)
        ]
        kernel_type = ir.FunctionType(ir.VoidType(), [integer, integer, integer.as_pointer(), integer.as_pointer()])
        builder.call(builder.inttoptr(function, kernel_type.as_pointer()), [chunk, chunks, *pointers])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, dims, operands), codegen


def run_in_parallel(address, chunks, dims, operands):
    for chunk in prange(chunks):
        _call(address, chunk, chunks, dims, operands)


def run_in_turn(address, chunks, dims, operands):
    for chunk in range(chunks):
        _call(address, chunk, chunks, dims, operands)


def run_all(calls, dims, operands, replaced, addresses, parallel):
    """Run kernels one after the other, without Python between them.

    Parameters
    ----------
    calls : int64 ndarray, shape (K, 4)
        Of each: its machine code, its chunks, and where its dims and its operands begin.
    dims : int64 ndarray
        Of all kernels.
    operands : int64 ndarray, shape (M, 2)
        Of all kernels: address and size.
    replaced : int64 ndarray, shape (R, 2)
        Rows of ``operands`` whose address is replaced first, each by the one of that number in ``addresses``.
    parallel : bool
        Whether there are threads to share the chunks.
    """
    for r in range(len(replaced)):
        operands[replaced[r, 0], 0] = addresses[replaced[r, 1]]
    flat = operands.reshape(-1)
    for k in range(len(calls)):
        address, chunks = calls[k, 0], calls[k, 1]
        own_dims, own_operands = dims[calls[k, 2] :], flat[2 * calls[k, 3] :]
        if chunks > 1 and parallel:
            run_in_parallel(address, chunks, own_dims, own_operands)
        else:
            run_in_turn(address, chunks, own_dims, own_operands)


run_in_parallel = cached(partial(njit, nogil=True, parallel=True), run_in_parallel)
run_in_turn = cached(partial(njit, nogil=True), run_in_turn)
run_all = cached(partial(njit, nogil=True), run_all)
