"""test_confine.py - README.md, Security: who parses what the network sends has no right and may execute nothing; rclone keeps three rights."""

import pathlib
import signal
import socket

import pytest

from support import procfs

DAC_OVERRIDE, DAC_READ_SEARCH, SYS_ADMIN = (1 << number for number in (1, 2, 21))


def rights(pid):
    """What /proc/PID/status says of capabilities, of new ones, and of a filter for system calls (2: there is one)."""
    fields = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    sets = {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    return {**sets, "NoNewPrivs": int(fields["NoNewPrivs"]), "Seccomp": int(fields["Seccomp"])}


def is_connected(pid, port):
    """Does it hold the socket of this local port?"""
    lines = pathlib.Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    inodes = [line.split()[9] for line in lines if line.split()[1].endswith(f":{port:04X}")]
    return any(f"socket:[{inode}]" in procfs.open_files(pid) for inode in inodes)


@pytest.mark.shipped
@pytest.mark.parametrize("command", ["check", "up", "start"])
def test_nobody_keeps_a_right_that_it_does_not_need_on_the_network(sandbox, command):
    """While it waits for the answer of a server that is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sandbox.env["S3_ENDPOINT_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        child = sandbox.start(command, f"--mount=docs:{sandbox.mnt}/docs")
        silent.settimeout(10)
        asked, _ = silent.accept()
        port = asked.getpeername()[1]
        asking = [pid for pid in sandbox.processes() if is_connected(pid, port)]
        assert len(asking) == 1
        assert rights(asking[0]) == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0, "NoNewPrivs": 1, "Seccomp": 2}
        asked.close()
    child.send_signal(signal.SIGTERM)
    sandbox.finish(child)


def test_nobody_keeps_a_right_that_it_does_not_need_to_drive(sandbox):
    mount, = sandbox.up(f"--mount=docs:{sandbox.mnt}/docs")["mounts"]
    found = rights(mount["pid"])
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert found[name] == DAC_OVERRIDE | DAC_READ_SEARCH | SYS_ADMIN, found
    assert (found["CapInh"], found["CapAmb"], found["NoNewPrivs"]) == (0, 0, 1), found
