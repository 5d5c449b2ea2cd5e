"""test_down.py - `s3mounts down` loses nothing: what was written is in the bucket when it exits 0, and else it says what is not."""

import os
import subprocess
import time

import pytest

from support import proc, procfs
from support.wire import Wire


@pytest.mark.both
def test_exit_0_means_that_every_byte_is_in_s3(sandbox):
    sandbox.up()
    target, prefix = sandbox.targets[0], sandbox.prefixes[0]
    big = os.urandom(12 << 20)
    (target / "big").write_bytes(big)
    for n in range(20):
        (target / f"small-{n}").write_text(f"{n}")
    answer = sandbox.down()
    assert sandbox.get(f"{prefix}/big") == big
    assert len(sandbox.keys(f"{prefix}/small-")) == 20
    assert [m["state"] for m in answer["mounts"]] == ["down"] * 3
    assert sandbox.mounts() == [] and sandbox.leftovers(patience=2) == []


def test_json_has_the_fields_of_the_contract(sandbox):
    sandbox.up()
    answer = sandbox.down()
    assert set(answer) == {"command", "ok", "code", "ms", "error", "mounts", "leftovers", "uploaded", "others"}
    assert (answer["command"], answer["ok"], answer["error"]) == ("down", True, None)
    for mount, target, prefix in zip(answer["mounts"], sandbox.targets, sandbox.prefixes):
        assert mount == {"target": str(target), "source": f"s3mounts:{sandbox.server.bucket}/{prefix}", "driver": "rclone",
                         "state": "down", "pending_files": 0, "pending_bytes": 0, "pending_names": [], "pending_reasons": [],
                         "error": None}


def test_nothing_is_mounted(sandbox):
    for _ in range(2):
        assert sandbox.down()["mounts"] == []
    assert "nothing" in sandbox.s3mounts("down").err
    assert sandbox.processes() == []


def test_twice(sandbox):
    sandbox.up()
    assert len(sandbox.down()["mounts"]) == 3
    assert sandbox.down()["mounts"] == []


def test_up_after_down(sandbox):
    for n in range(2):
        sandbox.up()
        (sandbox.targets[0] / f"round-{n}").write_text("")
        sandbox.down()
        assert sandbox.mounts() == []
    assert len(sandbox.keys(f"{sandbox.prefixes[0]}/round-")) == 2


def test_the_config_and_its_secret_are_gone(sandbox):
    sandbox.up()
    assert sandbox.server.secret in (sandbox.run / "rclone.conf").read_text()
    sandbox.down()
    left = [p for p in sandbox.run.rglob("*") if p.is_file() and sandbox.server.secret.encode() in p.read_bytes()]
    assert left == [] and not (sandbox.run / "rclone.conf").exists() and not (sandbox.run / "control").exists()


@pytest.mark.both
def test_s3_gone_drops_nothing(sandbox):
    """The server stops answering while a file waits to be uploaded; then it comes back."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        target, prefix = sandbox.targets[0], sandbox.prefixes[0]
        os.listdir(target)  # rclone knows the folder now: it can take a file without asking S3
        wire.freeze()
        (target / "waits").write_bytes(b"w" * 70000)
        answer = sandbox.down("--timeout", "3", code=7)
        mount = answer["mounts"][0]
        assert (mount["pending_files"], mount["pending_bytes"]) == (1, 70000)
        assert [name for name in mount["pending_names"] if name.endswith("waits")]
        assert 3000 <= answer["ms"] < 8000
        assert str(target) in [m[0] for m in sandbox.mounts()], "the mount that holds the data stays"
        status = sandbox.status(code=1)
        assert [m["state"] for m in status["mounts"]] == ["up", "down", "down"] and procfs.alive(status["mounts"][0]["pid"])
        result = sandbox.s3mounts("down", "--timeout", "1")
        assert result.code == 7 and "waits" in result.err and "70000" in result.err.replace(",", "").replace(" ", ""), result
        wire.thaw()
        sandbox.down()
        assert sandbox.get(f"{prefix}/waits") == b"w" * 70000


def test_a_file_that_is_still_open(sandbox):
    """Its data is not in S3 before it is closed: down must not say 0 and drop it."""
    sandbox.up()
    with open(sandbox.targets[0] / "open", "wb") as file:
        file.write(b"o" * 5000)
        file.flush()
        sandbox.s3mounts("down", "--timeout", "2", "--json")
        assert sandbox.history[-1].code in (6, 7)
        assert str(sandbox.targets[0]) in [m[0] for m in sandbox.mounts()]
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/open") == b"o" * 5000


@pytest.fixture
def inside(sandbox):
    """One mount, and a process whose working directory is in it."""
    target = sandbox.mnt / "one"
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{target}")
    process = subprocess.Popen(["sleep", "60"], cwd=target)
    yield process
    process.kill()
    process.wait()


def test_a_busy_target(sandbox, inside):
    mount, = sandbox.down("--timeout", "2", code=6)["mounts"]
    assert mount["error"]["code"] == 6 and "in use" in mount["error"]["message"] and mount["state"] == "up"
    assert [m[0] for m in sandbox.mounts()] == [str(sandbox.mnt / "one")]
    (sandbox.mnt / "one/file").write_text("it still works")
    inside.kill()
    inside.wait()
    sandbox.down()
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"it still works"


def test_a_busy_target_is_free_in_time(sandbox, inside):
    """Within its time down tries again, and needs no second call."""
    child = sandbox.start("down", "--json")
    time.sleep(0.5)
    assert child.poll() is None
    inside.kill()
    inside.wait()
    result = sandbox.finish(child, timeout=5)
    assert result.code == 0 and sandbox.mounts() == [], result


def test_lazy_takes_a_busy_one_down(sandbox, inside):
    (sandbox.mnt / "one/file").write_text("flushed first")
    sandbox.down("--lazy", "--timeout", "10")
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"flushed first"


def test_a_driver_that_hangs(sandbox):
    """SIGSTOP: nothing answers on the mount. Down ends within its time and says so."""
    mount = sandbox.up()["mounts"][0]
    os.kill(mount["pid"], 19)
    begin = time.monotonic()
    result = sandbox.s3mounts("down", "--timeout", "4", "--json")
    assert time.monotonic() - begin < 10
    if result.code != 0:
        assert result.code in (6, 7), result
        if procfs.alive(mount["pid"]):
            os.kill(mount["pid"], 18)


def test_unmounted_by_somebody_else(sandbox):
    """Nothing is left there, so it is down (or mounted again): never an error, never a leftover."""
    sandbox.up()
    (sandbox.targets[0] / "kept").write_text("kept")
    proc.run(["umount", sandbox.targets[0]])
    time.sleep(0.3)
    sandbox.down()
    assert sandbox.mounts() == []
    # rclone keeps what it had not uploaded in its cache; the supervisor's new driver, or the next up, uploads it.
    sandbox.up()
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/kept") == b"kept"


def test_connections_that_died_while_it_slept(sandbox):
    """As after a memory resume: every TCP connection is dead, the mounts are not."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        answer = sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        (sandbox.targets[0] / "before").write_text("before")
        time.sleep(1.5)
        wire.cut()
        (sandbox.targets[0] / "after").write_text("after")
        assert (sandbox.targets[0] / "before").read_text() == "before"
        sandbox.down()
    assert sorted(sandbox.keys(f"{sandbox.prefixes[0]}/")) == [f"{sandbox.prefixes[0]}/{n}" for n in ("after", "before")]
    assert answer["ok"]
