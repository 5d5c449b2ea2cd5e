"""
test_leftover.py - what an earlier run has left in its cache: every command that judges finds and tells it, whatever is mounted now;
`flush --left` brings it into the bucket without mounting it for use; and no two drivers ever work in one cache folder.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse

import pytest

from support import fuse, proc, procfs
from support.wire import Wire

REFUSED, MOUNT, PENDING = 4, 6, 7
BODY = os.urandom(70000)
SLOW = "vfs_write_back=60s"  # a file waits longer than any of these tests takes to kill its driver


def spec(sandbox, source, target, options=SLOW):
    return f"--mount={source}:{sandbox.mnt}/{target}{':' if options else ''}{options}"


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not any(map(procfs.alive, pids)), 5, "their end")


def crash(sandbox, answer):
    """A cold resume: the processes, the mounts and the run folder are gone; the disk is there."""
    kill(answer["supervisor"]["pid"], *[m["pid"] for m in answer["mounts"] if m["pid"]])
    for target, _, _ in reversed(sandbox.mounts()):
        proc.run(["umount", "-l", target])
    shutil.rmtree(sandbox.run)


def leave(sandbox, source, target="one", files=None, **more):
    """Mounts SOURCE, writes FILES (one of BODY where not given), and crashes."""
    answer = sandbox.up(spec(sandbox, source, target), **more)
    for name, body in (files or {"file": BODY}).items():
        (sandbox.mnt / target / name).write_bytes(body)
    assert sandbox.keys(source) == []
    crash(sandbox, answer)
    return answer


def told(result, *, code=PENDING, name="file"):
    """The one leftover that RESULT, in JSON, tells of."""
    assert result.code == code, result
    left, = result.json["leftovers"]
    assert (left["pending_files"], left["pending_bytes"], left["pending_names"]) == (1, len(BODY), [name]), left
    return left


def flush_left(sandbox, *options, code=0, **more):
    result = sandbox.s3mounts("flush", "--json", "--left", "--cache-dir", sandbox.cache, *options, **more)
    assert result.code == code, result
    assert not (sandbox.run / "left").exists(), os.listdir(sandbox.run / "left")
    assert not [m for m in sandbox.mounts() if "/left/" in m[0]]
    return result.json


@pytest.fixture
def source(sandbox):
    return f"threads/{sandbox.thread}-a"


# Every verdict


def test_another_thread_does_not_hide_it(sandbox, source):
    """The case: THREAD_ID=a leaves a file, THREAD_ID=b is mounted. `flush --left` finishes what a began."""
    leave(sandbox, source)
    answer = sandbox.up()
    left, = answer["leftovers"]
    assert (left["bucket"], left["prefix"], left["target"]) == (sandbox.server.bucket, source + "/", f"{sandbox.mnt}/one"), left
    assert left["endpoint"] == sandbox.server.endpoint and left["pending_names"] == ["file"], left
    flush = sandbox.s3mounts("flush", "--json")
    told(flush)
    assert "earlier run" in flush.json["error"]["message"] and "--left" in flush.json["error"]["hint"]
    assert [m["pending_files"] for m in flush.json["mounts"]] == [0, 0, 0]
    plain = sandbox.s3mounts("flush")
    assert plain.code == PENDING and "not in S3 yet: file" in plain.err and "70000 bytes" in plain.err, plain
    down = sandbox.s3mounts("down", "--json")
    told(down)
    assert [m["state"] for m in down.json["mounts"]] == ["down"] * 3 and sandbox.mounts() == []
    told(sandbox.s3mounts("down", "--json"))
    assert sandbox.keys(source) == []
    assert flush_left(sandbox)["leftovers"] == []
    assert sandbox.get(f"{source}/file") == BODY
    assert sandbox.s3mounts("flush").code == 0 and sandbox.s3mounts("down").code == 0
