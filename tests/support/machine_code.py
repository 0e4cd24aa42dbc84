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

    @property
    def stack_accesses(self) -> int:
        return self.sums + self.operands + self.addresses


def innermost_loops(assembly: str) -> Iterator[Loop]:
    """Yield the innermost loops of all functions: each is what lies between a label and the last branch back to it."""
    for function in re.split(r"^\s*\.cfi_startproc.*$", assembly, flags=re.MULTILINE)[1:]:
        lines = [" ".join(line.split()) for line in function.splitlines()]
        frame = {
            register for begin, register in FRAME_POINTERS.items() if any(line.startswith(begin) for line in lines)
        }
        labels = {found[1]: number for number, line in enumerate(lines) if (found := LABEL.match(line))}
        ends: dict[str, int] = {}
        for number, line in enumerate(lines):
            branch = BRANCH.match(line)
            if branch and labels.get(branch[1], number) < number:
                ends[branch[1]] = number
        loops = {(labels[label], end) for label, end in ends.items()}
        for label, end in ends.items():
            begin = labels[label]
            if not any(begin <= a and b <= end for a, b in loops - {(begin, end)}):
                yield _loop(label, lines[begin : end + 1], {"%rsp", "sp", *frame})


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
