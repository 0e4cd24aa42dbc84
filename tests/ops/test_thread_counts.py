"""How many threads kernels run on: what the system gives this process, not what the machine has."""

import pytest

from support.marks import without_numba

pytestmark = without_numba


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a.slice/b.service\n",
                "sys/fs/cgroup/a.slice/cpu.max": "100000 100000\n",
                "sys/fs/cgroup/a.slice/b.service/cpu.max": "400000 100000\n",
            },
            1.0,  # a group has no more than the one it lies in
        ),
        (
            {
                # the path is that outside of the container
                "proc/self/cgroup": "3:memory:/x\n4:cpu,cpuacct:/docker/1234\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/x\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "nonsense\n0::\n\n", "sys/fs/cgroup/cpu.max": "0 0\n"}, None),
    ],
)
def test_the_quota_of_the_control_group_is_found(tmp_path, files, quota):
    from scratchcnn.ops.jit.runtime.cpus import cpu_quota

    write(tmp_path, files)
    assert cpu_quota(tmp_path) == quota


def test_only_fast_cores_count_where_there_are_several_kinds(tmp_path):
    from scratchcnn.ops.jit.runtime.cpus import fast_cores

    assert fast_cores(set(range(6)), tmp_path) == 6  # nothing is known
    write(
        tmp_path, {f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": f"{446 if cpu < 4 else 1024}\n" for cpu in range(6)}
    )
    assert fast_cores(set(range(6)), tmp_path) == 2  # a telephone, or a Raspberry Pi's bigger relatives
    assert fast_cores({0, 1, 2}, tmp_path) == 3  # of those that this process may use, all the same
    write(tmp_path, {"sys/devices/cpu_core/cpus": "0-3\n", "sys/devices/cpu_atom/cpus": "4-11\n"})
    assert fast_cores(set(range(12)), tmp_path) == 4
    assert fast_cores({2, 3, 4, 5}, tmp_path) == 2


@pytest.fixture
def eight_cpus(monkeypatch):
    """A machine of eight equal CPUs without a quota, where no variable is set."""
    from scratchcnn.ops.jit.runtime import cpus

    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cpus.config, "NUMBA_NUM_THREADS", 8)
    monkeypatch.setattr(cpus, "available_cpus", lambda: set(range(8)))
    monkeypatch.setattr(cpus, "fast_cores", len)
    monkeypatch.setattr(cpus, "cpu_quota", lambda: None)
    return cpus


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({}, 8),
        ({"NUMBA_NUM_THREADS": "8", "OMP_NUM_THREADS": "1"}, 8),  # numba's own counts
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "2,4"}, 2),  # of the outermost level
        ({"OMP_NUM_THREADS": "99"}, 8),
        ({"OMP_NUM_THREADS": "many"}, 8),
    ],
)
def test_environment_variables_decide_how_many_threads_there_are(eight_cpus, monkeypatch, variables, most):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert eight_cpus.most_threads.__wrapped__() == most


@pytest.mark.parametrize(("quota", "most"), [(1.0, 1), (0.2, 1), (2.6, 3), (64.0, 8)])
def test_there_are_no_more_threads_than_the_quota_keeps_busy(eight_cpus, monkeypatch, quota, most):
    monkeypatch.setattr(eight_cpus, "cpu_quota", lambda: quota)
    assert eight_cpus.most_threads.__wrapped__() == most


def test_there_are_no_more_threads_than_cpus(eight_cpus, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "8")
    monkeypatch.setattr(eight_cpus, "available_cpus", lambda: {3, 5})
    assert eight_cpus.most_threads.__wrapped__() == 2


def test_slow_cores_get_no_threads(eight_cpus, monkeypatch):
    monkeypatch.setattr(eight_cpus, "fast_cores", lambda cpus: 6)
    assert eight_cpus.most_threads.__wrapped__() == 6
