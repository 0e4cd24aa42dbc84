"""Atomic operations: how threads that share memory agree on who does what, and tell each other that it is done.

``fetch_add`` reads a number and adds to it in one step, so no two threads read the same. Both operations order memory:
who has read a number sees what the thread that wrote it had written before.
"""

import os
import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# Tells the CPU that this thread waits in a loop: the other thread of the core gets its units, and power is saved.
X86_PAUSE, ARM_PAUSE = "llvm.x86.sse2.pause", "llvm.aarch64.isb"
FULL = 15  # what kind of isb


@intrinsic
def fetch_add(typing, numbers, index, amount):
    """Add ``amount`` to numbers[index], an int64, and return what was there before, in one step."""

    def codegen(context, builder, signature, arguments):
        return builder.atomic_rmw("add", builder.gep(arguments[0], [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(numbers, types.int64, types.int64), codegen


@intrinsic
def load(typing, numbers, index):
    """Return numbers[index], an int64, as it is now."""

    def codegen(context, builder, signature, arguments):
        return builder.load_atomic(builder.gep(arguments[0], [arguments[1]]), "acquire", 8)

    return types.int64(numbers, types.int64), codegen


@intrinsic
def pause(typing):
    """Wait for some cycles."""

    def codegen(context, builder, signature, arguments):
        names = {"x86_64": X86_PAUSE, "amd64": X86_PAUSE, "arm64": ARM_PAUSE, "aarch64": ARM_PAUSE}
        if name := names.get(platform.machine().lower()):
            values = [ir.IntType(32)(FULL)] if name == ARM_PAUSE else []
            kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def give_way(typing):
    """Let another thread that waits for this CPU go first."""

    def codegen(context, builder, signature, arguments):
        if os.name == "posix":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen
