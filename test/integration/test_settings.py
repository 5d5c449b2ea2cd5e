"""
test_settings.py - a mount that stays is started again only with settings that are its own: those of its S3 endpoint, in its file, which S3 has
accepted. Each test ends with the driver's end, and the file that waited for it must reach S3 by the mount's own endpoint.
"""

import os
import signal
import subprocess

import pytest

from support import proc
from support.wire import Wire

USAGE, REFUSED, MOUNT = 2, 4, 6


def spec(sandbox, name):
    return f"--mount={sandbox.prefixes[0]}/{name}:{sandbox.mnt}/{name}"


@pytest.fixture
def other(sandbox):
    """The same S3 by another endpoint, as variables."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.wire = wire
        yield {"S3_ENDPOINT_URL": wire.endpoint}


@pytest.fixture
def config(sandbox):
    """The mount `one` is up; gives the file with its settings."""
    sandbox.up(spec(sandbox, "one"))
    return sandbox.run / "rclone.conf"


def kill_with_a_file(sandbox):
    (sandbox.mnt / "one/waits").write_bytes(b"precious")
    os.kill(sandbox.status_of("one")["pid"], signal.SIGKILL)


def assert_heals(sandbox):
    kill_with_a_file(sandbox)
    proc.wait_for(lambda: sandbox.status_of("one")["state"] == "up", 15, "the mount healed")
    assert sandbox.s3mounts("flush").code == 0
    assert sandbox.get(f"{sandbox.prefixes[0]}/one/waits") == b"precious"


def test_another_endpoint_beside_one_that_stays_is_refused(sandbox, config, other):
    before, taken = config.read_bytes(), sandbox.wire.accepted
    error = sandbox.up("--keep", spec(sandbox, "two"), env=other, code=USAGE)["error"]
    assert f"{sandbox.mnt}/one" in error["message"] and sandbox.server.endpoint in error["message"], error
    assert "--run-dir" in error["hint"] and config.read_bytes() == before
    assert_heals(sandbox)
    assert sandbox.wire.accepted == taken


def test_another_config_beside_one_that_stays_is_refused(sandbox, config):
    before, elsewhere = config.read_bytes(), sandbox.folder / "other.conf"
    sandbox.up("--keep", spec(sandbox, "two"), "--config", elsewhere, code=USAGE)
    assert config.read_bytes() == before and not elsewhere.exists()
    assert_heals(sandbox)


@pytest.mark.parametrize("more", [(), ("--config", "other.conf")], ids=["same file", "other file"])
def test_a_busy_mount_keeps_its_settings(sandbox, config, other, more):
    before = config.read_bytes()
    more = [sandbox.folder / option if option.endswith(".conf") else option for option in more]
    with subprocess.Popen(["sleep", "60"], cwd=sandbox.mnt / "one") as user:
        error = sandbox.up(spec(sandbox, "one"), "--timeout", "12", *more, env=other, code=MOUNT)["error"]
        user.kill()
    assert f"{sandbox.mnt}/one still stands" in error["message"], error
    assert config.read_bytes() == before and not (sandbox.folder / "other.conf").exists()
    taken = sandbox.wire.accepted
    assert_heals(sandbox)
    assert sandbox.wire.accepted == taken


def test_one_that_goes_down_makes_room_for_another_endpoint(sandbox, config, other):
    sandbox.up(spec(sandbox, "one"), env=other)
    assert sandbox.wire.endpoint in config.read_text()
    assert_heals(sandbox)


def test_keys_that_s3_refuses_replace_none_that_work(sandbox, config):
    before = config.read_bytes()
    sandbox.up("--keep", spec(sandbox, "two"), env=sandbox.server.nobody(), code=REFUSED)
    assert config.read_bytes() == before
    assert_heals(sandbox)


def test_keys_that_s3_takes_serve_one_that_stays(sandbox, config):
    new = sandbox.server.renewed()
    sandbox.up("--keep", spec(sandbox, "two"), env=new)
    assert new["S3_ACCESS_KEY_ID"] in config.read_text()
    assert_heals(sandbox)


def test_settings_that_somebody_else_wrote_start_no_driver(sandbox, config, other):
    taken = sandbox.wire.accepted
    assert sandbox.s3mounts("config", "--config", config, env=other).code == 0
    kill_with_a_file(sandbox)
    proc.wait_for(lambda: "of another S3 endpoint" in str(sandbox.status_of("one")["error"]), 15, "the refusal")
    assert sandbox.wire.accepted == taken and sandbox.s3mounts("flush", "--timeout", "2").code != 0
    sandbox.up(spec(sandbox, "one"))
    assert sandbox.s3mounts("flush").code == 0
    assert sandbox.get(f"{sandbox.prefixes[0]}/one/waits") == b"precious"
