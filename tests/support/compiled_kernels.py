"""What the kernels of ``ops/jit`` are in machine code, for this CPU or another one. A program for a process of its own:

    python -m support.compiled_kernels apple-m1,cortex-a72 [networks | large]

prints a line of JSON for each kernel that is made of register tiles and each CPU, which must have the same registers:
the CPU, the registers that its tile was chosen for, its factory, its constants, its innermost loops.
"networks" are the kernels of training and prediction with the networks that are measured, and of convolutions of many
shapes; "large" is a single one, whose tile of 9 rows x 4 vectors no CPU has registers for.

LLVM compiles for any CPU, but numba only for the one it runs on. So its target machine is replaced, what it has
compiled is never loaded, and the tiles are chosen for the registers of the other CPU.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from llvmlite import binding
from numba.core import codegen, config, registry

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.layers.windows import sliding_window
from scratchcnn.ops.jit.machine.registers import registers
from scratchcnn.ops.jit.runtime.cache import OPTIONS
from scratchcnn.ops.jit.runtime.compile import SIGNATURE, Kernel, dry_run
from scratchcnn.recipes import RECIPES
from scratchcnn.training.step import compute_gradients
from support.machine_code import innermost_loops

NATIVE = "native"
ARM = ("apple", "cortex", "neoverse")
TILED = {"convolution", "dense", "dense_gradient"}  # folders and files
WITHOUT_TILES = {"_transform_kernel", "_prepare_kernel"}
TWO_BY_TWO, THREE_BY_THREE = ((2, 2), (2, 2)), ((3, 3), (2, 2))
CONVOLUTIONS = (  # channels, filters, size of the kernel, stride, pool
    (1, 1, 3, 1, TWO_BY_TWO),
    (1, 3, 5, 1, TWO_BY_TWO),
    (1, 20, 5, 2, TWO_BY_TWO),
    (1, 64, 3, 1, TWO_BY_TWO),
    (1, 100, 2, 1, TWO_BY_TWO),
    (1, 12, 3, 1, None),
    (1, 64, 3, 1, None),
    (3, 64, 3, 1, None),
    (3, 8, 3, 2, None),
    (3, 64, 5, 1, TWO_BY_TWO),
    (6, 20, 5, 1, THREE_BY_THREE),
    (8, 6, 3, 1, None),
    (8, 32, 2, 1, TWO_BY_TWO),
    (16, 32, 3, 2, TWO_BY_TWO),
    (20, 100, 3, 1, None),
    (64, 16, 3, 1, TWO_BY_TWO),
    (100, 32, 5, 2, None),
)


def compile_for(cpu: str) -> None:
    """Let numba compile for a CPU by LLVM's name of it; afterwards this process must not run what it has compiled."""
    is_arm = cpu.startswith(ARM) or (cpu == NATIVE and platform.machine().lower() in ("arm64", "aarch64"))
    triple = f"{'aarch64' if is_arm else 'x86_64'}-unknown-linux-gnu"
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = registry.cpu_target.target_context.codegen()
    target._tm = target_machine(cpu, triple)
    target._data_layout = str(target._tm.target_data)
    binding.get_process_triple = lambda: triple
    library = codegen.JITCodeLibrary
    library._finalize_specific = codegen.AOTCodeLibrary._finalize_specific
    library.get_pointer_to_function = lambda self, name: self._ensure_finalized() or 0
    codegen.JITCPUCodegen._add_module = codegen.AOTCPUCodegen._add_module
    codegen.JITCPUCodegen.set_env = lambda self, *environment: None
    if cpu != NATIVE:
        platform.machine = lambda: "aarch64" if is_arm else "x86_64"
        config.CPU_NAME = cpu
    registers.cache_clear()


def target_machine(cpu: str, triple: str) -> binding.TargetMachine:
    """Return what LLVM makes machine code of a CPU with."""
    name = binding.get_host_cpu_name() if cpu == NATIVE else cpu
    features = binding.get_host_cpu_features().flatten() if cpu == NATIVE else ""
    return binding.Target.from_triple(triple).create_target_machine(name, features, opt=3)


def assemblies(kernel: Kernel, cpus: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the CPUs, each with a kernel's machine code as text; most of the time goes into what is before that."""
    library = numba.cfunc(SIGNATURE, **OPTIONS)(kernel.function())._library
    triple = binding.get_process_triple()
    for cpu in cpus:
        yield cpu, target_machine(cpu, triple).emit_assembly(library._final_module)


def kernels() -> Iterator[Kernel]:
    """Yield the kernels of the networks and convolutions that are made of tiles, each tile once."""
    with dry_run() as found, ops.using("jit"), np.errstate(all="ignore"):
        for layers in networks():
            _train(layers)
        for C, F, size, stride, pool in CONVOLUTIONS:
            _convolve(C, F, (size, size), (stride, stride), pool)
    once = {}
    for kernel in found:
        constants = kernel.constants[:5] if kernel.factory == "_convolve_kernel" else kernel.constants  # less distances
        if TILED & set(kernel.module.split(".")) and kernel.factory not in WITHOUT_TILES:
            once.setdefault((kernel.module, kernel.factory, constants), kernel)
    yield from once.values()


def networks() -> Iterator[list[sc.Layer]]:
    """Yield the layers of the recipes' networks, and of the others that the benchmarks measure."""
    for recipe in RECIPES.values():
        yield recipe.network(10)
    convolution, pool = sc.Conv2D, sc.MaxPool2D
    dense = sc.Flatten(), sc.Dense(128), sc.ReLU(), sc.Dense(10)
    yield [convolution(32, 3), sc.ReLU(), convolution(64, 3), sc.ReLU(), pool(2), *dense]
    dense = sc.Flatten(), sc.Dense(64), sc.ReLU(), sc.Dense(10)
    first = convolution(8, 3, padding="same"), sc.ReLU(), pool(2)
    yield [*first, convolution(16, 3, padding="same"), sc.ReLU(), pool(2), *dense]


def _train(layers: list[sc.Layer]) -> None:
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    model.compile()
    for samples in (1, 128):
        x, y = np.zeros((samples, 28, 28, 1), np.float32), np.zeros(samples, np.int64)
        compute_gradients.__wrapped__(model, x, y)
        model.forward(x)


def _convolve(C: int, F: int, size: Any, strides: Any, pool: Any) -> None:
    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    window = sliding_window("test", (28, 28), size, strides, "valid")
    x, kernel, bias = zeros(2, 28, 28, C), zeros(*size, C, F), zeros(F)
    out = zeros(*x.shape), zeros(*kernel.shape), zeros(F)
    if pool is None:
        y = zeros(2, *window.output, F)
        ops.conv_relu_forward(x, kernel, bias, window, out=y)
        ops.conv_backward(x, kernel, y, window, out=out)
        ops.conv_relu_backward(x, kernel, y, y, window, out=out)
    else:
        seen = sliding_window("test", window.output, *pool, "valid")
        y = zeros(2, *seen.output, F)
        index = np.zeros(y.shape, np.uint8)
        ops.conv_relu_pool_forward(x, kernel, bias, window, seen, out=(y, index))
        ops.conv_relu_pool_backward(x, kernel, y, index, window, seen, out=(None if C == 1 else out[0], *out[1:]))


def too_large() -> Iterator[Kernel]:
    constants = np.dtype("float32"), 1, 9, 4, registers().width // 4, 32
    yield Kernel("scratchcnn.ops.jit.convolution.direct", "_convolve_kernel", constants)


if __name__ == "__main__":
    cpus = sys.argv[1].split(",")
    compile_for(cpus[0])
    for kernel in too_large() if sys.argv[2:] == ["large"] else kernels():
        name = f"{kernel.module.partition('.jit.')[2]}.{kernel.factory}"
        constants = [str(constant) for constant in kernel.constants]
        for cpu, text in assemblies(kernel, cpus):
            loops = [loop._asdict() for loop in innermost_loops(text) if loop.multiply_adds]
            about = {"cpu": cpu, "registers": registers(), "name": name, "constants": constants, "loops": loops}
            print(json.dumps(about), flush=True)
