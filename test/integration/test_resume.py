"""
test_resume.py - the machine was paused, or its clock was set: the supervisor notices, proves every mount at once, leaves alone
what is well, heals what is not, and drops the connections that the other side has forgotten.
"""

import contextlib
import os
import pathlib
import signal
import socket
import time

import pytest

from support import fuse, proc, procfs
from support.wire import Wire

MB = 1 << 20
DAY = 86400
ESTABLISHED = 1


def resumes(sandbox):
    """How often the supervisor has noticed it."""
    return (sandbox.run / "log").read_text().count("resumed: ")


def await_resumed(sandbox, before):
    proc.wait_for(lambda: resumes(sandbox) > before, 8, "the word in the log")


def pids(answer):
    """The supervisor and its drivers."""
    return [answer["supervisor"]["pid"], *(mount["pid"] for mount in answer["mounts"])]


def assert_untouched(sandbox, answer):
    now = sandbox.status()
    assert pids(now) == pids(answer)
    assert [(m["state"], m["restarts"]) for m in now["mounts"]] == [("up", 0)] * len(now["mounts"]), now


@contextlib.contextmanager
def stopped(*wanted):
    """By SIGSTOP."""
    for pid in wanted:
        os.kill(pid, signal.SIGSTOP)
    try:
        proc.wait_for(lambda: all(procfs.state(pid) == "T" for pid in wanted), 5, "all to stop")
        yield
    finally:
        for pid in wanted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def frozen(*wanted):
    """By the kernel's freezer, as a container is paused: no signal tells the processes of it."""
    tree = pathlib.Path(f"/tmp/s3m-cgroup-{os.getpid()}")
    tree.mkdir()
    fuse.mount("cgroup2", tree, "cgroup2")
    here = next(line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    home = tree / here.lstrip("/")
    group = home / tree.name
    try:
        group.mkdir()
        for pid in wanted:
            (group / "cgroup.procs").write_text(str(pid))
        (group / "cgroup.freeze").write_text("1")
        proc.wait_for(lambda: "frozen 1" in (group / "cgroup.events").read_text(), 5, "all to freeze")
        yield
    finally:
        (group / "cgroup.freeze").write_text("0")
        proc.wait_for(lambda: moved(group, home), 10, "the end of the cgroup")
        fuse.detach(tree)
        tree.rmdir()


def moved(group, home):
    """True when nothing was left to move and GROUP is gone: what a process has forked meanwhile is there too."""
    with contextlib.suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            (home / "cgroup.procs").write_text(pid)
        group.rmdir()
    return not group.exists()


@contextlib.contextmanager
def strace(sandbox, pid, *options):
    """Of PID that runs; gives a function that gives strace's lines so far."""
    out = sandbox.folder / "trace"
    tracer = proc.spawn(["strace", "-qq", *options, "-o", out, "-p", pid], log=sandbox.folder / "strace.log")
    try:
        proc.wait_for(lambda: f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(f"/proc/{pid}/status").read_text(), 10, "strace")
        yield out.read_text
    finally:
        proc.stop(tracer)


def set_clock(answer):
    """To what it says. A machine that refuses this is paused instead, which must be noticed as well."""
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
    except PermissionError:
        with stopped(*pids(answer)):
            time.sleep(3.5)


def sockets(answer):
    """Of the drivers."""
    return {path for mount in answer["mounts"] for path in procfs.open_files(mount["pid"]) if path.startswith("socket:")}


def test_a_clock_that_is_set_is_noticed(sandbox):
    """And every mount is proven anew: nobody asks for a status meanwhile. Its connections are not dropped for it."""
    answer = sandbox.up()
    for target in sandbox.targets:
        os.listdir(target)
    open_before = sockets(answer)
    with strace(sandbox, answer["supervisor"]["pid"], "-f", "-e", "trace=statfs") as calls:
        for _ in range(2):
            before, asked = resumes(sandbox), calls()
            set_clock(answer)
            await_resumed(sandbox, before)
            proc.wait_for(lambda: all(f'"{target}"' in calls()[len(asked):] for target in sandbox.targets), 5, "all proofs")
    assert open_before and open_before <= sockets(answer)
    assert_untouched(sandbox, answer)


def other_times():
    """Runs a command at other CLOCK_MONOTONIC and CLOCK_BOOTTIME, days apart; or at ours, where that is not allowed."""
    under = ["unshare", "--time", "--fork"]
    offsets = ["--monotonic", str(100 * DAY), "--boottime", str(130 * DAY)]
    return under + (offsets if proc.run([*under, *offsets, "true"], check=False).returncode == 0 else [])


def test_a_boot_time_that_is_days_apart(sandbox):
    """As after a long sleep: no alarm by itself, and commands from outside and deadlines mean the same."""
    answer = sandbox.up(under=other_times())
    time.sleep(4)
    assert resumes(sandbox) == 0, (sandbox.run / "log").read_text()
    assert_untouched(sandbox, answer)
    killed = answer["mounts"][0]["pid"]
    os.kill(killed, signal.SIGKILL)
    proc.wait_for(lambda: healed(sandbox, killed), 15, "another driver", every=0.3)
    (sandbox.targets[0] / "file").write_text("kept")
    assert sandbox.s3mounts("flush", "--timeout", "20").code == 0
    now = sandbox.up(under=other_times())
    with stopped(*pids(now)):
        time.sleep(3.5)
    await_resumed(sandbox, 0)
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"kept"


def unsent(port):
    """Bytes for PORT on loopback that have not gone out."""
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(fields[4].split(":")[0], 16) for fields in lines if fields[2] == f"0100007F:{port:04X}")


@pytest.mark.parametrize("pause", [stopped, frozen])
def test_a_pause_in_which_every_connection_is_cut(sandbox, pause):
    """What was written before it, what was on its way and what is written after it arrive whole, through the same drivers."""
    bodies = {f"{prefix}/{when}": os.urandom(100_000) for prefix in sandbox.prefixes for when in ("before", "after")}
    sent = {f"{sandbox.prefixes[0]}/on-its-way": os.urandom(20 * MB)}
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        answer = sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})

        def write(files, when):
            for key, body in files.items():
                if key.endswith(when):
                    (sandbox.mnt / key).write_bytes(body)

        write(bodies, "before")
        for target in sandbox.targets:
            os.listdir(target)  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        write(sent, "on-its-way")
        proc.wait_for(lambda: unsent(wire.port) > 0, 20, "the upload to be under way")
        before, taken = resumes(sandbox), wire.accepted
        with pause(*pids(answer)):
            wire.thaw()  # takes the connections that wait for it
            time.sleep(2)
            wire.cut()
            time.sleep(1.8)
        await_resumed(sandbox, before)
        write(bodies, "after")
        assert sandbox.s3mounts("flush", "--timeout", "60", timeout=80).code == 0
        assert wire.accepted > taken
        assert_untouched(sandbox, answer)
    for key, body in {**bodies, **sent}.items():
        assert sandbox.get(key) == body, key


def can_destroy():
    """Does this kernel let one end a connection from outside (INET_DIAG_DESTROY)?"""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        proc.run(["ss", "--kill", "--tcp", "dport", "=", str(server.getsockname()[1])])
        return tcp_state(client) != ESTABLISHED


def tcp_state(connection):
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def test_connections_that_were_forgotten_meanwhile(sandbox):
    """
    On such a one rclone waits 30 s for its answer; they are ended after a long pause, and those of nobody else. Where the
    kernel has no way to end them it has to wait.
    """
    for name in ("one", "two"):
        sandbox.put(f"{sandbox.prefixes[0]}/{name}", name.encode())
    with Wire(sandbox.server.port, sandbox.folder) as wire, socket.create_connection(("127.0.0.1", wire.port)) as bystander:
        answer = sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        assert (sandbox.targets[0] / "one").read_bytes() == b"one"
        before = resumes(sandbox)
        with stopped(*pids(answer)):
            wire.forget()
            time.sleep(11)
        await_resumed(sandbox, before)
        begin = time.monotonic()
        assert (sandbox.targets[0] / "two").read_bytes() == b"two"
        assert time.monotonic() - begin < (15 if can_destroy() else 90)
        assert tcp_state(bystander) == ESTABLISHED
        assert_untouched(sandbox, answer)
        sandbox.down()


def healed(sandbox, killed):
    """Another driver serves the first mount."""
    mount = sandbox.s3mounts("status", "--json").json["mounts"][0]
    return mount["state"] == "up" and mount["pid"] not in (0, killed) and mount


def test_a_driver_that_died_meanwhile(sandbox):
    answer = sandbox.up()
    killed = answer["mounts"][0]["pid"]
    with stopped(*pids(answer)):
        os.kill(killed, signal.SIGKILL)
        time.sleep(3.5)
    await_resumed(sandbox, 0)
    assert proc.wait_for(lambda: healed(sandbox, killed), 15, "another driver", every=0.3)["restarts"] == 1
    (sandbox.targets[0] / "file").write_bytes(b"f" * 70000)
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"f" * 70000


def test_a_driver_that_hangs_afterwards(sandbox):
    """Nobody asks for it: it is replaced, and what it had not sent arrives."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        answer = sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.targets[0])  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        (sandbox.targets[0] / "waits").write_bytes(b"w" * 70000)
        proc.wait_for(lambda: sandbox.status()["mounts"][0]["pending_bytes"] == 70000, 5, "the file in the cache")
        supervisor, hung, *others = pids(answer)
        with stopped(hung):
            with stopped(supervisor, *others):
                wire.thaw()
                time.sleep(3.5)
            await_resumed(sandbox, 0)
            proc.wait_for(lambda: not procfs.alive(hung), 30, "the end of the driver that hangs")
            proc.wait_for(lambda: healed(sandbox, hung), 15, "another driver", every=0.3)
        assert sandbox.s3mounts("flush", "--timeout", "40").code == 0
        assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 70000
        assert pids(sandbox.status())[2:] == others
        sandbox.down()


def test_a_pause_between_two_waits(sandbox):
    """It hits the supervisor at work, here as it takes a client, and not where it waits for one."""
    answer = sandbox.up()
    delay = ["-e", "trace=accept4", "-e", "inject=accept4:delay_enter=4000000:when=1"]
    with strace(sandbox, answer["supervisor"]["pid"], *delay):
        assert sandbox.s3mounts("ready", "--timeout", "20").code == 0
        await_resumed(sandbox, 0)
    assert_untouched(sandbox, answer)


def test_a_pause_in_the_middle_of_a_proof(sandbox):
    """The time that it is given has passed meanwhile; but the driver is well, and stays."""
    answer = sandbox.up()
    supervisor, asked, *others = pids(answer)
    with stopped(asked):
        child = sandbox.start("status", "--json")
        proc.wait_for(lambda: set(procfs.children(supervisor)) - set(pids(answer)), 5, "the proof to be under way")
        with stopped(supervisor, *others):
            time.sleep(7)
    sandbox.finish(child)
    await_resumed(sandbox, 0)
    assert_untouched(sandbox, answer)
