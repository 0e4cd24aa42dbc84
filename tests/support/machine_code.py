"""Machine code, as the text of an assembler: its innermost loops, and what they keep on the stack.

Both of x86 (AT&T syntax) and of Arm (AArch64), as LLVM writes it for ELF. A vector register that an addition or a
multiply-add has written last holds a *sum*; any other holds an *operand*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LABEL = re.compile(r"([.\w$]+):")
BRANCH = re.compile(r"(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s.*?(\.L\w+)$")
NEVER_GOES_ON = {"jmp", "jmpq", "b", "br", "ret", "retq", "ud2"}  # to the next instruction in the text
MULTIPLY_ADD = re.compile(r"(?:vfn?m(?:add|sub)\w+p[sd]|fml[as]) ")
ACCUMULATE = re.compile(r"(?:vfn?m(?:add|sub)231p[sd]|fml[as]) ")  # to the register that is written
SUM = re.compile(rf"{MULTIPLY_ADD.pattern}|(?:vadds?p?[sd]|fadd) ")
COPY = re.compile(r"(?:mov|vmov\w+) \S+, \S+$")
VECTOR = re.compile(r"%[xyz]mm(\d+)|\b([bhsdqv])(\d+)\b")
ADDRESS = re.compile(r"(-?\d*)\((%\w+).*?\)|\[(\w+)(?:, #(-?\d+))?.*?\]")
BYTES = {"b": 1, "h": 2, "s": 4, "d": 8}
FRAME_POINTERS = {"movq %rsp, %rbp": "%rbp", "mov x29, sp": "x29", "add x29, sp": "x29"}


class Loop(NamedTuple):
    """An innermost loop, one without another inside of it; how often it accesses the stack, and for what."""

    label: str
    multiply_adds: int  # of vectors
    accumulates: bool  # whether some vector register is only written by adding products to it
    sums: int
    operands: int
    addresses: int  # and other integers


def innermost_loops(assembly: str) -> Iterator[Loop]:
    """Yield the innermost loops of all functions, wherever in the text their parts are."""
    for function in re.split(r"^\s*\.cfi_startproc.*$", assembly, flags=re.MULTILINE)[1:]:
        lines = [" ".join(line.split()) for line in function.partition(".cfi_endproc")[0].splitlines()]
        frame = {
            register for begin, register in FRAME_POINTERS.items() if any(line.startswith(begin) for line in lines)
        }
        blocks, edges = _blocks(lines)
        for loop in _innermost(set(range(len(blocks))), edges):
            body = [line for block in loop for line in blocks[block]]
            label = next(found[1] for line in body if (found := LABEL.match(line)))
            yield _loop(label, body, {"%rsp", "sp", *frame})


def _blocks(lines: list[str]) -> tuple[list[list[str]], set[tuple[int, int]]]:
    """Cut a function before each label and after each branch; return the blocks, and which can follow which."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if LABEL.match(line) and blocks[-1]:
            blocks.append([])
        blocks[-1].append(line)
        if BRANCH.match(line) or line.split(" ")[0] in NEVER_GOES_ON:
            blocks.append([])
    of_label = {found[1]: n for n, block in enumerate(blocks) for line in block[:1] if (found := LABEL.match(line))}
    edges = set()
    for number, block in enumerate(blocks):
        last = block[-1] if block else ""
        if (branch := BRANCH.match(last)) and branch[1] in of_label:
            edges.add((number, of_label[branch[1]]))
        if last.split(" ")[0] not in NEVER_GOES_ON and number + 1 < len(blocks):
            edges.add((number, number + 1))
    return blocks, edges


def _innermost(blocks: set[int], edges: set[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield the loops that contain no other: without the ways back to its beginning, nothing of such a loop is one."""
    while blocks:
        block = min(blocks)
        loop = _reached(block, edges) & _reached(block, {(b, a) for a, b in edges})
        blocks = blocks - loop - {block}
        if loop:
            entries = {b for a, b in edges if b in loop and a not in loop} or {block}
            inside = {(a, b) for a, b in edges if a in loop and b in loop - entries}
            yield from list(_innermost(loop, inside)) or [sorted(loop)]


def _reached(block: int, edges: set[tuple[int, int]]) -> set[int]:
    """Return the blocks that come after one, itself only if it is in a loop."""
    reached: set[int] = set()
    todo = [block]
    after: dict[int, list[int]] = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
    while todo:
        new = set(after.get(todo.pop(), ())) - reached
        reached |= new
        todo += new
    return reached


def _loop(label: str, lines: list[str], stack: set[str]) -> Loop:
    """Follow the registers through the loop twice, since what a register holds in the beginning is known in the end."""
    sums: set[object] = set()  # numbers of registers, and places on the stack
    other: set[object] = set()
    for _ in range(2):
        counts = {"sums": 0, "operands": 0, "addresses": 0}
        for line in lines:
            registers = [(int(x86 or arm), BYTES.get(kind, 16)) for x86, kind, arm in VECTOR.findall(line)]
            place = _place(line, stack)
            if place is not None and not registers:
                counts["addresses"] += 1
            if not registers:
                continue
            if _is_store(line):
                for number, size in registers if place is not None else ():
                    counts["sums" if number in sums else "operands"] += 1
                    (sums.add if number in sums else sums.discard)(("stack", place))
                    place += size
                continue
            arm = not line.rpartition("%")[1]
            written = registers[: 2 if line.startswith("ldp") else 1] if arm else registers[-1:]
            for number, size in written:
                from_stack = place is not None and ("stack", place) in sums
                if place is not None:
                    counts["sums" if from_stack else "operands"] += 1
                    place += size
                copied = COPY.match(line) and any(source in sums for source, _ in registers if source != number)
                is_sum = bool(SUM.match(line)) or from_stack or copied
                (sums.add if is_sum else sums.discard)(number)
                if not ACCUMULATE.match(line):
                    other.add(number)
    added = {number for number in sums if isinstance(number, int)} - other
    multiply_adds = sum(bool(MULTIPLY_ADD.match(line)) for line in lines)
    return Loop(label, multiply_adds, bool(added), **counts)


def _place(line: str, stack: set[str]) -> int | None:
    """Return the offset of the address on the stack that an instruction has, or None where it has none."""
    for offset, base, arm_base, arm_offset in ADDRESS.findall(line):
        if (base or arm_base) in stack and not line.startswith("lea"):
            return int(offset or arm_offset or 0)
    return None


def _is_store(line: str) -> bool:
    return line.endswith(")") if "%" in line else line.startswith("st")
