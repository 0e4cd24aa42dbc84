"""The sums of a register tile stay in registers: no inner loop of a kernel keeps one on the stack.

A tile that is too large is still right, and slow: LLVM spills what does not fit. So the kernels' machine code is read,
of this CPU and of others that LLVM can compile for.
"""

from __future__ import annotations

import json

import pytest

from support.machine_code import Loop, innermost_loops
from support.marks import without_numba
from support.processes import run_python

X86 = """
kernel:
    .cfi_startproc
    movq %rsp, %rbp
    vmovups (%rdi), %ymm0
    vmovups %ymm0, -64(%rbp)
.LBB0_1:
    xorl %eax, %eax
.LBB0_2:
    vbroadcastss (%rsi,%rax), %ymm1
    {step}
    addq $4, %rax
    cmpq %rdx, %rax
    jne .LBB0_2
    vmovups %ymm0, 64(%rsp)
    decq %rcx
    jne .LBB0_1
    retq
    .cfi_endproc
"""
ARM = """
kernel:
    .cfi_startproc
    stp q8, q9, [sp, #-32]!
.LBB0_1:
    ldp q0, q1, [x0]
.LBB0_2:
    ldr s2, [x1], #4
    {step}
    cbnz x2, .LBB0_2
    stp q0, q1, [sp, #32]
    subs x3, x3, #1
    b.ne .LBB0_1
    ret
    .cfi_endproc
"""


@pytest.mark.parametrize(
    ("step", "sums", "operands", "addresses"),
    [
        (["vfmadd231ps (%rdi), %ymm1, %ymm0"], 0, 0, 0),
        (["vfmadd231ps (%rdi), %ymm1, %ymm0", "vmovups %ymm0, 32(%rsp)"], 1, 0, 0),
        (["vmovups 32(%rsp), %ymm2", "vfmadd231ps (%rdi), %ymm1, %ymm2", "vmovups %ymm2, 32(%rsp)"], 2, 0, 0),
        (["vfmadd231ps (%rdi), %ymm1, %ymm0", "vmovaps %ymm0, %ymm3", "vmovups %ymm3, -64(%rbp)"], 1, 0, 0),
        (["vfmadd231ps -64(%rbp), %ymm1, %ymm0"], 0, 1, 0),
        (["vmovups %ymm1, 32(%rsp)", "vfmadd231ps (%rdi), %ymm1, %ymm0"], 0, 1, 0),
        (["vfmadd231ps (%rdi), %ymm1, %ymm0", "movq 8(%rsp), %rsi"], 0, 0, 1),
        (["vfmadd231ps (%rdi), %ymm1, %ymm0", "leaq 8(%rsp), %rsi"], 0, 0, 0),
    ],
)
def test_stack_accesses_of_a_loop_are_counted_on_x86(step, sums, operands, addresses):
    (loop,) = innermost_loops(X86.format(step="\n    ".join(step)))
    accumulates = step[-1].endswith("%ymm0") or "vmovups 32(%rsp), %ymm2" not in step
    assert loop == Loop(".LBB0_2", 1, accumulates, sums, operands, addresses)


def test_a_loop_is_not_innermost_where_the_inner_one_comes_after_it_in_the_text():
    assembly = """
    .cfi_startproc
.LBB0_1:
    movq 8(%rsp), %rsi
    jmp .LBB0_3
.LBB0_2:
    decq %rcx
    jne .LBB0_1
    retq
.LBB0_3:
    vbroadcastss (%rsi), %ymm1
    vfmadd231ps (%rdi), %ymm1, %ymm0
    addq $4, %rsi
    cmpq %rdx, %rsi
    jne .LBB0_3
    jmp .LBB0_2
    .cfi_endproc
"""
    assert list(innermost_loops(assembly)) == [Loop(".LBB0_3", 1, True, 0, 0, 0)]


def test_without_a_frame_pointer_rbp_is_a_register_like_any_other():
    step = "vfmadd231ps -64(%rbp), %ymm1, %ymm0"
    (loop,) = innermost_loops(X86.replace("movq %rsp, %rbp", "").format(step=step))
    assert loop == Loop(".LBB0_2", 1, True, 0, 0, 0)


@pytest.mark.parametrize(
    ("step", "sums", "operands", "addresses"),
    [
        (["fmla v0.4s, v3.4s, v2.s[0]"], 0, 0, 0),
        (["fmla v0.4s, v3.4s, v2.s[0]", "str q0, [sp, #64]"], 1, 0, 0),
        (["ldp q4, q5, [sp, #64]", "fmla v5.4s, v3.4s, v2.s[0]", "stp q4, q5, [sp, #64]"], 2, 2, 0),
        (["ldr q3, [sp]", "fmla v0.4s, v3.4s, v2.s[0]"], 0, 1, 0),
        (["fmla v0.4s, v3.4s, v2.s[0]", "mov v4.16b, v0.16b", "str q4, [sp, #64]"], 1, 0, 0),
        (["fmla v0.4s, v3.4s, v2.s[0]", "ldp x1, x4, [sp, #8]"], 0, 0, 1),
    ],
)
def test_stack_accesses_of_a_loop_are_counted_on_arm(step, sums, operands, addresses):
    (loop,) = innermost_loops(ARM.format(step="\n    ".join(step)))
    assert loop[:2] == (".LBB0_2", 1)
    assert loop[3:] == (sums, operands, addresses)


# Sums that are on the stack nevertheless: (registers, factory) and the most accesses in a loop.
KNOWN = {
    # LLVM makes the four masks of a pooling window at once; with loops that are not written out, it takes 10 % longer
    # (Zen 1).
    (16, "kernel_gradient._kernel_gradient_kernel"): 8,
    # Where the window is written out, the maxima are found in the same loop.
    (32, "pooled._conv_relu_pool_kernel"): 4,
}
# The same for single kernels, by the first constants, dtype and tile: (sums, operands): 12 pixels under a pool, some of
# which LLVM loads for two steps at once; products of a dense layer; 9 pixels of one channel.
KNOWN_TILES = {
    (16, "pooled._conv_relu_pool_kernel", ("float32", "2", "6", "1", "8", "1", "0", "0")): (0, 14),
    (16, "pooled._conv_relu_pool_kernel", ("float32", "2", "6", "1", "8", "2", "0", "0")): (2, 0),
    (16, "dense._multiply_kernel", ("float32", "1", "6", "2", "8")): (2, 6),
    (16, "direct._convolve_kernel", ("float32", "1", "9", "1", "8", "1")): (0, 4),
}


def kernels_for(cpus, which="networks"):
    """Yield the CPU, its registers, the name, the constants and the loops of each kernel."""
    done = run_python("import runpy; runpy.run_module('support.compiled_kernels', run_name='__main__')", cpus, which)
    for line in done.stdout.splitlines():
        kernel = json.loads(line)
        loops = [Loop(**loop) for loop in kernel["loops"]]
        yield kernel["cpu"], tuple(kernel["registers"]), kernel["name"], kernel["constants"], loops


@pytest.mark.slow
@without_numba
@pytest.mark.parametrize("cpu", ["native", "apple-m1"])
def test_a_tile_that_is_too_large_is_found(cpu):
    ((_, _, _, _, (loop,)),) = kernels_for(cpu, "large")
    assert loop.multiply_adds == 36 and loop.sums > 0


@pytest.mark.slow
@without_numba
@pytest.mark.parametrize("cpus", ["native", "apple-m1,cortex-a72"])
def test_no_inner_loop_keeps_its_sums_on_the_stack(cpus):
    seen, spilled = 0, []
    for cpu, registers, name, constants, loops in kernels_for(cpus):
        name = name.removeprefix("convolution.")
        most = KNOWN.get((registers[0], name), 0)
        of_tile = KNOWN_TILES.get((registers[0], name, tuple(constants)), (0, 0))
        # Where a window is written out, LLVM keeps pixels for the next step: on the stack, if not in registers.
        is_written_out = name == "pooled._conv_relu_pool_kernel" and constants[-1] != "0"
        is_written_out |= name == "kernel_gradient._kernel_gradient_kernel" and constants[6] == "True"  # of a pool
        for loop in loops:
            # Winograd's transforms hold a whole input tile, of 6 x 6 vectors, which does not fit. And for products of
            # a depth of 1 LLVM may make a version without an inner loop; then the loop around it seems to be one.
            if not loop.accumulates and ("winograd" in name or not loop.sums):
                continue
            seen += 1
            operands = max(loop.multiply_adds if is_written_out else 0, of_tile[1])
            # Addresses are read again where the integer registers, 16 on x86, hold no more: few for many multiply-adds.
            addresses = max(3, loop.multiply_adds // 4)
            if loop.sums > max(most, of_tile[0]) or loop.operands > operands or loop.addresses > addresses:
                spilled.append((cpu, name, constants, loop))
    assert seen > 50
    assert spilled == []
