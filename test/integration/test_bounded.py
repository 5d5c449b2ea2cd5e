"""
test_bounded.py - no command waits longer than it may, for whomever: a reader, a lock, a supervisor that is stopped, a cache that is large; and what
it could not find out by then it does not call done.
"""

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import time

import pytest

from support import proc, procfs
from support.wire import Wire

PENDING, FAULT = 7, 8
DIRTY = '{"Dirty": true}'


def supervisor(sandbox):
    return sandbox.status()["supervisor"]["pid"]


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not any(map(procfs.alive, pids)), 5, "their end")


def leave(sandbox, name="file"):
    """A file of an earlier run, as its driver has left it; gives its folder."""
    folder = sandbox.cache / ("0" * 32) / f"vfsMeta/s3mounts/{sandbox.server.bucket}/threads/{sandbox.thread}-left"
    folder.mkdir(parents=True)
    (folder / name).write_text(DIRTY)
    return folder


# What is said of mounts that are not through


def test_left_is_called_uploaded_only_where_that_is_proven(sandbox):
    """Another supervisor has taken the mounts over: they are not left any more, and not in S3 either."""
    with Wire(sandbox.server.port, sandbox.folder, most=60) as wire:
        sandbox.env["S3_ENDPOINT_URL"] = wire.endpoint
        answer = sandbox.up()
        os.listdir(sandbox.targets[0])
        wire.freeze()
        (sandbox.targets[0] / "file").write_text("x")
        time.sleep(0.3)
        kill(answer["supervisor"]["pid"], *[m["pid"] for m in answer["mounts"]])
        for target, _, _ in reversed(sandbox.mounts()):
            proc.run(["umount", "-l", target])
        flush = sandbox.s3mounts("flush", "--left", "--json", "--timeout", "3")
        assert flush.code != 0 and flush.json["uploaded"] == [] and "uploaded" not in flush.err, flush
        wire.thaw()
        sandbox.up()
        sandbox.down()


def test_a_mount_that_still_stands_is_not_told_as_gone(sandbox):
    target = sandbox.mnt / "one"
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{target}")
    with open(target / "written", "w", encoding="ascii"):
        pass
    inside = subprocess.Popen(["sleep", "60"], cwd=target)
    try:
        assert "all of it is in S3" in sandbox.s3mounts("flush").err
        down = sandbox.s3mounts("down", "--timeout", "2")
        assert down.code == 6 and "nothing is pending now; it still stands" in down.err, down
        assert "all of it is in S3" not in down.err, down
    finally:
        inside.kill()
        inside.wait()


# Whom a command waits for


@contextlib.contextmanager
def unread_pipe():
    """Gives its end to write to, and a function that fills it."""
    read, write = os.pipe()

    def fill():
        with open(f"/proc/self/fd/{read}", "wb", buffering=0, opener=lambda path, _: os.open(path, os.O_WRONLY | os.O_NONBLOCK)) as more:
            for size in (4096, 1):
                while more.write(b"x" * size) is not None:
                    pass

    yield write, fill
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("command", ["start", "run"])
def test_nobody_reads_what_it_says_at_its_end(sandbox, command):
    leave(sandbox)
    with unread_pipe() as (stderr, fill):
        behind = ["--", "/bin/sleep", "60"] if command == "run" else []
        child = subprocess.Popen(sandbox.argv(command, "--cache-dir", sandbox.cache, *sandbox.specs, *behind), env=sandbox.env, cwd="/",
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
            fill()
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=15) == (128 + signal.SIGTERM if command == "run" else PENDING)
        finally:
            child.kill()
            child.wait()
            shutil.rmtree(sandbox.cache)


def test_a_supervisor_that_is_stopped(sandbox):
    sandbox.up()
    pid = supervisor(sandbox)
    os.kill(pid, signal.SIGSTOP)
    try:
        for command in ["status", "ready"]:
            result = sandbox.s3mounts(command)
            assert result.code == FAULT and result.seconds < 8, result
            assert f"(process {pid}) of {sandbox.run} does not answer" in result.err and f"kill -CONT {pid}" in result.err, result
    finally:
        os.kill(pid, signal.SIGCONT)


def test_whoever_holds_the_lock_is_frozen(sandbox):
    sandbox.up()
    kill(supervisor(sandbox))
    with open(sandbox.run / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        down = sandbox.s3mounts("down", "--timeout", "2", timeout=10)
        assert down.code == FAULT and "lock: held by another process" in down.err, down


def test_the_time_goes_on_where_the_supervisor_dies(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.targets[0])
        pid = supervisor(sandbox)
        wire.freeze()
        (sandbox.targets[0] / "file").write_text("x")
        begun = time.monotonic()
        down = sandbox.start("down", "--timeout", "6")
        time.sleep(4)
        kill(pid)
        result = sandbox.finish(down)
        assert result.code != 0 and time.monotonic() - begun < 8.5, result  # 10 where it began anew
        wire.thaw()
        sandbox.down("--timeout", "40")


def test_the_picture_on_a_terminal_does_not_delay_the_answer(sandbox):
    """Drivers that hang: each look at how things are takes its second. The answer comes 1 s after the time of `down`, in the middle of one."""
    sandbox.up()
    holder = subprocess.Popen(["sh", "-c", f"echo x >'{sandbox.targets[0]}/open'; exec 3>>'{sandbox.targets[0]}/open'; echo x >&3; exec sleep 60"])
    proc.wait_for(lambda: procfs.command_line(holder.pid).startswith(b"sleep"), 5, "the open file")
    drivers = [m["pid"] for m in sandbox.status()["mounts"]]
    here, there = pty.openpty()
    for pid in drivers:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        down = subprocess.Popen(sandbox.argv("down", "--timeout", "3"), env=sandbox.env, stdin=there, stdout=there, stderr=there, cwd="/")
        down.wait(timeout=20)
        assert time.monotonic() - begun < 4.4  # 4.8 behind the look
    finally:
        for pid in drivers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        holder.kill()
        holder.wait()
        os.close(here)
        os.close(there)
