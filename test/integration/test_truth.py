"""
test_truth.py - what the program says is so: findings of a review, each a test.

Mounts that another supervisor or none looks after, that something else covers, whose driver hangs; files that an earlier run has left;
verdicts; who may speak for the supervisor, and what it keeps, uses and survives.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import time

import pytest

from support import fuse, proc, procfs
from support.wire import Wire

REFUSED, MOUNT, PENDING, FAULT = 4, 6, 7, 8


def one(sandbox, options=""):
    """A single mount, as an option."""
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{options}"


def kill(*pids):
    """All at once, as a crash does, and waits until they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not any(map(procfs.alive, pids)), 5, "their end")


def words(result):
    return result.out + result.err


# Mounts that this call knows nothing of


def test_mounts_of_another_run_dir_are_told(sandbox):
    """No supervisor answers here, but a mount of the program stands: it is named."""
    sandbox.up(one(sandbox))
    for command in ("down", "flush", "status"):
        result = sandbox.s3mounts(command, "--run-dir", sandbox.folder / "other")
        assert result.code == (MOUNT if command == "status" else 0), result
        assert f"{sandbox.mnt}/one" in words(result) and "--run-dir" in words(result), result
    assert (sandbox.mnt / "one").is_mount()
    sandbox.down()
    for command in ("down", "flush"):
        result = sandbox.s3mounts(command, "--run-dir", sandbox.folder / "other", env={"S3MOUNTS_CACHE_DIR": str(sandbox.cache)})
        assert result.code == 0 and f"{sandbox.mnt}/one" not in words(result), result


# Files that an earlier run has left


def test_refused_credentials_leave_an_earlier_supervisors_mount_alone(sandbox):
    spec, file = one(sandbox, ":vfs_write_back=6s"), sandbox.mnt / "one/file"
    before = sandbox.up(spec)
    driver = before["mounts"][0]["pid"]
    file.write_text("waits")
    kill(before["supervisor"]["pid"])
    sandbox.up(spec, env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, code=REFUSED)
    assert procfs.alive(driver) and [m[0] for m in sandbox.mounts()] == [f"{sandbox.mnt}/one"]
    assert file.read_text() == "waits" and os.listdir(sandbox.mnt / "one") == ["file"]
    assert sandbox.keys(sandbox.prefixes[0]) == [], "it was uploaded too soon for this test to mean anything"
    assert sandbox.up(spec)["mounts"][0]["pid"] == driver
    result = sandbox.s3mounts("flush", "--timeout", "40")
    assert result.code == 0 and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"waits", result
    sandbox.down()


def test_files_that_a_killed_run_has_left_are_told(sandbox):
    """A cold resume: the processes and RUN are gone, the cache is there. Only `up` can upload it."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        env, cache = {"S3_ENDPOINT_URL": wire.endpoint}, ("--cache-dir", sandbox.cache)
        answer = sandbox.up(one(sandbox), env=env)
        os.listdir(sandbox.mnt / "one")  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        (sandbox.mnt / "one/left").write_bytes(b"l" * 70000)
        proc.wait_for(lambda: sandbox.status()["mounts"][0]["pending_bytes"] == 70000, 5, "the file in the cache")
        kill(answer["supervisor"]["pid"], answer["mounts"][0]["pid"])
        proc.run(["umount", "-l", sandbox.mnt / "one"])
        wire.thaw()
        shutil.rmtree(sandbox.run)
        for command in ("down", "flush"):
            result = sandbox.s3mounts(command, *cache)
            assert result.code == PENDING, result
            assert "earlier run" in words(result) and "s3mounts up" in words(result), result
        assert sandbox.keys(sandbox.prefixes[0]) == []
        sandbox.up(one(sandbox), env=env)
        sandbox.down(*cache)
        assert sandbox.get(f"{sandbox.prefixes[0]}/left") == b"l" * 70000
        sandbox.down(*cache)


# Something else is mounted over a mount


@contextlib.contextmanager
def covered(folder):
    """A tmpfs over FOLDER; its source is what must be told."""
    fuse.mount("tmpfs-of-somebody", folder, "tmpfs")
    try:
        yield
        assert (str(folder), "tmpfs", "tmpfs-of-somebody") in procfs.mounts(folder), "it has been unmounted"
    finally:
        with contextlib.suppress(OSError):
            fuse.detach(folder)


def assert_covered(sandbox, pid):
    mount, = sandbox.status(code=MOUNT)["mounts"]
    assert (mount["state"], mount["pid"]) == ("unhealthy", pid), mount
    assert "tmpfs" in mount["error"]["message"], mount


def assert_up_again(sandbox, pid):
    """The same driver, untouched, as soon as the cover has gone."""
    proc.wait_for(lambda: sandbox.s3mounts("status").code == 0, 5, "status up", every=0.3)
    mount, = sandbox.status()["mounts"]
    assert (mount["state"], mount["pid"], mount["restarts"], mount["error"]) == ("up", pid, 0, None)
    assert [m[1] for m in sandbox.mounts()] == ["fuse.rclone"]
    assert (sandbox.mnt / "one/file").read_text() == "ours"


@pytest.fixture
def standing(sandbox):
    """One mount with a file in it; gives the driver's pid."""
    mount, = sandbox.up(one(sandbox))["mounts"]
    (sandbox.mnt / "one/file").write_text("ours")
    return mount["pid"]


def test_a_covered_parent_is_told_and_left_alone(sandbox, standing):
    with covered(sandbox.mnt):
        for pause in (0, 4):  # at once, and after all that a supervisor might undertake
            time.sleep(pause)
            assert_covered(sandbox, standing)
        assert os.listdir(sandbox.mnt) == [], "nothing has been made in it"
        assert sandbox.drivers() == [standing]
    assert_up_again(sandbox, standing)


def test_a_covered_target_is_told_and_left_alone(sandbox, standing):
    target = sandbox.mnt / "one"
    with covered(target):
        (target / "precious").write_text("theirs")
        assert_covered(sandbox, standing)
        result = sandbox.s3mounts("up", "--json", "--timeout", "5", one(sandbox))
        assert result.code == MOUNT and "tmpfs" in result.out, result
        assert "up" not in [m["state"] for m in result.json["mounts"]], result
        time.sleep(4)
        assert_covered(sandbox, standing)
        assert sandbox.drivers() == [standing] and (target / "precious").read_text() == "theirs"
    assert_up_again(sandbox, standing)


def assert_not_down(sandbox):
    result = sandbox.s3mounts("down", "--json", "--timeout", "5")
    assert result.code != 0 and "down" not in [m["state"] for m in result.json["mounts"]], result
    assert "fuse.rclone" in [m[1] for m in sandbox.mounts()]


@pytest.mark.parametrize("where", ["one", "."], ids=["target", "parent"])
def test_what_is_covered_is_not_down(sandbox, standing, where):
    with covered(sandbox.mnt / where):
        assert_not_down(sandbox)
    sandbox.down()
    assert not procfs.alive(standing) and sandbox.mounts() == []
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"ours"


def test_what_is_covered_and_dead_is_not_down(sandbox, standing):
    """The driver is gone, but its mount stands under the cover until that goes."""
    proc.wait_for(lambda: sandbox.keys(sandbox.prefixes[0]), 10, "the file in S3", every=0.2)
    with covered(sandbox.mnt / "one"):
        kill(standing)
        time.sleep(4)
        assert_not_down(sandbox)
    sandbox.up(one(sandbox))
    assert (sandbox.mnt / "one/file").read_text() == "ours"
    sandbox.down()
    assert sandbox.mounts() == []


# Verdicts and states


def test_a_bad_verdict_is_not_lost(sandbox):
    """Whichever comes first, S3's verdict or the proof that the mount still stands."""
    bucket, client = f"gone-{sandbox.thread}", sandbox.server.client()
    specs = [f"--mount=s3://{bucket}/x:{sandbox.mnt}/gone", one(sandbox)]

    def assert_told(*options):
        gone, good = sandbox.up(*options, code=1)["mounts"]
        assert gone["check"]["verdict"] == "no-such-bucket" and gone["error"] and gone["error"]["code"] == REFUSED, gone
        assert (good["state"], good["error"]) == ("up", None), good

    client.create_bucket(Bucket=bucket)
    sandbox.up(*specs)
    client.delete_bucket(Bucket=bucket)
    for _ in range(20):
        assert_told(*specs)
    assert_told(specs[0], f"{specs[1]}:ro")


def test_a_stopped_driver_is_not_told_as_up(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        mount, = sandbox.up(one(sandbox), env={"S3_ENDPOINT_URL": wire.endpoint})["mounts"]
        os.listdir(sandbox.mnt / "one")  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        (sandbox.mnt / "one/waits").write_bytes(b"w" * 5000)
        proc.wait_for(lambda: sandbox.status()["mounts"][0]["pending_bytes"] == 5000, 5, "the file in the cache")
        os.kill(mount["pid"], signal.SIGSTOP)
        try:
            told, = sandbox.down("--timeout", "2", code=PENDING)["mounts"]
            assert told["state"] != "up" and told["pending_files"] == 1, told
        finally:
            with contextlib.suppress(ProcessLookupError):  # a pause of the machine meanwhile: replaced
                os.kill(mount["pid"], signal.SIGCONT)
        wire.thaw()
        sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"w" * 5000


# The supervisor


@pytest.mark.shipped
def test_the_supervisor_forgets_the_secret(sandbox):
    secret = sandbox.env["S3_ACCESS_SECRET"].encode()
    for options in ("", ":ro"):
        pid = sandbox.up(one(sandbox, options))["supervisor"]["pid"]
        assert not procfs.memory_holds(pid, secret)
        assert secret not in procfs.environment(pid)


def test_a_caller_that_ignores_sigchld(sandbox):
    """What is ignored stays so over fork and exec: then no child can be waited for."""
    answer = sandbox.up(one(sandbox), preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    killed = answer["mounts"][0]["pid"]
    kill(killed)

    def healed():
        mount, = sandbox.s3mounts("status", "--json").json["mounts"]
        return mount["state"] == "up" and mount["pid"] not in (0, killed)

    proc.wait_for(healed, 10, "another driver", every=0.3)
    sandbox.down()
    proc.wait_for(lambda: not procfs.alive(answer["supervisor"]["pid"]), 5, "the end of the supervisor")


def test_it_ends_in_order_without_its_run_dir(sandbox):
    supervisor = sandbox.up(one(sandbox))["supervisor"]["pid"]
    (sandbox.mnt / "one/file").write_text("kept")
    shutil.rmtree(sandbox.run)
    os.kill(supervisor, signal.SIGTERM)
    proc.wait_for(lambda: not procfs.alive(supervisor), 15, "the end of the supervisor")
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"kept"


def test_silent_clients_cost_nothing(sandbox):
    """More than there are places for."""
    supervisor = sandbox.up(one(sandbox))["supervisor"]["pid"]
    with contextlib.ExitStack() as clients:
        for _ in range(70):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(5)
            client.connect(str(sandbox.run / "control"))
        before = procfs.cpu_seconds(supervisor)
        time.sleep(2)
        used = procfs.cpu_seconds(supervisor) - before
    assert used < 0.2 * 2, f"{used} s of 2"
    assert sandbox.status()["supervisor"]["pid"] == supervisor


# The one argument is RUN. The answer is an empty report: "nothing is mounted". What is asked goes to stdout.
POSER = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
server = socket.socket(socket.AF_UNIX)
server.bind("control")
server.listen()
print("listens", flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(1)
        try:
            os.write(1, connection.recv(1 << 20))
            connection.sendall(bytes(4))
        except OSError:
            pass
"""


def test_another_user_cannot_pose_as_the_supervisor(sandbox):
    """Not believed, and not told the secret either."""
    sandbox.run.mkdir(0o700)
    os.chown(sandbox.run, fuse.NOBODY, fuse.NOBODY)
    log = sandbox.folder / "poser.log"
    poser = proc.spawn([sys.executable, "-c", POSER, sandbox.run], log=log)
    try:
        proc.wait_for(lambda: b"listens" in log.read_bytes(), 10, "the poser")
        os.chown(sandbox.run, 0, 0)
        for command, *options in (["status"], ["down"], ["flush"], ["up", one(sandbox)]):
            result = sandbox.s3mounts(command, *options)
            said = words(result)
            assert result.code == FAULT and ("65534" in said or "nobody" in said) and "nothing is mounted" not in said, result
        assert sandbox.server.secret.encode() not in log.read_bytes()
    finally:
        proc.stop(poser)
        shutil.rmtree(sandbox.run)


def test_a_cache_that_was_taken_away_is_unknown(sandbox):
    """What waited in it is gone, and no listing of an empty folder says so."""
    mount, = sandbox.up(one(sandbox, ":vfs_write_back=1h"))["mounts"]
    (sandbox.mnt / "one/lost").write_bytes(b"l" * 5000)
    folder, = (path.parent for path in sandbox.cache.glob("*/origin"))
    folder.rename(sandbox.folder / "away")
    result = sandbox.s3mounts("flush", "--timeout", "2")
    assert result.code == PENDING and "was taken away" in result.err + result.out and "all of it" not in result.out, result
    kill(mount["pid"])
    proc.wait_for(lambda: sandbox.s3mounts("down", "--timeout", "5").code == 0, 20, "down, with another driver")
