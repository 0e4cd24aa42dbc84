"""Imports point down: the order of the storeys, which is also the README's picture of the architecture."""

import ast
from pathlib import Path

import pytest

from support.processes import ROOT

STOREYS = """
    types, memory                              shapes of arrays, and memory for them
    checks, concurrency, files                 users' input; threads, forks and Ctrl-C; writing a file in one step
    ops.operands, ops.settings, ops.exact      what an operation takes
    ops.checks                                 that it gets nothing else
    ops.reference                              what is computed: the textbook, in NumPy
    ops.jit.machine                            vector registers and register tiles
    ops.jit.runtime                            how a kernel is compiled, run on all cores, recorded
    ops.jit.shared                             pieces of kernels
    ops.jit                                    the same operations, fast
    ops                                        which of the two implementations answers
    data                                       data sets, and distortions of images
    regularizers, layers                       what a layer is
    losses, optimizers, schedules, history     loss functions, updates, learning rates, what was measured
    metrics                                    what people want to know beside the loss
    fusion                                     neighbouring layers as one
    network                                    layers in a row, parameters as one vector
    saving                                     a network as a file
    callbacks                                  what can be done while a network is trained
    training                                   how a network learns
    model                                      compile, fit, evaluate, predict, save, summary
    averaged_predictions                       the mean of several answers
    ensemble, shift_average, recipes, plots, figure, pictures, terminal, gradcheck, interchange, sklearn, draw
    commands, __main__, gradcheck.__main__     what can be typed in a shell
"""


def storeys(picture):
    """Return the storey of each name, counted from the bottom."""
    lines = [line.strip().split("   ")[0] for line in picture.strip().splitlines()]
    return {name: height for height, line in enumerate(lines) for name in line.split(", ")}


def modules(package):
    """Return the file of each module of a package, by its name inside the package; "" is the package itself."""
    files = {".".join(path.relative_to(package).with_suffix("").parts): path for path in package.rglob("*.py")}
    return {name.removesuffix("__init__").rstrip("."): path for name, path in files.items()}


def imports(name, path, known):
    """Yield the modules of the package that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = [part for part in folder if part][: len(folder) + 1 - node.level]
            source = ".".join([*base, *([node.module] if node.module else [])])
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "scratchcnn":
            source = node.module.partition(".")[2]
        else:
            continue
        for alias in node.names:
            inner = f"{source}.{alias.name}".lstrip(".")
            yield inner if inner in known else source


def height_of(name, heights):
    """Return the storey that a module belongs to: that of the longest name that it is or lies in."""
    parts = name.split(".")
    candidates = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((heights[candidate] for candidate in candidates if candidate in heights), None)


def faults(package):
    """Return a sentence for each import that points up, and for each circle."""
    known, heights, found = modules(package), storeys(STOREYS), []
    graph = {name: sorted(set(imports(name, path, known)) - {name}) for name, path in known.items()}
    for name, targets in graph.items():
        for target in targets:
            if name and target and height_of(target, heights) > height_of(name, heights):
                names = (known[module].relative_to(package) for module in (name, target))
                found.append("{} imports {} above it".format(*names))
    done, path = set(), []

    def visit(name):
        if name in path:
            found.append(f"a circle: {' -> '.join([*path[path.index(name) :], name])}")
        elif name not in done:
            path.append(name)
            for target in graph[name]:
                if known[target].name != "__init__.py":  # a folder's face imports the files in it
                    visit(target)
            done.add(path.pop())

    for name in graph:
        visit(name)
    return found


def test_every_module_has_a_storey():
    heights = storeys(STOREYS)
    assert [name for name in modules(ROOT / "scratchcnn") if name and height_of(name, heights) is None] == []


def test_imports_point_down_and_form_no_circle():
    assert faults(ROOT / "scratchcnn") == []


@pytest.mark.parametrize(
    "file, line, message",
    [
        ("layers/dense.py", "from ..training import loop", "layers/dense.py imports training/loop.py above it"),
        ("ops/jit/runtime/launch.py", "from ....layers.base import Layer", "launch.py imports layers/base.py above it"),
        ("network/network.py", "def f():\n    from ..model import Sequential", "network.py imports model.py above it"),
        (
            "losses/use.py",
            "if TYPE_CHECKING:\n    from scratchcnn.model import Sequential",
            "losses/use.py imports model.py above it",
        ),
        ("history.py", "from .optimizers.base import Optimizer", "a circle: "),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, file, line, message):
    package = tmp_path / "scratchcnn"
    for name, path in modules(ROOT / "scratchcnn").items():
        copy = package / path.relative_to(ROOT / "scratchcnn")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8") if name else "", encoding="utf-8")
    for name, added in (("optimizers/base.py", "from ..history import History"), (file, line)):
        (package / name).write_text(f"{(package / name).read_text(encoding='utf-8')}\n{added}\n", encoding="utf-8")
    assert [fault for fault in faults(package) if message in fault]


def test_the_readme_shows_these_storeys():
    assert STOREYS.strip("\n") in (ROOT / "README.md").read_text(encoding="utf-8")
