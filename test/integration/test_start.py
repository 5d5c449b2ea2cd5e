"""
test_start.py - the supervisor in the foreground: waits without credentials and holds none, mounts at once with them, serves `up`, `down` and
`ready` meanwhile, and on SIGTERM flushes before it ends.
"""

import os
import time

import pytest

from support import procfs
from support.wire import Wire

CREDENTIALS = ("S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET")


def without_credentials(sandbox):
    return {name: "" for name in CREDENTIALS}


@pytest.mark.both
def test_waits_without_credentials_then_serves_up(sandbox):
    with sandbox.started(*sandbox.specs, env=without_credentials(sandbox)) as child:
        assert sandbox.mounts() == [] and sandbox.targets[1].is_dir()
        assert sandbox.s3mounts("ready", "--mounted").code == 6
        up = sandbox.up()
        assert up["supervisor"]["pid"] == child.pid
        assert sandbox.s3mounts("ready", "--mounted").code == 0
        (sandbox.targets[0] / "file").write_text("kept")
        sandbox.down()
        assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"kept"
        assert child.poll() is None and sandbox.s3mounts("ready").code == 0
        sandbox.up()
    assert child.code == 0 and sandbox.mounts() == [] and "waiting for" in child.words
    assert sandbox.s3mounts("ready").code == 6


def test_placeholders_stop_before_an_unknown_variable(sandbox):
    env = {**without_credentials(sandbox), "THREAD_ID": "", "USER_ID": ""}
    with sandbox.started(*sandbox.specs, env=env):
        assert sorted(p.relative_to(sandbox.mnt).as_posix() for p in sandbox.mnt.rglob("*")) == [
            "skills", "skills/system", "threads"]


@pytest.mark.shipped
def test_waiting_it_has_made_the_targets_that_are_known(sandbox):
    """Whoever looks for them before `up` finds them, empty, as without credentials."""
    for target in sandbox.targets:
        if target.exists():
            target.rmdir()
    with sandbox.started("--wait", *sandbox.specs) as child:
        assert all(target.is_dir() for target in sandbox.targets)
    assert "3 placeholder folders stand" in child.words


def test_waiting_it_holds_no_secret(sandbox):
    """With --wait the variables are there, and must be gone from its memory as the kernel shows it, and from its environment."""
    with sandbox.started("--wait", *sandbox.specs) as child:
        assert sandbox.mounts() == []
        secret = sandbox.env["S3_ACCESS_SECRET"].encode()
        assert secret not in procfs.environment(child.pid)
        assert not procfs.memory_holds(child.pid, secret)
        sandbox.up()
        assert not procfs.memory_holds(child.pid, secret), "it keeps the credentials after the mounts are up"


@pytest.mark.both
def test_mounts_at_once_with_credentials(sandbox):
    with sandbox.started(*sandbox.specs) as child:
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
        assert len(sandbox.mounts()) == 3
        (sandbox.targets[2] / "last").write_bytes(b"written right before the end")
    assert child.code == 0 and sandbox.mounts() == []
    assert sandbox.get(f"{sandbox.prefixes[2]}/last") == b"written right before the end"


def test_a_second_one_is_refused(sandbox):
    with sandbox.started(*sandbox.specs, env=without_credentials(sandbox)) as first:
        second = sandbox.s3mounts("start", *sandbox.specs, env=without_credentials(sandbox))
        assert second.code == 6 and f"serves it already, in {sandbox.run}: process {first.pid}, with " in second.err
        assert sandbox.s3mounts("ready").code == 0


def test_a_refused_mount_is_told_and_does_not_end_it(sandbox):
    with sandbox.started(*sandbox.specs, env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}) as child:
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "1").code == 6
        assert sandbox.mounts() == []
        status = sandbox.s3mounts("status", "--json")
        assert status.code == 4 and [mount["state"] for mount in status.json["mounts"]] == 3 * ["failed"]
        assert "the secret key does not belong" in status.json["error"]["message"] and status.json["error"]["hint"]
        sandbox.up()
    assert "the secret key does not belong" in child.words and child.code == 0


def test_what_cannot_be_flushed_in_time_is_told(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        with sandbox.started("--stop-timeout", "2", *sandbox.specs, env={"S3_ENDPOINT_URL": wire.endpoint}) as child:
            assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
            os.listdir(sandbox.targets[0])
            wire.freeze()
            (sandbox.targets[0] / "late").write_bytes(b"not lost")
            begin = time.monotonic()
        assert child.code == 7 and time.monotonic() - begin < 12
        # The driver runs on, and the next `up` takes it over.
        assert [m for m in sandbox.mounts() if str(sandbox.targets[0]) in m[0]]
        status, lines = sandbox.s3mounts("status", "--json"), sandbox.s3mounts("status")
        assert status.code == lines.code == status.json["error"]["code"] == 7, status
        assert status.json["leftovers"][0]["pending_names"] == ["late"] and not status.json["supervisor"], status
        assert "has ended, or was killed" in lines.err and "s3mounts up starts another" in lines.err and "late" in lines.err, lines
        wire.thaw()
        sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        sandbox.down("--timeout", "40")
    assert sandbox.get(f"{sandbox.prefixes[0]}/late") == b"not lost"
