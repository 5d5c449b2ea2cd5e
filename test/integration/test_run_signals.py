"""
test_run_signals.py - `s3mounts run -- CMD` as the process that a supervisor, a shell or a container engine talks to: signals go
to CMD, orphans are reaped, what CMD leaves behind is ended before the mounts go. As PID 1 and as any other process.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from support import proc, procfs
from support.wire import Wire

# Says "ready" and the name of each signal that it gets; SIGUSR1 ends it. argv: the numbers that it takes.
LISTENER = """
import os, signal, sys
took = set(map(int, sys.argv[1:]))
signal.pthread_sigmask(signal.SIG_BLOCK, took)
print("ready", os.getpid(), flush=True)
while (number := signal.sigwait(took)) != signal.SIGUSR1:
    print(int(number), flush=True)
print("ends", flush=True)
sys.exit(21)
"""
WHERE = ["subreaper", "pid 1"]


class Running:
    """`run` with one mount around CMD. `pid` is run's own, as seen from here; `cmd` that of CMD. A `with` ends both."""

    def __init__(self, sandbox, *cmd, where="subreaper", options=(), **more):
        self.mount = sandbox.mnt / "one"
        argv = sandbox.argv("run", f"--mount={sandbox.prefixes[0]}:{self.mount}", *options, "--", *cmd)
        if where == "pid 1":
            argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "unchanged", *argv]
        self.child = subprocess.Popen(argv, **{
            "env": sandbox.env, "cwd": "/", "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
            "text": True, **more})
        self.pid = self.child.pid
        if where == "pid 1":
            self.pid, = proc.wait_for(lambda: procfs.children(self.child.pid), 10, "the namespace")

    def line(self):
        return self.child.stdout.readline().rstrip("\n")

    def until_ready(self):
        words = self.line()
        assert words.startswith("ready"), (words, self.child.poll() is not None and self.child.stderr.read())
        return self

    @property
    def cmd(self):
        """The only child of run that leads a process group in run's session."""
        here = procfs.session(self.pid)
        found = [pid for pid in procfs.children(self.pid) if procfs.session(pid) == here and procfs.group(pid) == pid]
        assert len(found) == 1, [procfs.command_line(pid) for pid in found]
        return found[0]

    def kill(self, number):
        os.kill(self.pid, number)

    def ends(self, code, timeout=40):
        out, err = self.child.communicate(timeout=timeout)
        assert self.child.returncode == code, (self.child.returncode, out, err)
        return out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.child.kill()
            self.child.communicate()


def listener(sandbox, *numbers, **more):
    return Running(sandbox, sys.executable, "-c", LISTENER, *map(int, [*numbers, signal.SIGUSR1]), **more)


# Signals


OWN = [signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1]
OF_MUSL = signal.SIGRTMIN  # glibc's first, which musl keeps for itself
ALL = [number for number in signal.valid_signals() if number not in [*OWN, OF_MUSL]]


def tell_each(sandbox, numbers, where):
    with listener(sandbox, *numbers, where=where) as running:
        running.until_ready()
        for number in numbers:
            running.kill(number)
            assert running.line() == str(int(number))
        running.kill(signal.SIGUSR1)
        assert running.line() == "ends"
        running.ends(21)
    assert sandbox.leftovers(patience=2) == []


@pytest.mark.both
@pytest.mark.parametrize("where", WHERE)
def test_signals_go_to_cmd(sandbox, where):
    tell_each(sandbox, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2, signal.SIGWINCH], where)


@pytest.mark.parametrize("where", WHERE)
def test_every_signal_goes_to_cmd(sandbox, where):
    """Those too that say that a program is broken, or stop it, and the real-time ones. (qemu keeps some for itself.)"""
    tell_each(sandbox, ALL, where)


@pytest.mark.both
@pytest.mark.parametrize("where", WHERE)
def test_data_after_sigterm_is_in_s3(sandbox, where):
    """What a container engine does to end it; CMD dies of it."""
    last = f"echo last > {sandbox.mnt}/one/last; trap - TERM; kill -TERM $$"
    script = f'trap "{last}" TERM; echo ready; while :; do sleep 0.1; done'
    with Running(sandbox, "sh", "-c", script, where=where) as running:
        running.until_ready()
        running.kill(signal.SIGTERM)
        running.ends(128 + signal.SIGTERM)
    assert sandbox.get(f"{sandbox.prefixes[0]}/last") == b"last\n" and sandbox.leftovers(patience=2) == []


STUBBORN = "trap '' TERM; exec 3> {file}; echo open >&3; echo ready; while :; do read -r _ || sleep 0.1; echo on >&3; done"


@pytest.mark.parametrize("where", WHERE)
def test_a_cmd_that_ignores_sigterm_is_killed_after_a_third(sandbox, where):
    """It goes on until then, and the mounts stay. What it had open is in S3."""
    begin = time.monotonic()
    with Running(sandbox, "sh", "-c", STUBBORN.format(file=sandbox.mnt / "one/file"), where=where,
                 options=["--stop-timeout=6"]) as running:
        running.until_ready()
        for _ in range(3):
            running.kill(signal.SIGTERM)
        running.child.stdin.write("\n")
        running.child.stdin.flush()
        _, err = running.ends(128 + signal.SIGKILL)
    assert 2 < time.monotonic() - begin
    assert re.search(r"run: sh \(pid \d+\) has not ended 2000 ms after SIGTERM, a third of --stop-timeout: killed\n", err), err
    assert sandbox.get(f"{sandbox.prefixes[0]}/file").startswith(b"open\non\n") and sandbox.leftovers(patience=2) == []


@pytest.fixture
def wire(sandbox, tmp_path):
    with Wire(sandbox.server.port, tmp_path) as one:
        sandbox.env["S3_ENDPOINT_URL"] = one.endpoint
        yield one


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_mounts_waits_for_cmd(sandbox, wire, where, number):
    wire.freeze()
    with Running(sandbox, "sleep", "60", where=where) as running:
        proc.wait_for((sandbox.run / "control").exists, 10, "the supervisor")
        running.kill(number)
        time.sleep(0.5)
        assert running.child.poll() is None
        wire.thaw()
        running.ends(128 + number)
    assert sandbox.leftovers(patience=2) == []


def test_a_signal_while_it_mounts_is_kept_for_a_cmd_that_waits_for_it(sandbox, wire):
    """CMD gets it, not its exec: a caller that blocks it hands that on."""
    wire.freeze()
    script = "import signal; print('got', int(signal.sigwait([15])), flush=True)"
    with Running(sandbox, sys.executable, "-c", script,
                 preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])) as running:
        proc.wait_for((sandbox.run / "control").exists, 10, "the supervisor")
        running.kill(signal.SIGTERM)
        wire.thaw()
        assert running.line() == "got 15"
        running.ends(0)


@pytest.mark.parametrize("where", WHERE)
def test_a_signal_after_cmd_does_not_stop_the_flush(sandbox, wire, where):
    with Running(sandbox, "sh", "-c", f"ls {sandbox.mnt}/one; echo ready; read -r _; echo late > {sandbox.mnt}/one/late",
                 where=where) as running:
        running.until_ready()
        cmd = running.cmd
        wire.freeze()
        running.child.stdin.write("\n")
        running.child.stdin.flush()
        proc.wait_for(lambda: not procfs.alive(cmd), 10, "the end of CMD")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            running.kill(number)
        time.sleep(0.5)
        assert running.child.poll() is None
        wire.thaw()
        running.ends(0)
    assert sandbox.get(f"{sandbox.prefixes[0]}/late") == b"late\n"


# Process groups, stopped and continued


def test_cmd_has_a_group_of_its_own_in_the_callers_session(sandbox):
    with listener(sandbox) as running:
        cmd = running.until_ready().cmd
        assert procfs.group(cmd) == cmd != procfs.group(running.pid) == os.getpgrp()
        assert procfs.session(cmd) == procfs.session(running.pid) == os.getsid(0)
        running.kill(signal.SIGUSR1)
        running.ends(21)


def state(pid, *wanted):
    proc.wait_for(lambda: procfs.state(pid) in wanted, 10, f"state {wanted} of {pid}")


@pytest.mark.both
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_stopped_with_cmd_and_continued(sandbox, number):
    """Whoever waits for `run` as a shell does sees it stopped, and SIGCONT to it continues CMD."""
    with Running(sandbox, "sh", "-c", "echo ready; read -r _; exit 5", process_group=0) as running:
        cmd = running.until_ready().cmd
        for _ in range(2):
            os.kill(cmd, number)
            state(cmd, "T")
            state(running.pid, "T")
            running.kill(signal.SIGCONT)
            state(running.pid, "S")
            state(cmd, "S")
        running.child.stdin.write("\n")
        running.ends(5)


@pytest.mark.parametrize("where", ["orphaned", "pid 1"])
def test_it_does_not_stop_where_nobody_could_continue_it(sandbox, where):
    with Running(sandbox, "sh", "-c", "echo ready; read -r _; exit 5", where=where, start_new_session=True) as running:
        cmd = running.until_ready().cmd
        os.kill(cmd, signal.SIGSTOP)
        state(cmd, "T")
        time.sleep(0.5)
        assert procfs.state(running.pid) == "S"
        os.kill(cmd, signal.SIGCONT)
        running.child.stdin.write("\n")
        running.ends(5)


# Orphans


ORPHANS = """
import glob, os, sys, time
reaper, count = os.getppid(), 30
read, write = os.pipe()
for n in range(count):
    if os.fork() == 0:
        father = os.getpid()
        if os.fork() == 0:
            while os.getppid() == father:
                time.sleep(0.01)
            os.write(write, b"1" if os.getppid() == reaper else b"0")
        os._exit(0)
    os.wait()
os.close(write)
heirs = b""
while piece := os.read(read, 100):
    heirs += piece

def zombies():
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            state, parent = open(path).read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(parent) == reaper:
            found.append(path)
    return found

deadline = time.monotonic() + 10
while zombies() and time.monotonic() < deadline:
    time.sleep(0.05)
print("ready", heirs.count(b"1"), len(zombies()), flush=True)
sys.stdin.readline()
"""


@pytest.mark.both
@pytest.mark.parametrize("where", WHERE)
def test_orphans_are_reaped_while_cmd_runs(sandbox, where, architecture):
    with Running(sandbox, sys.executable, "-c", ORPHANS, where=where) as running:
        heirs = 0 if architecture == "aarch64" and where == "subreaper" else 30  # qemu does not know PR_SET_CHILD_SUBREAPER
        assert running.line() == f"ready {heirs} 0", "orphans that came to run, zombies"
        running.child.stdin.write("\n")
        running.ends(0)
    assert sandbox.leftovers(patience=2) == []


def test_an_orphans_status_is_not_cmds(sandbox):
    script = "(sh -c 'sleep 0.2; exit 9' &); echo ready; sleep 1; exit 6"
    with Running(sandbox, "sh", "-c", script) as running:
        running.ends(6)


# What CMD leaves behind


LEFT = """
import os, signal, sys, time
file, on_term, group = sys.argv[1:]
if os.fork():
    time.sleep(0.5)
    os._exit(0)
if group == "own":
    os.setsid()
out = open(file, "wb", 0)
out.write(b"begun ")
if on_term == "stays":
    out.close()
    os.chdir(os.path.dirname(file))

def term(*_):
    out.write(b"told to end")
    os._exit(0)

signal.signal(signal.SIGTERM, term if on_term == "ends" else signal.SIG_IGN)
for fd in range(3):
    os.close(fd)
while on_term == "writes":
    out.write(b"on ")
    time.sleep(0.05)
time.sleep(60)
"""


def left_behind(sandbox, *words, **more):
    return Running(sandbox, sys.executable, "-c", LEFT, sandbox.mnt / "one/file", *words, **more)


def daemons(sandbox):
    return [pid for pid in sandbox.processes() if procfs.command_line(pid).startswith(sys.executable.encode())]


def assert_told_to_end(sandbox, where):
    with left_behind(sandbox, "ends", "cmd", where=where) as running:
        assert running.ends(0)[1].count("\n") == 1
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"begun told to end" and sandbox.leftovers(patience=2) == []


@pytest.mark.both
def test_the_rest_is_told_to_end_by_pid_1(sandbox):
    """And what it writes on that is in S3."""
    assert_told_to_end(sandbox, "pid 1")


def test_the_rest_is_told_to_end_by_a_subreaper(sandbox):
    """(qemu has no PR_SET_CHILD_SUBREAPER.)"""
    assert_told_to_end(sandbox, "subreaper")


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("on_term, group", [("ignores", "cmd"), ("stays", "own"), ("writes", "own")])
def test_who_does_not_end_is_killed(sandbox, where, group, on_term):
    """In CMD's group or in a session of its own; with a file that is open, or written to without an end, or only sitting there. It is named."""
    with left_behind(sandbox, on_term, group, where=where, options=["--stop-timeout=3"]) as running:
        _, err = running.ends(0)
    assert re.fullmatch(r"s3mounts: 1 of 1 .*\ns3mounts: run: left behind by the command and not ended by SIGTERM: "
                        r"python3\S* \(pid \d+\): killed\n", err), err
    assert sandbox.get(f"{sandbox.prefixes[0]}/file").startswith(b"begun ") and sandbox.leftovers(patience=2) == []


def test_who_has_left_the_group_is_told_to_end(sandbox):
    with left_behind(sandbox, "ends", "own") as running:
        assert running.ends(0)[1].count("\n") == 1
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"begun told to end" and sandbox.leftovers(patience=2) == []


ENTER = ["nsenter", "--pid", "--mount", "--target"]


@pytest.mark.parametrize("where", WHERE)
def test_who_is_no_descendant(sandbox, where):
    """Process 1 ends its namespace: also who was brought into it from outside. Another process is not touched: its file is open, and told."""
    holds = f"exec 3> {sandbox.mnt}/one/held && trap '' TERM && echo held >&3 && echo holds && while :; do sleep 0.1; done"
    with Running(sandbox, "sh", "-c", "echo ready; read -r _", where=where, options=["--stop-timeout=4"]) as running:
        running.until_ready()
        enter = [*ENTER, str(running.pid)] if where == "pid 1" else []
        with subprocess.Popen([*enter, "sh", "-c", holds], stdout=subprocess.PIPE) as stranger:
            assert stranger.stdout.readline() == b"holds\n"
            running.child.stdin.write("\n")
            _, err = running.ends(0 if where == "pid 1" else 7)
            ended = proc.wait_for(lambda: stranger.poll() is not None, 5, "its end") if where == "pid 1" else stranger.poll()
            stranger.kill()
    assert bool(ended) == (where == "pid 1") and ("not in S3 yet: held" in err) == (where != "pid 1"), err
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/held") == b"held\n"


@pytest.mark.parametrize("where", WHERE)
def test_the_drivers_are_spared_also_without_a_supervisor(sandbox, where):
    """They belong to nobody then, as what CMD has left behind; but they have files to upload, and another supervisor takes them over."""
    script = f"setsid sh -c 'trap \"\" TERM; echo ready; sleep 60' & read -r _; echo late > {sandbox.mnt}/one/file; exit 3"
    with Running(sandbox, "sh", "-c", script, where=where, options=["--stop-timeout=4"]) as running:
        running.until_ready()
        driver, = sandbox.drivers_of(running.mount)
        os.kill(procfs.parent(driver), signal.SIGKILL)
        proc.wait_for(lambda: procfs.parent(driver) == running.pid, 5, "run to be its parent")
        running.child.stdin.write("\n")
        _, err = running.ends(3)
    assert "rclone" not in err and "killed" in err, err
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"late\n" and sandbox.leftovers(patience=2) == []


# What process 1 leaves behind


def in_cache_alone(sandbox, wire):
    """What process 1 could not flush: the keys are gone with it, and the next one uploads the file."""
    assert not (sandbox.run / "rclone.conf").exists()
    assert sandbox.s3mounts("flush", "--left", "--cache-dir", sandbox.cache, env={"S3_ENDPOINT_URL": wire.endpoint}).code == 0
    assert sandbox.get(f"{sandbox.prefixes[0]}/late") == b"late"


@pytest.mark.parametrize("rclone", ["current"], indirect=True)
@pytest.mark.parametrize("hangs", [False, True])
def test_what_process_1_cannot_flush_is_in_the_cache(sandbox, rclone, hangs):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.env["S3_ENDPOINT_URL"] = wire.endpoint
        with Running(sandbox, "sh", "-c", "echo ready; read -r _", where="pid 1", options=["--stop-timeout=2"]) as running:
            driver, = sandbox.drivers_of(running.until_ready().mount)
            wire.freeze()
            pathlib.Path(f"/proc/{running.pid}/root{running.mount}/late").write_text("late")
            if hangs:
                os.kill(driver, signal.SIGSTOP)
            running.child.stdin.write("\n")
            err = running.ends(7)[1]
        assert "not in S3 yet: late" in err and f"the files lie in {sandbox.cache};" in err and "process 1 ends" in err, err
        assert "stays mounted" not in err and "s3mounts status" not in err, err
        wire.thaw()
        in_cache_alone(sandbox, wire)


def test_what_start_as_process_1_cannot_flush_is_in_the_cache(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        one = f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one"
        under = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "unchanged"]
        child = sandbox.start("start", "--cache-dir", sandbox.cache, "--stop-timeout=2", one, under=under, env={"S3_ENDPOINT_URL": wire.endpoint})
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        first, = procfs.children(child.pid)
        wire.freeze()
        pathlib.Path(f"/proc/{first}/root{sandbox.mnt}/one/late").write_text("late")
        os.kill(first, signal.SIGTERM)
        result = sandbox.finish(child)
        assert result.code == 7 and f"process 1 ends, and every mount with it: what is not in S3 lies in {sandbox.cache}," in result.err, result
        assert "not in S3 yet: late" in result.err, result
        wire.thaw()
        in_cache_alone(sandbox, wire)
