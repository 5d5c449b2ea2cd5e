"""test_up.py - `s3mounts up`: three mounts that are really there, seen from both sides."""

import contextlib
import os
import pathlib
import re
import signal
import stat
import time

import pytest

from support import proc, procfs
from support.guest import Guest
from support.wire import Wire

pytestmark = pytest.mark.both


def serves(target):
    try:
        os.statvfs(target)
        os.listdir(target)
        return [fstype for _, fstype, _ in procfs.mounts(target)] == ["fuse.rclone"]
    except OSError:
        return False


def kill(*pids):
    """All at once, as a crash does, and waits until they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not any(map(procfs.alive, pids)), 5, "their end")


def waiting_at(sandbox):
    """How many have connected to the supervisor and were not accepted yet: the kernel lists them under the name of the socket that listens."""
    return pathlib.Path("/proc/net/unix").read_text().count(f" {sandbox.run}/control\n") - 1


def everybody(answer):
    return [answer["supervisor"]["pid"], *(m["pid"] for m in answer["mounts"])]


def test_three_mounts_both_ways(sandbox):
    for prefix in sandbox.prefixes:
        sandbox.put(f"{prefix}/from-s3-{sandbox.user}", prefix.encode())
    answer = sandbox.up()
    assert [m["target"] for m in answer["mounts"]] == list(map(str, sandbox.targets))
    assert sorted(sandbox.mounts()) == sorted(
        (str(target), "fuse.rclone", f"s3mounts:{sandbox.server.bucket}/{prefix}")
        for target, prefix in zip(sandbox.targets, sandbox.prefixes))
    for target, prefix in zip(sandbox.targets, sandbox.prefixes):
        assert (target / f"from-s3-{sandbox.user}").read_bytes() == prefix.encode()
        (target / f"from-sandbox-{sandbox.user}").write_bytes(b"written in " + prefix.encode())
    sandbox.down()
    for prefix in sandbox.prefixes:
        assert sandbox.get(f"{prefix}/from-sandbox-{sandbox.user}") == b"written in " + prefix.encode()


def test_json_has_the_fields_of_the_contract(sandbox):
    answer = sandbox.up()
    assert set(answer) >= {"command", "ok", "code", "ms", "supervisor", "error", "mounts"}
    assert (answer["command"], answer["ok"], answer["code"], answer["error"]) == ("up", True, 0, None)
    assert procfs.alive(answer["supervisor"]["pid"])
    for mount, prefix in zip(answer["mounts"], sandbox.prefixes):
        assert set(mount) == {"target", "source", "driver", "state", "pid", "ms", "notes", "check", "error"}
        assert mount["source"] == f"s3mounts:{sandbox.server.bucket}/{prefix}"
        assert (mount["driver"], mount["state"], mount["error"]) == ("rclone", "up", None)
        assert procfs.command_line(mount["pid"]).split(b"\0")[1] == b"mount"
        assert 0 < mount["ms"] <= answer["ms"]
        check = mount["check"]
        assert set(check) == {"verdict", "http_status", "s3_code", "cause", "hint", "region", "skew_seconds", "ms"}
        assert (check["verdict"], check["http_status"], check["s3_code"]) == ("ok", 200, "")


def test_plain_lines_for_people(sandbox):
    result = sandbox.s3mounts("up", *sandbox.specs)
    assert (result.code, result.out) == (0, "")
    for target, prefix in zip(sandbox.targets, sandbox.prefixes):
        assert re.search(rf"^up +{re.escape(str(target))} +s3mounts:{sandbox.server.bucket}/{re.escape(prefix)} +rclone pid \d+, \d+ ms",
                         result.err, re.M), result


def test_second_up_leaves_healthy_mounts_alone(sandbox):
    first, second = sandbox.up(), sandbox.up()
    assert [m["pid"] for m in first["mounts"]] == [m["pid"] for m in second["mounts"]]
    assert first["supervisor"] == second["supervisor"]
    assert len(sandbox.mounts()) == 3


@pytest.mark.parametrize("count", [2, 6])
def test_several_at_once(sandbox, count):
    """All end well, and there is one of everything."""
    results = [sandbox.finish(child) for child in [sandbox.start("up", "--json", *sandbox.specs) for _ in range(count)]]
    for result in results:
        assert result.code == 0, result
    assert len({tuple(m["pid"] for m in r.json["mounts"]) for r in results}) == 1
    assert len(sandbox.mounts()) == 3 and len(sandbox.drivers()) == 3


@pytest.mark.parametrize("order", [("down", "up"), ("up", "down")], ids=" ".join)
def test_up_and_down_at_once(sandbox, order):
    """One after the other, as they have come; the last one wins, and both have done what they say."""
    pid = sandbox.up()["supervisor"]["pid"]
    proc.wait_for(lambda: waiting_at(sandbox) == 0, 5, "the end of the first connection")
    os.kill(pid, signal.SIGSTOP)
    children = []
    for command in order:
        children.append(sandbox.start(command, "--json", *(sandbox.specs if command == "up" else [])))
        proc.wait_for(lambda: waiting_at(sandbox) == len(children), 5, "its place in the queue")
    os.kill(pid, signal.SIGCONT)
    for command, result in zip(order, map(sandbox.finish, children)):
        assert (result.json["command"], result.code) == (command, 0), result
    assert len(sandbox.mounts()) == (3 if order[-1] == "up" else 0)


def test_up_and_down_at_once_whoever_comes_first(sandbox):
    sandbox.up()
    both = [sandbox.start("down", "--json"), sandbox.start("up", "--json", *sandbox.specs)]
    for result in map(sandbox.finish, both):
        assert result.code == 0, result
    assert len(sandbox.mounts()) in (0, 3)
    sandbox.up()


def test_a_later_up_adds_a_mount(sandbox):
    first = sandbox.up()
    second = sandbox.up(*sandbox.specs, f"--mount=docs:{sandbox.mnt}/docs")
    assert [m["pid"] for m in second["mounts"]][:3] == [m["pid"] for m in first["mounts"]]
    assert len(sandbox.mounts()) == 4


def test_a_later_up_takes_down_what_it_does_not_name(sandbox):
    """The call is the whole plan; what leaves it goes down in order, its files in S3. --keep leaves it."""
    sandbox.up()
    (sandbox.targets[0] / "file").write_text("flushed")
    sandbox.up("--keep", f"--mount=docs:{sandbox.mnt}/docs")
    assert len(sandbox.mounts()) == 4
    sandbox.up(f"--mount=docs:{sandbox.mnt}/docs")
    assert [m[0] for m in sandbox.mounts()] == [f"{sandbox.mnt}/docs"]
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"flushed"


def test_a_later_up_with_a_wrong_secret_harms_nothing(sandbox):
    first = sandbox.up()
    sandbox.up(env={"S3_ACCESS_SECRET": "wrong-but-long-enough"}, code=4)
    assert [m["pid"] for m in sandbox.status()["mounts"]] == [m["pid"] for m in first["mounts"]]
    (sandbox.targets[0] / "file").write_text("still works")
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"still works"


def test_end_of_file_comes_at_once(sandbox):
    """Whoever runs `up` reads its pipes to their end: the drivers and the supervisor must not hold them."""
    begin = time.monotonic()
    answer = sandbox.up(timeout=20)
    assert time.monotonic() - begin < 10
    for pid in everybody(answer):
        assert procfs.alive(pid)
        assert not [path for path in procfs.open_files(pid)[:3] if path.startswith("pipe:")]


def test_no_process_pins_a_folder_or_is_a_zombie(sandbox):
    answer = sandbox.up()
    supervisor = answer["supervisor"]["pid"]
    for pid in [supervisor, *sandbox.drivers()]:
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert [pid for pid in procfs.children(supervisor) if not procfs.alive(pid)] == []


def test_the_run_folder_is_closed_to_others(sandbox):
    sandbox.up()
    assert stat.S_IMODE(sandbox.run.stat().st_mode) == 0o700
    assert stat.S_IMODE((sandbox.run / "rclone.conf").stat().st_mode) == 0o600
    assert stat.S_ISSOCK((sandbox.run / "control").stat().st_mode)


@pytest.mark.parametrize("make", ["link", "open", "foreign"])
def test_a_run_folder_that_others_can_reach_is_refused(sandbox, make):
    if make == "link":
        (sandbox.folder / "elsewhere").mkdir(mode=0o700)
        sandbox.run.symlink_to(sandbox.folder / "elsewhere")
    else:
        sandbox.run.mkdir(mode=0o700)
        os.chmod(sandbox.run, 0o777 if make == "open" else 0o700)
        os.chown(sandbox.run, 65534 if make == "foreign" else 0, 0)
    result = sandbox.s3mounts("up", "--json", *sandbox.specs)
    assert result.code == 8 and str(sandbox.run) in result.json["error"]["message"], result
    assert sandbox.mounts() == [] and sandbox.processes() == []
    sandbox.run.unlink() if make == "link" else sandbox.run.rmdir()


def test_run_and_cache_folder_by_variable(sandbox):
    env = {**sandbox.env, "S3MOUNTS_RUN_DIR": str(sandbox.run), "S3MOUNTS_CACHE_DIR": str(sandbox.cache)}
    proc.run([sandbox.binary, "up", *sandbox.specs], env=env)
    assert (sandbox.run / "control").exists() and sandbox.cache.is_dir()
    proc.run([sandbox.binary, "down"], env=env)
    assert sandbox.mounts() == []


def test_a_long_run_folder(sandbox):
    """A Unix socket's path has 108 bytes: one that is longer is refused in words."""
    run, sandbox.run = sandbox.run, sandbox.folder / ("x" * 120)
    result = sandbox.s3mounts("up", "--json", *sandbox.specs)
    assert result.code == 2 and str(sandbox.run) in result.json["error"]["message"], result
    assert not sandbox.run.exists() and sandbox.mounts() == []
    sandbox.run = run


# What stands at the target already


def one(sandbox):
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one"


def test_target_is_a_file(sandbox):
    (sandbox.mnt / "one").write_text("a file")
    answer = sandbox.up(one(sandbox), code=6)
    assert str(sandbox.mnt / "one") in answer["mounts"][0]["error"]["message"]
    assert (sandbox.mnt / "one").read_text() == "a file"
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_target_is_not_empty(sandbox):
    (sandbox.mnt / "one").mkdir()
    (sandbox.mnt / "one" / "covered").write_text("here before")
    mount, = sandbox.up(one(sandbox))["mounts"]
    assert mount["state"] == "up" and any("empty" in note for note in mount["notes"])
    assert os.listdir(sandbox.mnt / "one") == []
    sandbox.down()
    assert (sandbox.mnt / "one" / "covered").read_text() == "here before"


def test_target_through_a_link(sandbox):
    (sandbox.folder / "real").mkdir()
    (sandbox.mnt / "one").symlink_to(sandbox.folder / "real")
    sandbox.up(one(sandbox))
    assert [m[0] for m in sandbox.mounts()] == [str(sandbox.folder / "real")]


def test_somebody_elses_mount(sandbox):
    (sandbox.mnt / "one").mkdir()
    proc.run(["mount", "-t", "tmpfs", "theirs", sandbox.mnt / "one"])
    mount, = sandbox.up(one(sandbox), code=6)["mounts"]
    assert "tmpfs" in mount["error"]["message"] and mount["error"]["code"] == 6
    assert sandbox.mounts() == [(str(sandbox.mnt / "one"), "tmpfs", "theirs")] and sandbox.drivers() == []
    proc.run(["umount", sandbox.mnt / "one"])


def test_another_source_at_the_target(sandbox):
    """The plan has changed: what is there goes down in order, its files in S3, before the new one comes."""
    sandbox.up(one(sandbox))
    (sandbox.mnt / "one/written").write_text("for the old one")
    sandbox.put(f"docs/{sandbox.thread}", b"")
    sandbox.up(f"--mount=docs:{sandbox.mnt}/one")
    assert sandbox.get(f"{sandbox.prefixes[0]}/written") == b"for the old one"
    assert [m[2] for m in sandbox.mounts()] == [f"s3mounts:{sandbox.server.bucket}/docs"]
    assert sandbox.thread in os.listdir(sandbox.mnt / "one") and len(sandbox.drivers()) == 1


def test_some_hold_and_some_do_not(sandbox):
    (sandbox.mnt / "file").write_text("")
    bad = f"--mount=docs:{sandbox.mnt}/file"
    answer = sandbox.up(one(sandbox), bad, code=1)
    assert [m["state"] for m in answer["mounts"]] == ["up", "failed"]
    assert [m["error"] and m["error"]["code"] for m in answer["mounts"]] == [None, 6]
    assert len(sandbox.mounts()) == 1


def test_nofail_is_told_but_does_not_count(sandbox):
    (sandbox.mnt / "file").write_text("")
    answer = sandbox.up(one(sandbox), f"--mount=docs:{sandbox.mnt}/file:nofail")
    assert [m["state"] for m in answer["mounts"]] == ["up", "failed"]
    assert answer["mounts"][1]["error"]["code"] == 6


# Credentials that are not there

CREDENTIALS = {"S3_ENDPOINT_URL": "", "S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": "", "S3_BUCKET_NAME": ""}


def test_without_credentials_placeholders_are_made(sandbox):
    answer = sandbox.up(env=CREDENTIALS, code=3)
    assert answer["placeholders"] == list(map(str, sandbox.targets)) and answer["mounts"] == []
    assert all(target.is_dir() for target in sandbox.targets)
    assert sandbox.mounts() == [] and sandbox.processes() == []
    sandbox.up()


def test_without_any_variable_the_known_part_is_made(sandbox):
    answer = sandbox.up(env={**CREDENTIALS, "THREAD_ID": "", "USER_ID": ""}, code=3)
    assert sorted(answer["placeholders"]) == sorted(f"{sandbox.mnt}/{part}" for part in ("threads", "skills/system", "skills"))
    assert (sandbox.mnt / "skills/system").is_dir() and (sandbox.mnt / "threads").is_dir()


@pytest.mark.parametrize("missing", ["S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_BUCKET_NAME"])
def test_an_incomplete_set_is_a_usage_error(sandbox, missing):
    answer = sandbox.up(env={missing: ""}, code=2)
    assert missing in answer["error"]["message"] and answer["mounts"] == []
    assert sandbox.mounts() == [] and sandbox.processes() == []


def test_aws_names_serve_where_ours_are_absent(sandbox):
    env = sandbox.env
    env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = env.pop("S3_ACCESS_KEY_ID"), env["S3_ACCESS_SECRET"]
    env["AWS_ENDPOINT_URL_S3"], env["AWS_ENDPOINT_URL"] = env.pop("S3_ENDPOINT_URL"), "http://127.0.0.1:1"
    del env["S3_ACCESS_SECRET"]
    sandbox.up()


# Drivers and supervisors that die


def test_the_supervisor_replaces_a_driver_that_died(sandbox):
    mount, *others = sandbox.up()["mounts"]
    kill(mount["pid"])
    proc.wait_for(lambda: serves(mount["target"]), 15, "the mount to be served again")
    proc.wait_for(lambda: sandbox.status()["mounts"][0]["state"] == "up", 10, "state up")
    status = sandbox.status()
    healed = status["mounts"][0]
    assert healed["pid"] != mount["pid"] and healed["restarts"] == 1
    assert [m["pid"] for m in status["mounts"][1:]] == [m["pid"] for m in others]
    assert len(sandbox.mounts()) == 3
    assert [p for p in procfs.children(status["supervisor"]["pid"]) if not procfs.alive(p)] == []


def test_up_clears_what_a_crash_left(sandbox):
    answer = sandbox.up()
    kill(*everybody(answer))
    assert not any(map(serves, sandbox.targets))
    sandbox.up()
    assert all(map(serves, sandbox.targets)) and len(sandbox.mounts()) == 3


def test_up_after_the_supervisor_alone_died(sandbox):
    answer = sandbox.up()
    (sandbox.targets[0] / "file").write_text("kept")
    kill(answer["supervisor"]["pid"])
    sandbox.up()
    assert all(map(serves, sandbox.targets)) and len(sandbox.mounts()) == 3 and len(sandbox.drivers()) == 3
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"kept"


def test_dirty_files_of_a_run_that_was_killed_reach_s3(sandbox):
    """A cold resume: all processes are gone, the disk is there."""
    answer = sandbox.up()
    (sandbox.targets[0] / "dirty").write_bytes(b"d" * 100000)
    time.sleep(0.3)  # the kernel tells rclone of the last close after close(2) has returned
    kill(*everybody(answer))
    assert sandbox.keys(f"{sandbox.prefixes[0]}/dirty") == [], "it was uploaded too soon for this test to mean anything"
    sandbox.up()
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/dirty") == b"d" * 100000


# Default places


def test_default_mounts_in_the_default_places(binary, server, tmp_path):
    guest = Guest(binary, tmp_path)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", **server.environment(), "THREAD_ID": "t-default", "USER_ID": "u-default"}

    def command(*argv):
        child = guest.popen(["s3mounts", *argv], env)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, out + err

    try:
        command("up")
        places = {"/mnt/r2/threads/t-default": "threads/t-default", "/mnt/r2/skills/system": "skills/system",
                  "/mnt/r2/skills/u-default": "skills/u-default"}
        assert {m[0] for m in guest.mounts()} == set(places)
        assert (guest.root / "run/s3mounts/control").exists() and (guest.root / "var/cache/s3mounts").is_dir()
        for target in places:
            (guest.root / target[1:] / "default").write_text(target)
        command("down")
        assert guest.mounts() == []
        proc.wait_for(lambda: not guest.processes(), 2, "the end of the supervisor")
    finally:
        guest.stop()
    for target, prefix in places.items():
        assert server.client().get_object(Bucket=server.bucket, Key=f"{prefix}/default")["Body"].read().decode() == target


def test_an_s3_that_hangs_is_named_by_up_as_by_check(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        wire.freeze()
        answer = sandbox.up("--timeout", "3", code=5, env={"S3_ENDPOINT_URL": wire.endpoint})
    assert "no answer in time" in answer["error"]["message"] and answer["error"]["hint"], answer["error"]
