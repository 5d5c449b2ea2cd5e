"""
test_clients.py - who speaks to the supervisor: many at once, and such as send nonsense, too much, too little, or have no right.
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time

import pytest

from support import fuse, proc, procfs
from support.control import DOWN, FLUSH, STATUS, connect, descriptors, message, receive, send

CLIENT_SECONDS = 10  # what src/sup/client.h gives a client for its request (CLIENT_MS)
WIRE_MAX = 4 << 20


@contextlib.contextmanager
def unharmed(sandbox, cpu):
    """What happens inside costs the supervisor at most CPU seconds a second, no descriptor, no mount."""
    before = sandbox.status()
    pid = before["supervisor"]["pid"]
    proc.wait_for(lambda: not procfs.children(pid) or procfs.children(pid) == [m["pid"] for m in before["mounts"]], 5, "quiet")
    files, used, begin = descriptors(pid), procfs.cpu_seconds(pid), time.monotonic()
    yield
    spent, seconds = procfs.cpu_seconds(pid) - used, time.monotonic() - begin
    after = sandbox.status()
    assert after["supervisor"]["pid"] == pid
    assert [(m["pid"], m["state"]) for m in after["mounts"]] == [(m["pid"], "up") for m in before["mounts"]]
    assert spent <= 0.1 + cpu * seconds, f"{spent} s of {seconds}"
    proc.wait_for(lambda: descriptors(pid) <= files, 3, f"its {files} descriptors: {procfs.open_files(pid)}")


@pytest.fixture
def pid(sandbox):
    """One mount stands; gives the supervisor's pid."""
    return sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one")["supervisor"]["pid"]


# Many at once


def test_twenty_at_once(sandbox):
    first = sandbox.up()
    children = [sandbox.start(command, "--json", *(sandbox.specs if command == "up" else []))
                for command in ("status", "up", "flush", "status") * 5]
    for child in children:
        result = sandbox.finish(child)
        assert result.code == 0, result
        assert [(m["target"], m["state"]) for m in result.json["mounts"]] == [(str(t), "up") for t in sandbox.targets], result
        if "supervisor" in result.json:
            assert result.json["supervisor"] == first["supervisor"], result
    assert [m["pid"] for m in sandbox.status()["mounts"]] == [m["pid"] for m in first["mounts"]]
    assert len(sandbox.mounts()) == 3 and len(sandbox.drivers()) == 3


def test_twenty_at_once_where_nothing_runs_yet(sandbox):
    """Nothing is mounted for whoever comes too early; there is one supervisor in the end."""
    children = [(command, sandbox.start(command, "--json", *(sandbox.specs if command == "up" else [])))
                for command in ("status", "up", "flush", "up") * 5]
    results = [(command, sandbox.finish(child)) for command, child in children]
    for command, result in results:
        assert result.code in {"up": (0,), "flush": (0, 6), "status": (0, 1, 6)}[command], result
    answers = [result.json for command, result in results if command == "up"]
    assert len({answer["supervisor"]["pid"] for answer in answers}) == 1
    assert len({tuple(m["pid"] for m in answer["mounts"]) for answer in answers}) == 1
    assert len(sandbox.mounts()) == 3 and len(sandbox.drivers()) == 3


# What is no request

FATAL = {
    "garbage": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "noughts and more": bytes(4096),
    "4 GiB": struct.pack("=I", (1 << 32) - 1) + b"kind=0\0",
    "2 GiB": struct.pack("=I", 1 << 31),
    "one more than the most": struct.pack("=I", WIRE_MAX - 4 + 1),
    "a byte behind it": message("kind=0") + b"x",
    "two of them": message("kind=0") * 2,
    "one byte short": message("kind=0", length=len("kind=0")),
    "twice what it says": message("kind=0", "x=" + "x" * 100000, length=50000),
}


@pytest.mark.parametrize("kind", FATAL)
def test_what_is_no_request_is_hung_up_on(sandbox, pid, kind):
    with unharmed(sandbox, cpu=0.5):
        for _ in range(5):
            with connect(sandbox) as client:
                send(client, FATAL[kind])
                assert receive(client) == b""


UNREADABLE = {
    "no records": struct.pack("=I", 9) + b"kind=0\0ab",
    "no name": message("0"),
    "no number": message("kind=many"),
    "a number too large": message("kind=0", "timeout_ms=99999999999999999999"),
    "a flag that is none": message("kind=2", "lazy=2"),
    "a secret too long": message("kind=1", "creds.secret=" + "s" * 100000),
    "more mounts than there may be": message("kind=1", *(f"target=/t{n}" for n in range(1025))),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_request_that_cannot_be_read_is_told_so(sandbox, pid, kind):
    with unharmed(sandbox, cpu=0.5):
        for _ in range(5):
            with connect(sandbox) as client:
                send(client, UNREADABLE[kind])
                answer = receive(client)
                assert b"error.code=8\0" in answer and b"cannot be read" in answer, answer


def test_a_request_of_unknown_names_and_kind(sandbox, pid):
    with unharmed(sandbox, cpu=0.5):
        with connect(sandbox) as client:
            send(client, message("name=value", "kind=0", "=", "later=1"))
            assert f"target={sandbox.mnt}/one\0".encode() in receive(client)
        for kind in (99, -1):
            with connect(sandbox) as client:
                send(client, message(f"kind={kind}"))
                assert b"cannot be read" in receive(client)


@pytest.mark.parametrize("more", [(), ("endpoint=http://127.0.0.1:1",), ("endpoint=http://127.0.0.1:1", "provider=Other")])
def test_an_up_that_asks_for_nothing_takes_nothing_down(sandbox, pid, more):
    with unharmed(sandbox, cpu=0.5), connect(sandbox, 20) as client:
        send(client, message("kind=1", "timeout_ms=2000", *more))
        receive(client)


# Who keeps it waiting

UNFINISHED = {
    "nothing": b"",
    "half a length": b"\x07\x00",
    "half a request": message("kind=0")[:-3],
    "a byte too few": message("kind=0", length=8),
    "the most, and nothing of it": struct.pack("=I", WIRE_MAX - 4),
    "all but the last byte of the most": struct.pack("=I", WIRE_MAX - 4) + b"x" * (WIRE_MAX - 5),
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_whoever_hangs_up_half_way_is_forgotten(sandbox, pid, kind):
    with unharmed(sandbox, cpu=0.9):
        for _ in range(20):
            with connect(sandbox) as client:
                send(client, UNFINISHED[kind])


def test_whoever_keeps_it_waiting_is_hung_up_on_in_time(sandbox, pid):
    """All at once. One says a byte now and then: that does not give it more time."""
    with unharmed(sandbox, cpu=0.3), contextlib.ExitStack() as stack:
        begin = time.monotonic()
        clients = {kind: stack.enter_context(connect(sandbox, 3 * CLIENT_SECONDS)) for kind in [*UNFINISHED, "trickle"]}
        for kind, data in UNFINISHED.items():
            send(clients[kind], data)
        send(clients["trickle"], struct.pack("=I", 1000))
        while time.monotonic() - begin < CLIENT_SECONDS - 2:
            send(clients["trickle"], b"x")
            assert sandbox.s3mounts("status").seconds < 3
            time.sleep(0.2)
        for kind, client in clients.items():
            assert receive(client) == b"", kind
        assert CLIENT_SECONDS - 1 < time.monotonic() - begin < 2.5 * CLIENT_SECONDS


FLOOD = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall((%d).to_bytes(4, sys.byteorder))
try:
    while True:
        client.sendall(bytes(65536))
except OSError:
    print("hung up")
""" % (WIRE_MAX - 4)


def test_whoever_never_ends_is_hung_up_on(sandbox, pid):
    with unharmed(sandbox, cpu=1):
        floods = [subprocess.Popen([sys.executable, "-c", FLOOD, sandbox.run / "control"], stdout=subprocess.PIPE, text=True)
                  for _ in range(4)]
        assert sandbox.s3mounts("status").code == 0
        for flood in floods:
            assert flood.communicate(timeout=30)[0] == "hung up\n"
    assert procfs.pss_kib(pid) <= 1024, "what they sent is kept"


def test_whoever_does_not_read_its_answer(sandbox, pid):
    with unharmed(sandbox, cpu=0.3), contextlib.ExitStack() as stack:
        for _ in range(30):
            send(stack.enter_context(connect(sandbox)), message("kind=0"))
        for _ in range(3):
            assert sandbox.s3mounts("status").seconds < 3


def test_whoever_leaves_before_its_answer(sandbox, pid):
    """It is forgotten, and so is what it has asked for."""
    with unharmed(sandbox, cpu=0.9):
        for kind in (STATUS, FLUSH) * 20:
            with connect(sandbox) as client:
                send(client, message(f"kind={kind}", "timeout_ms=5000"))
    with connect(sandbox) as client:
        send(client, message(f"kind={DOWN}", "timeout_ms=5000"))
    assert [m["state"] for m in sandbox.status()["mounts"]] == ["up"] and procfs.alive(pid)


# Who has no right to

ASK = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(10)
client.connect(sys.argv[1])
try:
    client.sendall(sys.stdin.buffer.read())
    print(repr(client.recv(1000)))
except (BrokenPipeError, ConnectionResetError):
    print(b"")
"""


def test_another_user_is_not_served(sandbox, pid):
    """Its folder keeps others out. Where somebody has opened that, the supervisor looks at who it is."""
    paths = {sandbox.folder: 0o711, sandbox.run: 0o711, sandbox.run / "control": 0o777}
    modes = {path: path.stat().st_mode & 0o7777 for path in paths}

    def ask():
        return subprocess.run(
            [sys.executable, "-c", ASK, sandbox.run / "control"], input=message(f"kind={DOWN}", "timeout_ms=5000"),
            capture_output=True, timeout=20, cwd="/", user=fuse.NOBODY, group=fuse.NOBODY, extra_groups=[])

    with unharmed(sandbox, cpu=0.5):
        assert b"PermissionError" in ask().stderr
        for path, mode in paths.items():
            path.chmod(mode)
        try:
            for _ in range(5):
                done = ask()
                assert (done.returncode, done.stdout) == (0, b"b''\n"), done
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
    assert (sandbox.run / "log").read_text().count("another user's process is refused") == 5
    assert modes[sandbox.run] == 0o700
