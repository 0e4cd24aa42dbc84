"""How many threads pay: not as many as there are CPUs, but as this process may keep busy.

The operating system shows all CPUs of the machine. A container or a service may be given less of their time, by a quota
of its control group, and a process fewer of them, by its affinity mask: threads beyond that wait for each other. On a
CPU of fast and slow cores, such as Apple's and Intel's newer ones, the fast ones would wait for the slow ones.

numba counts CPUs and looks at the affinity mask. What it does not look at is here. ``loky``, which joblib counts with,
looks at the quota of the root control group only, which is that of a container, and at no kind of core.
"""

import ctypes
import ctypes.util
import os
import sys
from functools import cache
from pathlib import Path

from numba.core import config

FAST = 0.75  # of the capacity of the fastest core: those that are taken for fast
V1_CONTROLLERS = ("cpu,cpuacct", "cpu", "cpuacct,cpu")


@cache
def most_threads() -> int:
    """Return how many threads kernels run on at most.

    As many as there are CPUs in the affinity mask, or as ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS`` say if that is
    fewer. Where neither is set, no more than the quota of the control group, rounded, and on a CPU of several kinds of
    cores, no more than there are fast ones.
    """
    here = min(int(config.NUMBA_NUM_THREADS), len(available_cpus()))
    if "NUMBA_NUM_THREADS" in os.environ:
        return here
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) > 0:
        return min(here, int(wanted))
    limits = [here, fast_cores(available_cpus())]
    quota = cpu_quota()
    if quota is not None:
        limits.append(round(quota))
    return max(1, min(limits))


def available_cpus() -> set[int]:
    """Return the numbers of the CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many CPUs' time the control group of this process has, or None where it has no limit.

    A group has no more than those it lies in. https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu
    """
    quotas = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:  # version 2
            folders = [root / "sys/fs/cgroup"]
        elif "cpu" in controllers.split(","):
            folders = [root / "sys/fs/cgroup" / name for name in V1_CONTROLLERS]
        else:
            continue
        for folder in folders:
            quotas += [_quota_of(group) for group in _with_parents(folder, path)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _with_parents(folder: Path, path: str) -> list[Path]:
    """Return the folder of a group and those of the groups it lies in, as far as they can be seen from here."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [folder.joinpath(*parts[:count]) for count in range(len(parts) + 1)]


def _quota_of(group: Path) -> float | None:
    """Return the quota of one group, of version 2 or 1."""
    words = _text(group / "cpu.max").split() or [
        _text(group / "cpu.cfs_quota_us").strip(),
        _text(group / "cpu.cfs_period_us").strip(),
    ]
    if len(words) == 2 and all(word.isdecimal() and int(word) > 0 for word in words):  # "max" and -1 are no limit
        return int(words[0]) / int(words[1])
    return None


def fast_cores(cpus: set[int], root: Path = Path("/")) -> int:
    """Return how many of some CPUs are of the fastest kind there, or all of them where the system does not tell."""
    if sys.platform == "darwin":
        return _apples_fast_cores() or len(cpus)
    core = _cpu_list(_text(root / "sys/devices/cpu_core/cpus"))  # Intel's, which Linux lists by kind of core
    if core & cpus:
        return len(core & cpus)
    told = {cpu: _text(root / f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity").strip() for cpu in cpus}
    capacities = [int(text) for text in told.values() if text.isdecimal()]
    if len(capacities) < len(cpus):
        return len(cpus)
    return sum(capacity >= FAST * max(capacities) for capacity in capacities)


def _apples_fast_cores() -> int:
    """Return the number of performance cores of a Mac; 0 where all are the same."""
    count, size = ctypes.c_int(0), ctypes.c_size_t(4)
    system = ctypes.CDLL(ctypes.util.find_library("c"))
    failed = system.sysctlbyname(b"hw.perflevel0.logicalcpu", ctypes.byref(count), ctypes.byref(size), None, 0)
    return 0 if failed else count.value


def _cpu_list(text: str) -> set[int]:
    """Return the CPUs of a list as Linux writes it: 0-3,8."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            cpus |= set(range(int(first), int(last if last.isdecimal() else first) + 1))
    return cpus


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
