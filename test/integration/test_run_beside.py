"""
test_run_beside.py - `s3mounts run` beside others: another `run`, mounts that stood before, drivers that die while CMD runs.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import pytest

from support import proc, procfs

FAULT = 8


@contextlib.contextmanager
def running(sandbox, name="one", options=(), under=()):
    """`run` with a mount at NAME around a CMD that waits for a line, then writes. Gives the Popen, once CMD runs."""
    spec = f"--mount={sandbox.prefixes[0]}/{name}:{sandbox.mnt}/{name}"
    script = f"echo ready; read -r _; echo of {name} > {sandbox.mnt}/{name}/file"
    child = subprocess.Popen([*under, *sandbox.argv("run", spec, *options, "sh", "-c", script)], env=sandbox.env, cwd="/", text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert child.stdout.readline() == "ready\n", child.communicate()
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def ends(child, code=0):
    """Lets CMD write and end; gives what was said."""
    _, err = child.communicate("\n", timeout=40)
    assert child.returncode == code, err
    return err


def stored(sandbox, name):
    return sandbox.get(f"{sandbox.prefixes[0]}/{name}/file")


def test_a_second_one_has_the_run_folder_of_the_first(sandbox):
    """It is refused at once, and names it: its end would take the mounts of both down. In a folder of its own it runs."""
    with running(sandbox) as first:
        for name in ("one", "two"):
            second = sandbox.s3mounts("run", f"--mount={sandbox.prefixes[0]}/{name}:{sandbox.mnt}/{name}", "--", "true")
            assert second.code == FAULT and f"another s3mounts run (process {first.pid})" in second.err, second
            assert "--run-dir" in second.err and second.seconds < 5, second
        folder = sandbox.run
        sandbox.run = sandbox.folder / "other"
        with running(sandbox, "two") as other:
            ends(other)
        sandbox.run = folder
        assert [m[0] for m in sandbox.mounts()] == [f"{sandbox.mnt}/one"]
        ends(first)
    assert (stored(sandbox, "one"), stored(sandbox, "two")) == (b"of one\n", b"of two\n") and sandbox.mounts() == []
    with running(sandbox) as again:
        ends(again)


@pytest.mark.parametrize("shared", [False, True], ids=["beside", "shared"])
def test_what_stood_before_stays(sandbox, shared):
    """Of `up`. Where it is of the plan it is flushed, and told."""
    sandbox.up(f"--mount={sandbox.prefixes[0]}/one:{sandbox.mnt}/one")
    before = sandbox.drivers()
    with running(sandbox, "one" if shared else "two") as child:
        err = ends(child)
    assert ("stood before this run: flushed, and left mounted" in err) == shared, err
    assert stored(sandbox, "one" if shared else "two").startswith(b"of ")
    assert [m[0] for m in sandbox.mounts()] == [f"{sandbox.mnt}/one"] and sandbox.drivers() == before
    assert [m["state"] for m in sandbox.status()["mounts"]] == ["up"], "the other one is not known any more"
    sandbox.down()
    assert procfs.all_mounts(sandbox.folder) == []


def test_what_an_earlier_one_could_not_take_down_is_this_ones(sandbox):
    with open_in(sandbox) as held, running(sandbox, options=["--stop-timeout=4"]) as child:
        held()
        assert "is in use" in ends(child, 6)
    assert len(sandbox.mounts()) == 1
    with running(sandbox) as again:
        assert "stood before" not in ends(again)
    assert sandbox.mounts() == [] and sandbox.leftovers(patience=2) == []


@contextlib.contextmanager
def open_in(sandbox):
    """Gives what opens the mount's folder, from this process."""
    fds = []
    try:
        yield lambda: fds.append(os.open(sandbox.mnt / "one", os.O_RDONLY))
    finally:
        for fd in fds:
            os.close(fd)


# A driver that dies while CMD runs


def read_line(child, until):
    """Of stderr, with a deadline that the test's own alarm keeps."""
    while until not in (line := child.stderr.readline()):
        assert line, "the end of stderr"
    return line


def mount_line(sandbox, rest):
    return rf"s3mounts: mount {sandbox.mnt}/one: {rest}\n"


def test_a_driver_that_dies_is_told_and_that_it_is_back(sandbox):
    with running(sandbox) as child:
        for _ in range(2):
            driver, = sandbox.drivers_of(sandbox.mnt / "one")
            os.kill(driver, signal.SIGKILL)
            died = read_line(child, "killed by signal 9")
            assert re.fullmatch(mount_line(sandbox, r"the driver \(rclone\) was killed by signal 9[^(]*: started again.*"), died), died
            back = read_line(child, "up again")
            assert re.fullmatch(mount_line(sandbox, r"up again after \d+ ms"), back), back
        assert ends(child) == ""
    assert stored(sandbox, "one") == b"of one\n"


def memory_events():
    """Where the kernel would keep the counter of this process's cgroup."""
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    path, = [line[3:] for line in lines if line.startswith("0::/")]
    return f"/sys/fs/cgroup{path.rstrip('/')}/memory.events"


COUNTER = 'mount -t tmpfs none /sys/fs/cgroup && mkdir -p "$(dirname "$0")" && echo "oom_kill 4" > "$0" && exec "$@"'


def test_that_the_memory_limit_has_killed_it_is_told_where_the_kernel_counts_that(sandbox):
    events = memory_events()
    under = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", COUNTER, events]
    with running(sandbox, under=under) as child:
        counter = pathlib.Path(f"/proc/{child.pid}/root{events}")
        driver, = sandbox.drivers_of(sandbox.mnt / "one")
        counter.write_text("low 0\noom 6\noom_kill 6\noom_group_kill 0\n")
        os.kill(driver, signal.SIGKILL)
        died = read_line(child, "killed by signal 9")
        assert "signal 9 (the memory limit: oom_kill in memory.events has risen by 2)" in died, died
        read_line(child, "up again")
        ends(child)
