"""
test_witness.py - a driver is asked too what it has not sent: its metadata alone is not believed, and a flush does not wait for a file's write-back
time.
"""

import json
import os
import re
import signal

import pytest

from support import proc

PENDING = 7
SLOW = ":vfs_write_back=60s"
pytestmark = pytest.mark.parametrize("rclone", ["current"], indirect=True)


def waiting(sandbox, size=5000):
    """A mount with a file that waits for its time; gives the file's metadata in the cache."""
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{SLOW}")
    (sandbox.mnt / "one/waits").write_bytes(b"w" * size)
    proc.wait_for(lambda: sandbox.status_of("one")["pending_files"] == 1, 5, "the file in the cache")
    meta, = sandbox.cache.glob(f"*/vfsMeta/s3mounts/{sandbox.server.bucket}/{sandbox.prefixes[0]}/waits")
    return meta


def call_clean(meta):
    """What a stale write of rclone's own makes of it."""
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "Dirty": False}))


def test_a_queued_upload_is_pending_whatever_the_metadata_says(sandbox, rclone):
    call_clean(waiting(sandbox))
    assert sandbox.status_of("one")["pending_files"] == 1
    assert sandbox.keys(sandbox.prefixes[0]) == []
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000


def test_flush_does_not_wait_for_the_write_back_time(sandbox, rclone):
    waiting(sandbox)
    result = sandbox.s3mounts("flush", "--timeout", "30")
    assert result.code == 0 and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000
    assert result.seconds < 20, result  # it waits 60 s by itself


def test_down_does_not_wait_for_it_either(sandbox, rclone):
    waiting(sandbox)
    result = sandbox.s3mounts("down", "--timeout", "30")
    assert result.code == 0 and result.seconds < 20, result


def test_a_driver_that_cannot_be_asked_is_not_clean(sandbox, rclone):
    call_clean(waiting(sandbox))
    socket, = sandbox.run.glob("*.rc")
    socket.unlink()
    one = sandbox.status_of("one")
    assert one["pending_files"] == -1 and one["error"], one
    assert sandbox.s3mounts("flush", "--timeout", "3").code != 0
    pid = one["pid"]
    os.kill(pid, signal.SIGKILL)  # its heir has a socket again, and the file
    proc.wait_for(lambda: sandbox.status_of("one")["state"] == "up" and sandbox.status_of("one")["pid"] != pid, 10, "a new driver")


def test_nobody_else_reaches_the_socket(sandbox, rclone):
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one")
    assert sandbox.run.stat().st_mode & 0o777 == 0o700
    socket, = sandbox.run.glob("*.rc")
    assert re.fullmatch("[0-9a-f]{7}[.]rc", socket.name)
    sandbox.down()
    assert list(sandbox.run.glob("*.rc")) == []
