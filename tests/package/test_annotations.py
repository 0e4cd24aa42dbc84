"""Every function has annotations, but for those that are compiled or written in LLVM's language.

mypy sees to that everywhere but in ``ops/jit``, where it cannot tell which functions numba compiles.
"""

import ast

from support.processes import ROOT

JIT = ROOT / "scratchcnn" / "ops" / "jit"
NUMBAS = {"native", "device", "inlined", "intrinsic", "njit"}
# Whose arguments are LLVM's: values, builders and types that have no annotations.
LLVMS = {
    "machine/llvm.py",
    "machine/tile_pool.py",
    "machine/tile_transforms.py",
    "runtime/arguments.py",
    "runtime/loops.py",
}


def decorators(function):
    called = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return {each.id for each in called if isinstance(each, ast.Name)}


def unannotated(node):
    """Yield the functions below a node that numba does not compile and that lack an annotation."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            if decorators(child) & NUMBAS:
                continue
            arguments = [each for each in (*child.args.args, *child.args.kwonlyargs) if each.arg not in ("self", "cls")]
            if child.returns is None or any(each.annotation is None for each in arguments):
                yield child.name
        yield from unannotated(child)


def test_functions_that_numba_does_not_compile_have_annotations():
    found = {
        path.relative_to(JIT).as_posix(): names
        for path in JIT.rglob("*.py")
        if (names := list(unannotated(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found.keys() == LLVMS, found


def test_a_function_without_annotations_is_found():
    assert list(unannotated(ast.parse("def f(x): pass\n@native\ndef g(y): pass\ndef h(z: int) -> None: pass"))) == ["f"]
