"""
test_never_blocks.py - nothing holds up the supervisor's loop: a reader of its messages that does not read, clients that say nothing or do not listen,
no descriptor left; and nothing that it has started, and that has gone, is signalled in another's place.
"""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

from support import fuse, proc, procfs
from support.control import DOWN, FLUSH, STATUS, connect, descriptors, message, receive, send
from support.guest import Guest
from support.wire import Wire

MOUNT = 6
SOON = 2.5  # "at once", on a busy machine
F_SETPIPE_SZ = 1031


def mount_option(sandbox, n, options=""):
    return f"--mount={sandbox.prefixes[n]}:{sandbox.mnt}/{n}{options}"


def status(sandbox, code=0):
    """It answers, and at once."""
    result = sandbox.s3mounts("status", "--json")
    assert result.code == code and result.seconds < SOON, result
    return result.json


# Whoever shall read what `start` says, and does not

# The arguments: the control socket, how often. Another user's process is refused, and that is a line in the log.
KNOCK = """
import socket, sys
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(sys.argv[1])
        try:
            client.recv(1)
        except ConnectionResetError:
            pass
"""


def log_lines(sandbox, count, user=fuse.NOBODY):
    """COUNT of them, and no other."""
    for path, mode in {sandbox.folder: 0o711, sandbox.run: 0o711, sandbox.run / "control": 0o777}.items():
        path.chmod(mode)
    done = subprocess.run([sys.executable, "-c", KNOCK, sandbox.run / "control", str(count)], cwd="/", capture_output=True, text=True,
                          timeout=40, user=user, group=user, extra_groups=[], check=False)
    sandbox.run.chmod(0o700)
    assert done.returncode == 0, done


def a_pipe():
    readable, writable = os.pipe()
    fcntl.fcntl(writable, F_SETPIPE_SZ, 4096)
    return readable, writable


def a_socket():
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    return ours.detach(), theirs.detach()


READERS = {"pipe": a_pipe, "socket": a_socket, "pty": pty.openpty}
LINES = 2500  # of 71 bytes: more than a terminal takes (some 70 KiB), and what is kept (LOG_KEPT), and less than LOG_MAX


def read_all(fd, until, timeout=10):
    """What comes from FD until UNTIL(text) is true."""
    text, deadline = "", time.monotonic() + timeout
    while not until(text):
        assert time.monotonic() < deadline, f"{len(text)} bytes have come, and end with {text[-300:]!r}"
        if select.select([fd], [], [], 0.1)[0]:
            text += os.read(fd, 1 << 16).decode().replace("\r\n", "\n")
    return text


@contextlib.contextmanager
def unread_start(sandbox, kind, *options, env=None, **user):
    """`start` whose stderr nobody reads. Gives the process, the end to read from, and the other, which it has as its descriptor 2."""
    reader, writer = READERS[kind]()
    child = subprocess.Popen(sandbox.argv("start", "--cache-dir", sandbox.cache, *options), env={**sandbox.env, **(env or {})}, cwd="/",
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer, **user)
    try:
        assert sandbox.s3mounts("ready", "--timeout", "10", **user).code == 0
        yield child, reader, writer
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()
        os.close(reader)
        os.close(writer)


def written(sandbox):
    """The lines of its log since it has started."""
    text = "".join(path.read_text() for path in (sandbox.run / "log.1", sandbox.run / "log") if path.exists())
    return text[text.rindex("supervisor ") - len("2026-01-01T00:00:00Z "):].splitlines()


def read_dropped(reader, lines):
    """How many of LINES were dropped. All others come, in order, and where one is missing their number is told."""
    def told(text):
        """The number of lines of which it tells."""
        return sum(int((re.search(r"Z (\d+) lines were dropped", line) or [0, 1])[1])
                   for line in text.splitlines(True) if line.endswith("\n") and not line.startswith("s3mounts: "))

    at = dropped = 0
    for line in read_all(reader, lambda text: told(text) >= len(lines)).splitlines():
        if found := re.search(r"Z (\d+) lines were dropped: nobody has read them$", line):
            at += int(found[1])
            dropped += int(found[1])
        elif not line.startswith("s3mounts: "):
            assert line == lines[at], (at, line, lines[at])
            at += 1
    assert at == len(lines), (at, len(lines))
    return dropped


@pytest.mark.parametrize("kind", READERS)
def test_nobody_reads_its_messages(sandbox, kind):
    with unread_start(sandbox, kind, mount_option(sandbox, 0)) as (child, reader, writer):
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        driver = status(sandbox)["mounts"][0]["pid"]
        for _ in range(5):
            log_lines(sandbox, LINES // 5)
            status(sandbox)
        os.kill(driver, signal.SIGKILL)
        proc.wait_for(lambda: (m := sandbox.status_of("0"))["state"] == "up" and m["pid"] != driver, 10, "another driver", every=0.2)
        (sandbox.mnt / "0/file").write_bytes(b"works")
        assert sandbox.s3mounts("flush").code == 0 and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"works"
        assert not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK, "it is the caller's too"
        lines = written(sandbox)
        assert 0 < read_dropped(reader, lines) < len(lines)
        log_lines(sandbox, 3)
        said = read_all(reader, lambda text: text.count("\n") >= 3).splitlines()
        assert len(said) == 3 and all("another user" in line for line in said), "it goes on as before"


@pytest.mark.both
def test_a_reader_that_is_slow_loses_nothing(sandbox):
    """What a pipe does not take at once is not what is dropped."""
    with unread_start(sandbox, "pipe", mount_option(sandbox, 0), env={"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}) as (_, reader, writer):
        read_all(reader, lambda text: "starts\n" in text)
        log_lines(sandbox, 300)
        lines = written(sandbox)
        assert sum(len(line) + 1 for line in lines) > 2 * 4096
        said = read_all(reader, lambda text: text.count("\n") >= 300).splitlines()
        assert said == lines[-300:] and not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK


def test_a_reader_of_another_user_does_not_read(sandbox):
    """Its pipe cannot be opened again: as where a container's runtime has made it, and `start` is not root."""
    for path in (sandbox.folder, sandbox.mnt):
        os.chown(path, fuse.NOBODY, fuse.NOBODY)
    nobody = {"user": fuse.NOBODY, "group": fuse.NOBODY, "extra_groups": []}
    without = {"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}
    with unread_start(sandbox, "pipe", mount_option(sandbox, 0), env=without, **nobody) as (child, reader, writer):
        assert procfs.open_files(child.pid).count(os.readlink(f"/proc/{child.pid}/fd/2")) == 1, "it could be opened again: this test means nothing"
        for _ in range(3):
            log_lines(sandbox, 400, user=fuse.NOBODY - 1)
            assert sandbox.s3mounts("ready", **nobody).seconds < SOON
        assert not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK
        lines = written(sandbox)
        assert 0 < read_dropped(reader, lines) < len(lines)
    shutdown_owner(sandbox)


def shutdown_owner(sandbox):
    """The folder is root's again, for what cleans up."""
    for path in (sandbox.folder, *sandbox.folder.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)


def test_a_reader_that_has_gone(sandbox):
    """EPIPE, and no SIGPIPE: it serves on."""
    readable, writable = a_pipe()
    child = subprocess.Popen(sandbox.argv("start", "--cache-dir", sandbox.cache, mount_option(sandbox, 0)), env=sandbox.env, cwd="/",
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writable)
    os.close(writable)
    try:
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        log_lines(sandbox, 500)
        os.close(readable)
        log_lines(sandbox, 500)
        used = procfs.cpu_seconds(child.pid)
        time.sleep(1)
        assert procfs.cpu_seconds(child.pid) - used < 0.3
        status(sandbox)
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


def test_its_end_does_not_wait_for_a_reader(sandbox):
    with unread_start(sandbox, "pipe", mount_option(sandbox, 0)) as (child, _, _):
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        log_lines(sandbox, LINES)
        (sandbox.mnt / "0/file").write_bytes(b"last")
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        assert time.monotonic() - began < 10 and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"last" and sandbox.mounts() == []


# Clients that say nothing, or do not listen


@pytest.fixture
def supervisor(sandbox):
    """One mount stands; gives the supervisor's pid."""
    return sandbox.up(mount_option(sandbox, 0))["supervisor"]["pid"]


@contextlib.contextmanager
def idle(sandbox, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(sandbox)) for _ in range(count)]


@pytest.mark.parametrize("count", [129, 200])
def test_beside_idle_clients(sandbox, supervisor, count):
    with idle(sandbox, count):
        for _ in range(3):
            status(sandbox)
        assert sandbox.s3mounts("ready", "--mounted").seconds < SOON
        result = sandbox.s3mounts("flush", "--timeout", "5")
        assert result.code == 0 and result.seconds < SOON, result


def test_what_was_asked_before_idle_clients_came_is_answered(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.mnt / "0")
        wire.freeze()
        (sandbox.mnt / "0/file").write_bytes(b"waits")
        flush = sandbox.start("flush", "--timeout", "20")
        down = sandbox.start("down", "--timeout", "20")
        try:
            proc.wait_for(lambda: sandbox.status_of("0")["state"] == "stopping", 10, "down to begin")
            with idle(sandbox, 200):
                status(sandbox, MOUNT)
                assert flush.poll() is None and down.poll() is None
        finally:
            wire.thaw()
            flush, down = sandbox.finish(flush, 30), sandbox.finish(down, 30)
        assert flush.code == 0 and down.code == 0, (flush, down)


@contextlib.contextmanager
def stopped(pid):
    """Not for longer than the kernel's queue is: 128 clients."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("kind, every", [(STATUS, 4), (FLUSH, 12)], ids=["status", "flush"])
def test_a_request_that_came_whole_is_never_dropped(sandbox, supervisor, kind, every):
    """The supervisor is stopped while it comes, and others before and behind it, more than it has places for."""
    with contextlib.ExitStack() as stack:
        asked = []
        with stopped(supervisor):
            for n in range(125):
                client = stack.enter_context(connect(sandbox, 15))
                if n % every == 0:
                    send(client, message(f"kind={kind}", "timeout_ms=10000"))
                    asked.append(client)
        stack.enter_context(idle(sandbox, 100))
        began = time.monotonic()
        for n, client in enumerate(asked):
            said = receive(client)
            assert f"target={sandbox.mnt}/0\0".encode() in said, (n, said)
        assert time.monotonic() - began < 2 * SOON


@pytest.mark.both
def test_more_than_it_has_places_for_ask_at_once(sandbox, supervisor):
    """All of them are answered."""
    with contextlib.ExitStack() as stack:
        with stopped(supervisor):
            clients = [stack.enter_context(connect(sandbox, 15)) for _ in range(125)]
            for client in clients:
                send(client, message(f"kind={STATUS}", "timeout_ms=10000"))
        status(sandbox)
        for n, client in enumerate(clients):
            assert f"target={sandbox.mnt}/0\0".encode() in receive(client), n


def large_answers(sandbox):
    """`status` is more than a socket takes at once: mounts with long names, that have failed."""
    script = sandbox.folder / "rclone"
    script.write_text('#!/bin/sh\ncase " $* " in *" mount "*) exit 1 ;; esac\nexec rclone "$@"\n')
    script.chmod(0o755)
    folders = "/".join("x" * 250 for _ in range(14))
    sandbox.s3mounts("up", "--keep", "--rclone", script, "--timeout", "30",
                     *(f"--mount=long/{n}:{sandbox.mnt}/{n:03}/{folders}" for n in range(1, 65)))
    with connect(sandbox) as client:
        send(client, message("kind=0", "timeout_ms=5000"))
        size = len(receive(client))
    assert size > int(pathlib.Path("/proc/sys/net/core/wmem_default").read_text()), size


def test_beside_clients_that_do_not_read(sandbox, supervisor):
    large_answers(sandbox)
    with contextlib.ExitStack() as stack:
        deaf = [stack.enter_context(connect(sandbox, 20)) for _ in range(64)]
        for client in deaf:
            send(client, message("kind=0", "timeout_ms=5000"))
        for client in deaf:
            assert select.select([client], [], [], 10)[0], "its answer has begun"
        files = descriptors(supervisor)
        assert files > 64, "they have all of it: this test means nothing"
        for _ in range(3):
            result = sandbox.s3mounts("status", "--json")
            assert result.seconds < SOON and len(result.json["mounts"]) == 65, result
        result = sandbox.s3mounts("flush", "--timeout", "5")
        assert result.seconds < SOON, result
    proc.wait_for(lambda: descriptors(supervisor) < files - 50, 5, "its descriptors")


def test_one_that_reads_slowly_has_all_of_its_answer(sandbox, supervisor):
    large_answers(sandbox)
    with connect(sandbox, 20) as client:
        send(client, message("kind=0", "timeout_ms=5000"))
        time.sleep(3)
        said = receive(client)
    assert int.from_bytes(said[:4], sys.byteorder) == len(said) - 4
    status_now = sandbox.s3mounts("status", "--json").json
    assert len(status_now["mounts"]) == 65


def test_idle_clients_keep_nothing_from_its_end(sandbox):
    with sandbox.started(mount_option(sandbox, 0)) as start, idle(sandbox, 200):
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        began = time.monotonic()
        start.send_signal(signal.SIGTERM)
        start.wait(30)
        assert time.monotonic() - began < 8
    assert start.code == 0


# No descriptor is left


def limit_descriptors(pid, free):
    """PID can have as many as are FREE more than it has now. Gives what was before."""
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    most = next(n for n in range(1024) if len(set(range(n)) - used) == free and n not in used)
    return resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))


@pytest.mark.parametrize("few", [0, 3], ids=["none", "three"])
def test_without_descriptors_it_does_not_spin(sandbox, few):
    """A client is taken from the queue only with one; in the queue it makes poll(2) return each time."""
    with sandbox.started("--wait", mount_option(sandbox, 0)) as start:
        before = limit_descriptors(start.pid, few)
        with idle(sandbox, 100):
            used = procfs.cpu_seconds(start.pid)
            time.sleep(2)
            assert procfs.cpu_seconds(start.pid) - used < 0.3, "of 2 s"
            ready = sandbox.start("ready", "--timeout", "20")
            if few:
                assert sandbox.finish(ready, SOON).code == 0, "who says nothing makes room"
        resource.prlimit(start.pid, resource.RLIMIT_NOFILE, before)
        assert sandbox.finish(ready, SOON).code == 0
        sandbox.up("--timeout", "20", mount_option(sandbox, 0))
        (sandbox.mnt / "0/file").write_bytes(b"works")
        sandbox.down()
    assert start.code == 0 and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"works"


# A number that was a driver's, and is another's

# An innocent process that leads the process group NUMBER (in this PID namespace). It says "here", and how it ends.
INNOCENT = """
import os, signal, sys, time
number = int(sys.argv[1])
for _ in range(1000):  # what belongs to its group may take a while to end
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(number - 1))
    pid = os.fork()
    if pid == 0:
        if os.getpid() != number:
            os._exit(0)
        os.setsid()
        for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(n, lambda n, _: os._exit(n))
        while True:
            time.sleep(10)
    if pid == number:
        break
    os.waitpid(pid, 0)
    time.sleep(0.01)
else:
    sys.exit("the number is not free")
print("here", flush=True)
print(os.waitpid(pid, 0)[1], flush=True)
"""


@pytest.fixture
def guest(binary, server, tmp_path):
    one = Guest(binary, tmp_path / "guest")
    one.env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "THREAD_ID": "t", "USER_ID": "u", **server.environment()}
    yield one
    one.stop()


class Inside:
    """Commands in GUEST, and an innocent process."""

    def __init__(self, guest):
        self.guest = guest
        self.innocents = []

    def run(self, *argv, code=0, env=None):
        done = proc.run(self.guest.enter(["s3mounts", *argv]), env={**self.guest.env, **(env or {})}, check=False)
        assert code is None or done.returncode == code, done
        return done

    def kill(self, number):
        proc.run(self.guest.enter(["kill", "-9", number]))

    def supervisor(self):
        found = [pid for pid in self.guest.processes() if procfs.parent(pid) == self.guest.init and b"s3mounts" in procfs.command_line(pid)]
        return procfs.number_inside(found[0])

    def drivers(self):
        return [procfs.number_inside(pid) for pid in self.guest.drivers() if b"rclone\0mount" in procfs.command_line(pid)]

    def innocent(self, number):
        child = self.guest.popen([sys.executable, "-c", INNOCENT, number], self.guest.env)
        assert child.stdout.readline() == "here\n", child.communicate()
        self.innocents.append(child)

    def assert_innocents_live(self):
        for child in self.innocents:
            assert child.poll() is None, child.communicate()

    def close(self):
        self.guest.stop()
        for child in self.innocents:
            child.communicate()


@pytest.fixture
def inside(guest):
    one = Inside(guest)
    yield one
    one.close()


ONE, TWO = "--mount=docs:/mnt/one", "--mount=skills:/mnt/two"


def test_the_number_of_a_driver_that_was_killed(inside):
    inside.run("up", ONE)
    number, = inside.drivers()
    inside.kill(number)
    proc.wait_for(lambda: inside.drivers() not in ([], [number]), 10, "another driver")
    inside.innocent(number)
    inside.run("up", ONE)
    inside.run("down")
    inside.run("up", ONE)
    inside.run("down")
    inside.assert_innocents_live()


@pytest.mark.parametrize("then", ["up", "down"])
def test_the_number_of_a_driver_whose_mount_cannot_go(inside, then):
    """Something covers it: the supervisor tries to end what is gone already, again and again."""
    inside.run("up", ONE)
    number, = inside.drivers()
    proc.run(inside.guest.enter(["mount", "-t", "tmpfs", "tmpfs", "/mnt/one"]))
    inside.kill(number)
    inside.innocent(number)
    inside.run(then, *([ONE] if then == "up" else []), "--timeout", "5", code=None)
    inside.assert_innocents_live()
    proc.run(inside.guest.enter(["umount", "/mnt/one"]))
    inside.run("up", ONE)
    inside.run("down")
    inside.assert_innocents_live()


def test_the_number_of_a_driver_that_has_failed(inside, guest):
    """Another mount keeps the supervisor, and with it what it knows of the one that has failed."""
    pids = guest.root / "run/pids"
    script = guest.root / "usr/local/bin/fails"
    script.write_text('#!/bin/sh\ncase " $* " in *" mount "*) echo $$ >> /run/pids; sleep 0.3; exit 1 ;; esac\nexec rclone "$@"\n')
    script.chmod(0o755)
    inside.run("up", ONE)
    inside.run("up", "--keep", "--rclone", "/usr/local/bin/fails", TWO, code=None)
    for number in {int(line) for line in pids.read_text().split()}:
        inside.innocent(number)
    inside.run("down", code=None)
    inside.run("up", ONE, TWO)
    inside.run("down")
    inside.assert_innocents_live()


def test_the_number_of_a_driver_that_is_down(inside):
    """`start` stays, and knows the mounts that are down."""
    start = inside.guest.popen(["s3mounts", "start", "--wait", ONE], inside.guest.env)
    inside.run("ready", "--timeout", "10")
    for _ in range(2):
        inside.run("up", ONE)
        number, = inside.drivers()
        inside.run("down")
        inside.innocent(number)
    inside.run("up", ONE)
    inside.run("down")
    for pid in procfs.children(start.pid):
        os.kill(pid, signal.SIGTERM)
    start.communicate(timeout=20)
    inside.assert_innocents_live()


def test_the_number_of_a_driver_that_died_with_its_supervisor(inside):
    """What the next one finds written is the number of somebody else."""
    inside.run("up", ONE)
    number, = inside.drivers()
    inside.kill(inside.supervisor())
    inside.kill(number)
    proc.wait_for(lambda: inside.drivers() == [], 5, "its end")
    inside.innocent(number)
    inside.run("down", code=None)
    inside.run("up", ONE)
    inside.run("down")
    inside.assert_innocents_live()


def test_the_number_of_an_adopted_driver_that_dies(inside):
    inside.run("up", ONE)
    number, = inside.drivers()
    inside.kill(inside.supervisor())
    inside.run("up", ONE)
    assert inside.drivers() == [number]
    inside.kill(number)
    proc.wait_for(lambda: inside.drivers() not in ([], [number]), 10, "another driver")
    inside.innocent(number)
    inside.run("up", ONE)
    inside.run("down")
    inside.run("up", ONE)
    inside.run("down")
    inside.assert_innocents_live()


def test_the_number_of_a_driver_whose_group_outlives_it(inside, guest):
    """What it has started ends later. From then on nothing is known of the group."""
    script = guest.root / "usr/local/bin/leaves"
    script.write_text('#!/bin/sh\ncase " $* " in *" mount "*) sleep 3 & ;; esac\nexec rclone "$@"\n')
    script.chmod(0o755)
    inside.run("up", "--rclone", "/usr/local/bin/leaves", ONE)
    number, = inside.drivers()
    inside.kill(number)
    proc.wait_for(lambda: inside.drivers() not in ([], [number]), 15, "another driver")
    proc.wait_for(lambda: not any(procfs.command_line(p) == b"sleep\0003\0" for p in guest.processes()), 10, "the end of the group")
    inside.innocent(number)
    inside.run("up", "--rclone", "/usr/local/bin/leaves", ONE)
    inside.run("down")
    inside.assert_innocents_live()
