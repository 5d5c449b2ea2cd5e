"""test_status.py - `s3mounts status`: every mount as it is."""

import os
import re
import signal

import pytest

from support import procfs
from support.wire import Wire


def test_fields(sandbox):
    up = sandbox.up()
    status = sandbox.status()
    assert set(status) == {"command", "ok", "code", "supervisor", "error", "mounts", "leftovers", "others"}
    assert (status["command"], status["ok"], status["supervisor"], status["error"]) == ("status", True, up["supervisor"], None)
    for now, then in zip(status["mounts"], up["mounts"]):
        assert set(now) == {"target", "source", "driver", "state", "pid", "memory_kib", "pending_files", "pending_bytes", "pending_names",
                            "pending_reasons", "restarts", "notes", "history", "error"}
        assert {key: now[key] for key in ("target", "source", "driver", "state", "pid")} == {
            key: then[key] for key in ("target", "source", "driver", "state", "pid")}
        assert (now["pending_files"], now["pending_bytes"], now["restarts"], now["error"]) == (0, 0, 0, None)
        assert [moment["event"] for moment in now["history"]] == ["starting", "up"]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment["at"]) for moment in now["history"])
        assert 1000 < now["memory_kib"] < 300000
        assert now["memory_kib"] >= 0.5 * procfs.pss_kib(now["pid"])


def test_none_runs(sandbox):
    status = sandbox.status(code=6)
    assert status["supervisor"] is None and status["ok"] is False and status["mounts"] == []
    assert sandbox.s3mounts("status").code == 6


def test_pending_is_counted(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.targets[1])  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        for n in range(3):
            (sandbox.targets[1] / f"pending-{sandbox.thread}-{n}").write_bytes(b"p" * 1000)
        mounts = sandbox.status()["mounts"]
        assert [(m["pending_files"], m["pending_bytes"]) for m in mounts] == [(0, 0), (3, 3000), (0, 0)]
        wire.thaw()
        sandbox.down()
    assert len(sandbox.keys(f"skills/system/pending-{sandbox.thread}-")) == 3


def test_lines_for_people(sandbox):
    sandbox.up()
    result = sandbox.s3mounts("status")
    assert result.code == 0
    for target in sandbox.targets:
        assert re.search(rf"^.*\bup\b.*{re.escape(str(target))}.*$|^.*{re.escape(str(target))}.*\bup\b.*$", result.out + result.err, re.M), result


def test_it_answers_while_a_driver_hangs(sandbox):
    pid = sandbox.up()["mounts"][0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        result = sandbox.s3mounts("status", "--json", timeout=10)
        assert len(result.json["mounts"]) == 3 and result.seconds < 8
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.shipped
def test_memory_of_the_supervisor(sandbox):
    """At most 1 MiB."""
    pid = sandbox.up()["supervisor"]["pid"]
    assert 0 < procfs.pss_kib(pid) <= 1024
