"""
test_heal.py - what is broken heals and is told: hung drivers with data that must go, mounts that answer again, renewed credentials, and the
history of each mount.
"""

import os
import re
import shutil
import signal
import time

import pytest

from support import proc, procfs
from support.wire import Wire

SOME, REFUSED, PENDING = 1, 4, 7

def one(sandbox, options=""):
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{options}"


def mount_of(sandbox):
    mount, = sandbox.s3mounts("status", "--json").json["mounts"]
    return mount


def events(mount):
    return [moment["event"] for moment in mount["history"]]


def stopped_with_a_file(sandbox, wire):
    """One mount whose file has not been sent when its driver is stopped; gives the driver's pid."""
    mount, = sandbox.up(one(sandbox), env={"S3_ENDPOINT_URL": wire.endpoint})["mounts"]
    os.listdir(sandbox.mnt / "one")  # rclone knows the folder now: it takes a file without asking S3
    wire.freeze()
    (sandbox.mnt / "one/waits").write_bytes(b"w" * 5000)
    proc.wait_for(lambda: mount_of(sandbox)["pending_bytes"] == 5000, 5, "the file in the cache")
    os.kill(mount["pid"], signal.SIGSTOP)
    wire.thaw()
    return mount["pid"]


def test_down_replaces_a_hung_driver_that_has_data(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        stopped = stopped_with_a_file(sandbox, wire)
        mount, = sandbox.down("--timeout", "30")["mounts"]
        assert (mount["state"], mount["pending_files"]) == ("down", 0)
        assert not procfs.alive(stopped) and sandbox.mounts() == []
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000


def test_flush_replaces_a_hung_driver_that_has_data(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        stopped = stopped_with_a_file(sandbox, wire)
        assert sandbox.s3mounts("flush", "--timeout", "30").code == 0
        assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000
        mount = mount_of(sandbox)
        assert mount["state"] == "up" and mount["pid"] not in (0, stopped) and "hung" in str(mount["notes"])
        sandbox.down()


def test_one_that_answers_again_is_up_by_itself(sandbox):
    pid = sandbox.up(one(sandbox))["mounts"][0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert mount_of(sandbox)["state"] == "unknown"
        proc.wait_for(lambda: mount_of(sandbox)["state"] == "unhealthy", 15, "what its state is")
    finally:
        os.kill(pid, signal.SIGCONT)
    log = sandbox.run / "log"
    proc.wait_for(lambda: log.read_text().rstrip().endswith("/one: up"), 20, "the mount up again, without being asked")
    mount = mount_of(sandbox)
    assert (mount["state"], mount["pid"], mount["restarts"], mount["error"]) == ("up", pid, 0, None)
    told = events(mount)
    assert told[:2] == ["starting", "up"] and told[-2:] == ["unhealthy", "up"] and "does not answer" in told[2]


def test_the_history_of_a_killed_driver(sandbox):
    pid = sandbox.up(one(sandbox))["mounts"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    begin = time.monotonic()
    proc.wait_for(lambda: (m := mount_of(sandbox))["state"] == "up" and m["pid"] != pid, 10, "another driver", every=0.1)
    assert time.monotonic() - begin < 5
    mount = mount_of(sandbox)
    assert mount["restarts"] == 1 and [e for e in events(mount) if "killed by signal 9" in e], mount
    assert events(mount)[-1] == "up"
    words = sandbox.s3mounts("status").err
    assert "restarted 1 time:" in words and re.search(r"\d\dZ .*killed by signal 9", words)


def test_the_history_is_bounded(sandbox):
    sandbox.up(one(sandbox))
    for _ in range(4):
        pid = mount_of(sandbox)["pid"]
        os.kill(pid, signal.SIGKILL)
        proc.wait_for(lambda old=pid: (m := mount_of(sandbox))["state"] == "up" and m["pid"] != old, 20, "another driver", every=0.2)
    assert len(events(mount_of(sandbox))) <= 12 and events(mount_of(sandbox))[-1] == "up"


def test_renewed_credentials_are_told(sandbox):
    """rclone reads its keys once: the mount is flushed and mounted again, and `up` says why."""
    first, = sandbox.up(one(sandbox))["mounts"]
    (sandbox.mnt / "one/file").write_text("kept")
    env = sandbox.server.renewed()
    renewed, = sandbox.up(one(sandbox), env=env)["mounts"]
    assert renewed["pid"] != first["pid"] and "new credentials" in str(renewed["notes"]), renewed
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"kept"
    changed, = sandbox.up(one(sandbox, ":ro"), env=env)["mounts"]
    assert changed["pid"] != renewed["pid"] and "new options" in str(changed["notes"]), changed
    same, = sandbox.up(one(sandbox, ":ro"), env=env)["mounts"]
    assert (same["pid"], same["notes"]) == (changed["pid"], changed["notes"])


def killed_supervisor(sandbox):
    answer = sandbox.up()
    (sandbox.targets[0] / "file").write_bytes(b"k" * 70000)
    os.kill(answer["supervisor"]["pid"], signal.SIGKILL)
    proc.wait_for(lambda: not procfs.alive(answer["supervisor"]["pid"]), 5, "its end")
    return [mount["pid"] for mount in answer["mounts"]]


def test_down_without_a_supervisor_that_was_killed(sandbox):
    """Whoever ends the sandbox has no credentials at hand, and need not have any."""
    drivers = killed_supervisor(sandbox)
    assert [mount["state"] for mount in sandbox.down()["mounts"]] == ["down"] * 3
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"k" * 70000
    assert sandbox.mounts() == [] and not any(map(procfs.alive, drivers))


def test_flush_without_a_supervisor_that_was_killed(sandbox):
    drivers = killed_supervisor(sandbox)
    assert sandbox.s3mounts("flush").code == 0
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"k" * 70000
    assert {mount["pid"] for mount in sandbox.status()["mounts"]} == set(drivers)
    sandbox.down()


@pytest.fixture
def left_behind(sandbox):
    """The driver and the supervisor were killed, and a file waits in the cache. Gives the variables."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        env = {"S3_ENDPOINT_URL": wire.endpoint}
        answer = sandbox.up(one(sandbox), env=env)
        os.listdir(sandbox.mnt / "one")
        wire.freeze()
        (sandbox.mnt / "one/left").write_bytes(b"l" * 70000)
        proc.wait_for(lambda: mount_of(sandbox)["pending_bytes"] == 70000, 5, "the file in the cache")
        for pid in (answer["supervisor"]["pid"], answer["mounts"][0]["pid"]):
            os.kill(pid, signal.SIGKILL)
            proc.wait_for(lambda pid=pid: not procfs.alive(pid), 5, "its end")
        wire.thaw()
        yield env


def test_down_uploads_what_a_killed_run_has_left(sandbox, left_behind):
    assert [m["state"] for m in sandbox.down("--timeout", "40")["mounts"]] == ["down"] and sandbox.mounts() == []
    assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000


def test_another_plan_does_not_forget_what_a_killed_run_has_left(sandbox, left_behind):
    answer = sandbox.up(f"--mount={sandbox.prefixes[1]}:{sandbox.mnt}/two", env=left_behind)
    assert [m["state"] for m in answer["mounts"]] == ["up"]
    assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000
    sandbox.down()


def test_wrong_keys_do_not_touch_what_a_killed_run_has_left(sandbox, left_behind):
    answer = sandbox.up(one(sandbox), env={**left_behind, "S3_ACCESS_SECRET": "wrong"}, code=REFUSED)
    assert answer["ms"] < 5000 and [m["state"] for m in answer["mounts"]] == ["failed"], answer
    flush = sandbox.s3mounts("flush", "--json", "--timeout", "1")
    assert flush.code == PENDING and "left" in flush.out, flush
    sandbox.up(one(sandbox), env=left_behind)
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000


@pytest.mark.parametrize("target", ["two", "one"])
def test_what_cannot_be_uploaded_is_not_forgotten_by_another_plan(sandbox, left_behind, target):
    """The new keys may only read. As long as somebody knows of the file, nobody says that all is in S3."""
    answer = sandbox.up(f"--mount={sandbox.prefixes[1]}:{sandbox.mnt}/{target}", f"--mount={sandbox.prefixes[2]}:{sandbox.mnt}/three",
                        "--timeout", "3", env={**left_behind, **sandbox.server.reader()}, code=SOME)
    left, = [m for m in answer["mounts"] if m["source"].endswith(sandbox.prefixes[0])]
    assert left["error"]["code"] == PENDING and "1 file, 70000 bytes" in left["error"]["message"], left
    flush = sandbox.s3mounts("flush", "--json", "--timeout", "1")
    assert flush.code == PENDING and "left" in flush.out, flush
    assert [m["state"] for m in sandbox.up(one(sandbox), "--timeout", "6", env=left_behind)["mounts"]] == ["up"]
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000


def test_what_a_run_that_nobody_knows_has_left_is_not_forgotten(sandbox, left_behind):
    """Not even by the wrong keys and the other plan that come after it."""
    proc.run(["umount", "-l", sandbox.mnt / "one"])
    shutil.rmtree(sandbox.run)
    sandbox.up(one(sandbox), env={**left_behind, "S3_ACCESS_SECRET": "wrong"}, code=REFUSED)
    flush = sandbox.s3mounts("flush", "--json", "--timeout", "1")
    assert flush.code == PENDING and "left" in flush.out, flush
    answer = sandbox.up(f"--mount={sandbox.prefixes[1]}:{sandbox.mnt}/two", env=left_behind, code=SOME)
    left, = [m for m in answer["mounts"] if m["state"] != "up"]
    assert left["state"] == "down" and left["error"]["code"] == PENDING and "kept in the cache" in left["error"]["message"], left
    sandbox.up(one(sandbox), env=left_behind)
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000


def test_one_that_cannot_go_down_is_not_ended_for_being_late(sandbox):
    """Its driver hangs just as its time to upload is over: that it is not proven before `up` has to answer is not held against it."""
    env = sandbox.server.reader()
    mount, = sandbox.up(one(sandbox), env=env)["mounts"]
    (sandbox.mnt / "one/waits").write_bytes(b"w" * 5000)
    assert sandbox.s3mounts("flush", "--timeout", "1").code == PENDING
    up = sandbox.start("up", "--timeout", "4", f"--mount={sandbox.prefixes[1]}:{sandbox.mnt}/two", env=env)
    time.sleep(2)
    os.kill(mount["pid"], signal.SIGSTOP)
    result = sandbox.finish(up)
    assert "not up within" not in result.err and len(sandbox.mounts()) == 2, result
    sandbox.up(one(sandbox), "--timeout", "8")
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000


def test_keys_that_can_no_longer_upload_are_renewed(sandbox):
    """As when a session's token runs out with files left: the driver that has the new one uploads them."""
    env = sandbox.server.reader()
    sandbox.up(one(sandbox), env=env)
    (sandbox.mnt / "one/late").write_bytes(b"n" * 70000)
    assert sandbox.s3mounts("flush", "--timeout", "1").code == PENDING
    mount, = sandbox.up(one(sandbox), "--timeout", "8")["mounts"]
    assert mount["state"] == "up" and mount["error"] is None and "upload what was not in S3" in str(mount["notes"]), mount
    assert sandbox.s3mounts("flush").code == 0
    assert sandbox.get(f"{sandbox.prefixes[0]}/late") == b"n" * 70000
    sandbox.down()
