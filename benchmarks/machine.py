"""What the numbers were measured on: the processor, its cores, the memory, and how busy the machine was."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path

BUSY = 0.1  # of the processor time, used by other programs: measurements are worthless from here on


def cpu_name() -> str:
    """Return the processor's name, as good as the system knows it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def vector_width() -> tuple[str, int]:
    """Return the name of the widest vector instructions and how many float32 they hold."""
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    for feature, name, lanes in (("avx512f", "AVX-512", 16), ("avx2", "AVX2", 8), ("neon", "NEON", 4)):
        if features.get(feature):
            return name, lanes
    return "128-bit vectors", 4


def available_cpus() -> list[int]:
    """Return the CPUs that this process may use, one of each physical core first, their hyper-threads after them."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    first, siblings, seen = [], [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            core = tuple((topology / name).read_text() for name in ("physical_package_id", "core_id"))
        except OSError:
            core = (str(cpu),)
        (siblings if core in seen else first).append(cpu)
        seen.add(core)
    return first + siblings


def memory_bytes() -> int:
    """Return the size of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def used_by_others(seconds: float = 0.5) -> float:
    """Return the share of all processor time that somebody uses while we sleep, 0 where the system does not tell.

    The load average will not do: it remembers what we did ourselves a minute ago.
    """
    if not Path("/proc/stat").exists():
        return 0.0

    def ticks() -> tuple[int, int]:
        numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]  # idle, and waiting for a disk

    before = ticks()
    time.sleep(seconds)
    total, idle = (now - then for now, then in zip(ticks(), before, strict=True))
    return 1 - idle / total if total else 0.0


def describe() -> list[str]:
    """Return the machine as lines of text."""
    instructions, _ = vector_width()
    busy = used_by_others()
    lines = [
        f"{cpu_name()}, {len(available_cpus())} CPUs, {instructions}, {memory_bytes() / 2**30:.0f} GiB of memory",
        f"{platform.system()}, Python {platform.python_version()}",
    ]
    if busy > BUSY:
        lines.append(f"**do not trust these numbers: other programs used {busy:.0%} of the machine meanwhile**")
    return lines


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages of this environment."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
