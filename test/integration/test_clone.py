"""
test_clone.py - a snapshot of a waiting `start` is cloned into many sandboxes: it holds nothing that two of them must not share,
and each TLS session afterwards is seeded by the kernel anew.
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

from support import faults, proc, procfs

RANDOM = slice(11, 43)  # of a ClientHello, behind the heads of record and message
RECORDED = "trace=%network,getrandom,open,openat"


@contextlib.contextmanager
def waiting(sandbox, *options, env=None, under=()):
    """`start` that waits for its `up`; gives the supervisor's pid."""
    child = sandbox.start("start", "--cache-dir", sandbox.cache, *options, *sandbox.specs, env=env, under=under)
    try:
        assert sandbox.s3mounts("ready", "--timeout", "15").code == 0
        pid, = procfs.children(child.pid) if under else [child.pid]
        yield pid
    finally:
        for pid in procfs.children(child.pid) if under else [child.pid]:
            os.kill(pid, signal.SIGTERM)
        assert sandbox.finish(child, 40).code == 0


KINDS = {"no credentials": ((), {"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}), "told to wait": (("--wait",), {})}


def holds_only(sandbox, pid):
    """Its descriptors, but for those that it was given: one socket, on which it listens, and nothing of the network."""
    own = [path for path in procfs.open_files(pid) if not re.match(r"/dev/null|pipe:|anon_inode:\[(signal|timer)fd\]", path)]
    listeners = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()]
    listener, = (f"socket:[{line[6]}]" for line in listeners if line[-1] == f"{sandbox.run}/control" and line[5] == "01")
    return sorted(own) == sorted([f"{sandbox.run}/log", f"/proc/{pid}/mountinfo", listener])


@pytest.mark.shipped
@pytest.mark.parametrize("kind", KINDS)
def test_waiting_it_asks_for_nothing_random_and_nobody(sandbox, kind):
    options, env = KINDS[kind]
    out = sandbox.folder / "trace"
    env = {**(env or {}), "S3MOUNTS_RCLONE": "/none"}  # the program's version, which is asked first, is an affair of its own
    with waiting(sandbox, *options, env=env, under=["strace", "-f", "-qq", "-o", out, "-e", RECORDED]) as pid:
        proc.wait_for(lambda: holds_only(sandbox, pid), 5, f"no more than {procfs.open_files(pid)}")
        trace = out.read_text()
        assert "listen(" in trace, "strace has seen nothing"
        assert "random" not in trace, trace
        assert set(re.findall(r"\bsocket\((\w+)", trace)) <= {"AF_UNIX", "AF_NETLINK"}, trace
        assert not re.search(r"\bconnect\((?!.*AF_UNIX)", trace), trace
        assert not procfs.memory_holds(pid, sandbox.server.secret.encode())
        assert not procfs.memory_holds(pid, sandbox.server.key_id.encode())


class Eavesdropper(faults.Listener):
    """A way to PORT on loopback. `randoms` lists the random bytes of each TLS session's first message."""

    def __init__(self, port):
        self.behind, self.randoms = port, []
        super().__init__()
        self.endpoint = f"https://127.0.0.1:{self.port}"

    def handle(self, connection):
        with socket.create_connection(("127.0.0.1", self.behind)) as far:
            threading.Thread(target=carry, args=(far, connection), daemon=True).start()
            hello = connection.recv(RANDOM.stop, socket.MSG_WAITALL)
            self.randoms.append(hello[RANDOM])
            far.sendall(hello)
            carry(connection, far)


def carry(here, there):
    with contextlib.suppress(OSError):
        while data := here.recv(1 << 16):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


@pytest.fixture
def ear(tls):
    with Eavesdropper(tls.ports["good"]) as one:
        yield one


@pytest.fixture
def over_tls(tls, ear):
    """The variables of a client that is overheard."""
    return {"S3_ENDPOINT_URL": ear.endpoint, "SSL_CERT_FILE": str(tls.authority.certificate)}


def assert_differ(randoms, least):
    assert len(randoms) >= least and len(set(randoms)) == len(randoms), randoms


def seeds(trace):
    """[(pid, bytes as text)] of what was asked for as a seed."""
    return re.findall(r'^(\d+) +getrandom\("((?:\\x[0-9a-f]{2}){32})", 32, 0\) += 32$', trace.read_text(), re.M)


STRACE = ["strace", "-f", "-qq", "-xx", "-e", "trace=getrandom", "-o"]


@pytest.mark.both
def test_each_session_of_a_check_has_a_seed_of_its_own(sandbox, ear, over_tls):
    for _ in range(3):
        assert sandbox.s3mounts("check", *sandbox.specs, env=over_tls).code == 0
    assert_differ(ear.randoms, 3)


@pytest.mark.shipped
def test_the_seed_is_the_kernels(sandbox, ear, over_tls):
    """One for each session, asked for by the process that has the session."""
    traces = [sandbox.folder / f"trace{i}" for i in range(2)]
    for trace in traces:
        begun = len(ear.randoms)
        assert sandbox.s3mounts("check", *sandbox.specs, env=over_tls, under=[*STRACE, trace]).code == 0
        assert len(seeds(trace)) == len(ear.randoms) - begun > 0, trace.read_text()
    assert_differ([seed for trace in traces for _, seed in seeds(trace)], 2)


@pytest.mark.shipped
def test_one_waiting_supervisor_checks_with_fresh_seeds(sandbox, ear, over_tls):
    """Not the one that waits asks for them: what it held would be in each clone of it."""
    trace = sandbox.folder / "trace"
    with waiting(sandbox, env={"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}) as pid:
        tracer = proc.spawn([*STRACE, trace, "-p", pid], log=sandbox.folder / "strace.log")
        proc.wait_for(lambda: f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(f"/proc/{pid}/status").read_text(), 10, "strace")
        for _ in range(2):
            begun = len(ear.randoms)
            sandbox.up(env=over_tls)
            assert len(ear.randoms) > begun
            sandbox.down()
        proc.stop(tracer)
        assert_differ(ear.randoms, 2)
        assert_differ([seed for _, seed in seeds(trace)], 2)
        assert str(pid) not in [asker for asker, _ in seeds(trace)]
