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
    time.sleep(0.3)  # rclone writes down what it has only after close(2), and not at once: that is another test's
    kill(answer["supervisor"]["pid"], *[m["pid"] for m in answer["mounts"] if m["pid"]])
    for target, _, _ in reversed(procfs.all_mounts(sandbox.folder)):
        proc.run(["umount", "-l", target])
    shutil.rmtree(sandbox.run)


def leave(sandbox, source, target="one", files=None, **more):
    """Mounts SOURCE, writes FILES (one of BODY where not given), and crashes."""
    answer = sandbox.up(spec(sandbox, source, target), **more)
    for name, body in (files or {"file": BODY}).items():
        (sandbox.mnt / target / name).write_bytes(body)
    crash(sandbox, answer)
    assert sandbox.keys(source) == []
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
    done = flush_left(sandbox)
    assert done["leftovers"] == [] and done["uploaded"] == [left["folder"]]
    assert sandbox.get(f"{source}/file") == BODY
    assert sandbox.s3mounts("flush").code == 0 and sandbox.s3mounts("down").code == 0


def test_status_tells(sandbox, source):
    leave(sandbox, source)
    alone = sandbox.s3mounts("status", "--json", "--cache-dir", sandbox.cache)
    told(alone)
    sandbox.up()
    told(sandbox.s3mounts("status", "--json"))
    plain = sandbox.s3mounts("status")
    assert plain.code == PENDING and "not in S3 yet: file" in plain.err and "up  " in plain.out, plain
    kill(sandbox.status(code=PENDING)["mounts"][0]["pid"])
    proc.wait_for(lambda: "up" in sandbox.s3mounts("status", "--json").json["mounts"][0]["state"], 10, "healing", every=0.2)
    flush_left(sandbox)
    assert sandbox.status()["leftovers"] == [] and sandbox.get(f"{source}/file") == BODY


def test_run_tells(sandbox, source):
    """At its end, and by its status where CMD's own is 0."""
    leave(sandbox, source)
    argv = ["--cache-dir", sandbox.cache, *sandbox.specs, "--"]
    good = sandbox.s3mounts("run", *argv, "true")
    assert good.code == PENDING and good.err.count("not in S3 yet: file") == 2, good
    bad = sandbox.s3mounts("run", *argv, "sh", "-c", "exit 5")
    assert bad.code == 5 and bad.err.count("not in S3 yet: file") == 2, bad
    flush_left(sandbox)
    clean = sandbox.s3mounts("run", *argv, "true")
    assert clean.code == 0 and "not in S3" not in clean.err, clean


@pytest.mark.parametrize("where", ["its own", "that of up"])
def test_start_tells_at_its_end(sandbox, source, where):
    """In the cache folder that it was given, and in the one that `up` gave it."""
    leave(sandbox, source)
    other = ["--cache-dir", sandbox.folder / "other"] if where == "that of up" else ["--cache-dir", sandbox.cache]
    child = sandbox.start("start", "--wait", *other, *sandbox.specs, env={"S3MOUNTS_CACHE_DIR": ""})
    assert sandbox.s3mounts("ready", "--timeout", "10").code == 0
    sandbox.up()
    child.send_signal(signal.SIGTERM)
    result = sandbox.finish(child, 40)
    assert result.code == PENDING and sandbox.mounts() == [], result
    assert "not in S3 yet: file" in result.err and "70000 bytes" in result.err, result
    flush_left(sandbox)


def test_start_tells_what_its_own_drivers_still_have(sandbox, source):
    """It ends without them; their files have names too."""
    child = sandbox.start("start", "--cache-dir", sandbox.cache, "--stop-timeout", "1", spec(sandbox, source, "one"))
    assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
    (sandbox.mnt / "one/late").write_bytes(BODY)
    child.send_signal(signal.SIGTERM)
    result = sandbox.finish(child, 40)
    assert result.code == PENDING and "not in S3 yet: late" in result.err and "70000 bytes" in result.err, result
    sandbox.up(spec(sandbox, source, "one", "vfs_write_back=1s"), "--timeout", "4")
    sandbox.down()
    assert sandbox.get(f"{source}/late") == BODY


def test_the_cache_folder_of_the_mounts_is_looked_at(sandbox, source):
    """Also where the command that asks names none, or another."""
    leave(sandbox, source)
    sandbox.up()
    for command in ("status", "flush", "down"):
        told(sandbox.s3mounts(command, "--json", "--cache-dir", sandbox.folder / "elsewhere"))
    for command in ("down", "flush"):
        assert sandbox.s3mounts(command, "--cache-dir", sandbox.folder / "elsewhere").code == 0
    flush_left(sandbox)


def test_one_cache_folder_has_one_name(sandbox, source):
    """Told once, by whatever spelling it is given."""
    leave(sandbox, source)
    (sandbox.folder / "link").symlink_to(sandbox.cache)
    sandbox.up()
    for spelling in (f"{sandbox.cache}/", f"{sandbox.folder}/./cache", sandbox.folder / "link"):
        told(sandbox.s3mounts("flush", "--json", "--cache-dir", spelling))
    flush_left(sandbox)


# Whose cache it is


def spellings(endpoint):
    """Of one server."""
    port = urllib.parse.urlsplit(endpoint).port
    return [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}//", f"HTTP://127.0.0.1:{port}",
            f"http://127.0.0.1:0{port}", f"hTTp://127.0.0.1:00{port}/"]


def test_every_spelling_of_the_endpoint_is_the_same_mount(sandbox, source):
    first = sandbox.up(spec(sandbox, source, "one", ""))
    for endpoint in spellings(sandbox.server.endpoint):
        again = sandbox.up(spec(sandbox, source, "one", ""), env={"S3_ENDPOINT_URL": endpoint})
        assert again["mounts"][0]["pid"] == first["mounts"][0]["pid"], endpoint
    sandbox.down()
    assert len(sandbox.caches()) == 1


def test_another_spelling_takes_it_up(sandbox, source):
    """So does another target: it is the same files."""
    for number, endpoint in enumerate(spellings(sandbox.server.endpoint)):
        leave(sandbox, f"{source}/{number}", env={"S3_ENDPOINT_URL": sandbox.server.endpoint})
        answer = sandbox.up(f"--mount={source}/{number}:{sandbox.mnt}/two", env={"S3_ENDPOINT_URL": endpoint})
        assert answer["leftovers"] == [], endpoint
        sandbox.down()
        assert sandbox.get(f"{source}/{number}/file") == BODY, endpoint


def caches(sandbox):
    """Of the drivers that run."""
    lines = [procfs.command_line(pid).split(b"\0") for pid in sandbox.drivers()]
    return sorted(arg.decode() for line in lines for arg in line if arg.startswith(b"--cache-dir="))


def test_two_mounts_of_one_source_have_two_caches(sandbox, source):
    """The second one keeps its own when the first has gone; and whatever either has left is found."""
    both = [spec(sandbox, source, "one"), spec(sandbox, source, "two")]
    answer = sandbox.up(*both)
    assert len(set(caches(sandbox))) == 2
    assert [m["ms"] for m in sandbox.up(*both)["mounts"]] == [0, 0], "they stand as they are wanted"
    assert [m["ms"] for m in sandbox.up(*reversed(both))["mounts"]] == [0, 0], "in whatever order"
    sandbox.up(both[1])
    assert [m["ms"] for m in sandbox.up(both[1])["mounts"]] == [0], "alone too"
    answer = sandbox.up(*both)
    (sandbox.mnt / "one/from-one").write_bytes(BODY)
    (sandbox.mnt / "two/from-two").write_bytes(BODY)
    crash(sandbox, answer)
    assert len(sandbox.s3mounts("flush", "--json").json["leftovers"]) == 2
    # Alone, the second takes up its own, and the first is told.
    answer = sandbox.up(f"--mount={source}:{sandbox.mnt}/two")
    told(sandbox.s3mounts("flush", "--json", "--timeout", "20"), name="from-one")
    assert sandbox.get(f"{source}/from-two") == BODY
    told(sandbox.s3mounts("down", "--json"), name="from-one")
    sandbox.up(f"--mount={source}:{sandbox.mnt}/one")
    sandbox.down()
    assert sandbox.get(f"{source}/from-one") == BODY


def test_a_mount_that_stays_keeps_its_cache(sandbox, source):
    first, = sandbox.up(spec(sandbox, source, "one", ""))["mounts"]
    answer = sandbox.up(spec(sandbox, source, "two", ""), "--keep")
    assert [m["state"] for m in answer["mounts"]] == ["up", "up"] and first["pid"] in [m["pid"] for m in answer["mounts"]]
    assert len(set(caches(sandbox))) == 2
    (sandbox.mnt / "two/file").write_bytes(BODY)
    sandbox.down()
    assert sandbox.get(f"{source}/file") == BODY


def test_one_that_has_failed_keeps_its_cache_too(sandbox, source):
    """Another mount of its source beside it does not take what only it can finish."""
    leave(sandbox, source)
    sandbox.up(spec(sandbox, source, "one", ""), env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, code=REFUSED)
    sandbox.up(spec(sandbox, source, "two", ""), "--keep", code=1)
    answer = sandbox.up(spec(sandbox, source, "one", ""), spec(sandbox, source, "two", ""))
    assert [m["state"] for m in answer["mounts"]] == ["up", "up"]
    sandbox.down()
    assert sandbox.get(f"{source}/file") == BODY


def test_what_waits_is_not_forgotten_when_the_cache_folder_changes(sandbox, source):
    """The same mount with another --cache-dir cannot upload it."""
    leave(sandbox, source)
    sandbox.up(spec(sandbox, source, "one", ""), env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, code=REFUSED)
    result = sandbox.s3mounts("up", "--json", "--cache-dir", sandbox.folder / "other", spec(sandbox, source, "one", ""))
    assert result.json["mounts"][0]["error"]["code"] == PENDING, result
    flush = sandbox.s3mounts("flush", "--timeout", "1", env={"S3MOUNTS_CACHE_DIR": str(sandbox.folder / "other")})
    assert flush.code == PENDING and "not in S3 yet: file" in flush.err, flush
    sandbox.up(spec(sandbox, source, "one", ""))
    sandbox.down()
    assert sandbox.get(f"{source}/file") == BODY


@contextlib.contextmanager
def another(sandbox):
    """A second supervisor with the same cache folder; gives a function that runs its commands."""
    run = sandbox.folder / "run2"

    def command(name, *options, **more):
        return sandbox.s3mounts(name, "--json", "--run-dir", run, *options, **more)

    try:
        yield command
    finally:
        command("down", "--timeout", "15")
        shutil.rmtree(run, ignore_errors=True)


def test_two_supervisors_with_one_cache_folder(sandbox, source):
    """Each has a folder of its own, answers for its own files, and does not take the other's for left."""
    sandbox.up(spec(sandbox, source, "one"))
    with another(sandbox) as other:
        assert other("up", "--cache-dir", sandbox.cache, spec(sandbox, source, "two")).code == 0
        assert len(set(caches(sandbox))) == 2
        (sandbox.mnt / "two/file").write_bytes(BODY)
        flush = sandbox.s3mounts("flush", "--json")
        assert flush.code == 0 and flush.json["leftovers"] == [], flush
        mine = other("flush", "--timeout", "1")
        assert mine.code == PENDING and mine.json["leftovers"] == [], mine
        assert other("up", "--timeout", "4", "--cache-dir", sandbox.cache, f"--mount={source}:{sandbox.mnt}/two").code == 0
        assert other("down", "--timeout", "20").code == 0
    assert sandbox.get(f"{source}/file") == BODY
    sandbox.down()


# By itself it takes the lock as a driver does, says so, and holds it.
HOLDER = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("holds", flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def held(sandbox, folder):
    log = sandbox.folder / f"holder-{folder.name}"
    holder = proc.spawn([sys.executable, "-c", HOLDER, folder], log=log)
    proc.wait_for(lambda: b"holds" in log.read_bytes(), 10, "the lock")
    try:
        yield
    finally:
        proc.stop(holder)


def test_no_driver_starts_in_a_cache_that_another_holds(sandbox, source):
    """It and the one with the target in its name are both taken: nothing is started, and the folder is named."""
    both = [spec(sandbox, source, "one", ""), spec(sandbox, source, "two", "")]
    sandbox.up(*both)
    sandbox.down()
    with contextlib.ExitStack() as stack:
        for folder in sandbox.caches():
            stack.enter_context(held(sandbox, folder))
        answer = sandbox.up(both[1], code=MOUNT)
        message = answer["mounts"][0]["error"]["message"]
        assert str(sandbox.cache) in message and "another" in message, message
        assert sandbox.mounts() == [] and caches(sandbox) == []
    sandbox.up(both[1])
    sandbox.down()


def test_a_driver_holds_its_cache_and_its_supervisors_death_changes_nothing(sandbox, source):
    answer = sandbox.up(spec(sandbox, source, "one"))
    folder, = sandbox.caches()
    locked = ["flock", "--nonblock", "--shared", folder, "true"]
    assert proc.run(locked, check=False).returncode == 1
    kill(answer["supervisor"]["pid"])
    assert proc.run(locked, check=False).returncode == 1
    (sandbox.mnt / "one/file").write_bytes(BODY)
    kill(answer["mounts"][0]["pid"])
    proc.wait_for(lambda: proc.run(locked, check=False).returncode == 0, 5, "the kernel to let it go")
    sandbox.up(spec(sandbox, source, "one", ""), "--timeout", "4")
    sandbox.down()
    assert sandbox.get(f"{source}/file") == BODY


# In place of the driver that was killed: what it had started has the same lock, and lives on for as long as it is told to.
HEIR = """
import fcntl, os, sys, time
folder = os.open(sys.argv[1], os.O_RDONLY)
print("waits", flush=True)
fcntl.flock(folder, fcntl.LOCK_EX)
print("has it", flush=True)
time.sleep(float(sys.argv[2]))
"""


def test_what_a_killed_driver_has_started_may_hold_its_cache_for_a_moment(sandbox, source):
    """It is waited for."""
    answer = sandbox.up(spec(sandbox, source, "one"))
    pid = answer["mounts"][0]["pid"]
    folder, = sandbox.caches()
    log = sandbox.folder / "heir"
    heir = proc.spawn([sys.executable, "-c", HEIR, folder, 1], log=log)
    proc.wait_for(lambda: b"waits" in log.read_bytes(), 10, "the heir")
    time.sleep(0.2)  # it stands first in the kernel's queue
    kill(pid)
    proc.wait_for(lambda: b"has it" in log.read_bytes(), 10, "the lock")
    try:
        def again():
            mount, = sandbox.s3mounts("status", "--json").json["mounts"]
            return mount["state"] == "up" and mount["pid"] != pid and mount

        assert proc.wait_for(again, 10, "another driver", every=0.2)["restarts"] == 1
    finally:
        proc.stop(heir)
    sandbox.down()


# flush --left


def test_many_are_uploaded(sandbox, source):
    """More than go at once, byte for byte, in folders and by odd names; what is mounted meanwhile is flushed too."""
    files = {f"{source}/{n}": {"e": b"", "a b": os.urandom(5000), "ü'\n$x": os.urandom(100)} for n in range(11)}
    answer = sandbox.up(*[spec(sandbox, prefix, f"m{n}") for n, prefix in enumerate(files)])
    for n, (prefix, bodies) in enumerate(files.items()):
        for name, body in bodies.items():
            (sandbox.mnt / f"m{n}" / "sub").mkdir(exist_ok=True)
            (sandbox.mnt / f"m{n}" / "sub" / name).write_bytes(body)
    crash(sandbox, answer)
    assert sandbox.keys(source) == []
    told_of = sandbox.s3mounts("flush", "--json").json["leftovers"]
    assert sorted(left["prefix"] for left in told_of) == sorted(f"{prefix}/" for prefix in files)
    assert {left["pending_files"] for left in told_of} == {3}
    sandbox.up()
    (sandbox.targets[0] / "mine").write_bytes(BODY)
    flush_left(sandbox)
    assert sandbox.get(f"{sandbox.prefixes[0]}/mine") == BODY
    for prefix, bodies in files.items():
        assert {name: sandbox.get(f"{prefix}/sub/{name}") for name in bodies} == bodies
    assert [m["state"] for m in sandbox.status()["mounts"]] == ["up"] * 3


def test_options_that_rename_the_cache_are_kept(sandbox, source):
    """An --s3-… option makes it "s3mounts{…}": without it the driver would not find the file."""
    answer = sandbox.up(spec(sandbox, source, "one", f"{SLOW},s3_chunk_size=6M"))
    (sandbox.mnt / "one/file").write_bytes(BODY)
    crash(sandbox, answer)
    assert [p.name for p in sandbox.cache.glob("*/vfsMeta/*")] != ["s3mounts"]
    told(sandbox.s3mounts("flush", "--json"))
    flush_left(sandbox)
    assert sandbox.get(f"{source}/file") == BODY


def test_without_credentials(sandbox, source):
    """Exit code 3; and where nothing is left none are needed."""
    none = {name: "" for name in ("S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET")}
    assert sandbox.s3mounts("flush", "--left", env=none).code == 0
    leave(sandbox, source)
    assert flush_left(sandbox, code=3, env=none)["error"]["code"] == 3
    told(sandbox.s3mounts("flush", "--json"))
    flush_left(sandbox)


def test_wrong_keys_lose_nothing(sandbox, source):
    leave(sandbox, source)
    result = flush_left(sandbox, code=REFUSED, env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"})
    assert "SignatureDoesNotMatch" in result["error"]["message"], result
    left, = result["leftovers"]
    assert left["error"]["code"] == REFUSED and left["pending_names"] == ["file"], left
    flush_left(sandbox)
    assert sandbox.get(f"{source}/file") == BODY


def test_keys_that_may_only_read(sandbox, source):
    """It is mounted, cannot be uploaded in the time, and goes down again."""
    leave(sandbox, source)
    result = flush_left(sandbox, "--timeout", "4", code=PENDING, env=sandbox.server.reader())
    left, = result["leftovers"]
    assert left["pending_names"] == ["file"] and left["error"]["code"] == PENDING, left
    assert not procfs.of_folder(sandbox.run)
    flush_left(sandbox)
    assert sandbox.get(f"{source}/file") == BODY


def test_what_belongs_elsewhere_is_named(sandbox, source):
    """Another bucket, another site: not touched with these credentials; what matches is uploaded all the same."""
    bucket, client = f"other-{sandbox.thread}", sandbox.server.client()
    client.create_bucket(Bucket=bucket)
    leave(sandbox, f"s3://{bucket}/p", "two")
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        leave(sandbox, f"{source}/wire", "three", env={"S3_ENDPOINT_URL": wire.endpoint})
        leave(sandbox, source)
        result = flush_left(sandbox, code=PENDING)
        assert sandbox.get(f"{source}/file") == BODY
        assert sorted((left["bucket"], left["endpoint"]) for left in result["leftovers"]) == sorted(
            [(bucket, sandbox.server.endpoint), (sandbox.server.bucket, wire.endpoint)]), result
        for left in result["leftovers"]:
            assert left["bucket"] in left["error"]["message"] and left["endpoint"] in left["error"]["message"], left
        assert client.list_objects_v2(Bucket=bucket).get("Contents") is None
        flush_left(sandbox, code=PENDING, env={"S3_BUCKET_NAME": bucket})
        assert client.get_object(Bucket=bucket, Key="p/file")["Body"].read() == BODY
        flush_left(sandbox, env={"S3_ENDPOINT_URL": wire.endpoint})
    assert sandbox.get(f"{source}/wire/file") == BODY
    client.delete_object(Bucket=bucket, Key="p/file")
    client.delete_bucket(Bucket=bucket)


def test_without_a_bucket_every_bucket_of_the_site_is_meant(sandbox, source):
    leave(sandbox, source)
    flush_left(sandbox, env={"S3_BUCKET_NAME": "", "THREAD_ID": "", "USER_ID": ""})
    assert sandbox.get(f"{source}/file") == BODY


@pytest.mark.parametrize("whom", ["command", "command and supervisor", "all"])
def test_killed_in_the_middle(sandbox, source, whom):
    """Not "all of it is in S3" meanwhile; a second one finishes it; and nothing of the first stays."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        env = {"S3_ENDPOINT_URL": wire.endpoint}
        leave(sandbox, source, env=env)
        place = sandbox.run / "left"
        command = sandbox.start("flush", "--left", "--cache-dir", sandbox.cache, env=env)
        proc.wait_for(lambda: sandbox.mounts(), 10, "the mount")
        wire.freeze()
        assert place.stat().st_mode & 0o777 == 0o700
        busy = sandbox.s3mounts("flush", "--json", "--left", "--cache-dir", sandbox.cache, env=env)
        assert busy.code == PENDING and "another" in busy.json["error"]["message"], busy
        command.kill()
        sandbox.finish(command)
        ours = [pid for pid in sandbox.processes() if str(place).encode() in procfs.command_line(pid) or pid in procfs.of_folder(place)]
        drivers = [pid for pid in sandbox.drivers() if b"rclone" in procfs.command_line(pid)]
        supervisors = [procfs.parent(pid) for pid in drivers]
        assert ours and len(drivers) == 1
        if whom != "command":
            kill(*supervisors)
        if whom == "all":
            kill(*drivers)
        for name in ("flush", "status"):
            result = sandbox.s3mounts(name, "--json")
            assert result.json["leftovers"][0]["pending_names"] == ["file"], result
        assert sandbox.s3mounts("flush").code == PENDING
        wire.thaw()
        flush_left(sandbox, env=env)
        assert sandbox.get(f"{source}/file") == BODY
    assert sandbox.mounts() == [] and caches(sandbox) == []


def test_down_takes_the_rest_of_a_killed_one_with_it(sandbox, source):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        env = {"S3_ENDPOINT_URL": wire.endpoint}
        leave(sandbox, source, env=env)
        command = sandbox.start("flush", "--left", "--cache-dir", sandbox.cache, env=env)
        proc.wait_for(lambda: sandbox.mounts(), 10, "the mount")
        time.sleep(0.3)  # it is proven, and waits for the upload
        wire.freeze()
        command.kill()
        sandbox.finish(command)
        left = told(sandbox.s3mounts("down", "--json", "--timeout", "2"))
        assert left["target"] == f"{sandbox.mnt}/one"
        assert sandbox.mounts() == [] and not (sandbox.run / "left").exists() and caches(sandbox) == []
        wire.thaw()
        flush_left(sandbox, env=env)


def test_what_the_supervisor_has_given_up_is_uploaded_too(sandbox, source):
    """Its keys ran out: it holds nothing any more, and says so."""
    leave(sandbox, source)
    sandbox.up(spec(sandbox, source, "one"), env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, code=REFUSED)
    assert sandbox.s3mounts("flush", "--timeout", "1").code == PENDING
    flush_left(sandbox)
    assert sandbox.get(f"{source}/file") == BODY
    sandbox.down()


# What lies in a cache folder


def test_a_cache_of_the_version_before(sandbox, source):
    """No description, and another name: known by its paths. What it says of the prefix may be deeper than that was; the keys are the same."""
    leave(sandbox, f"{source}/deep", files={"file": BODY})
    folder, = sandbox.caches()
    (folder / "origin").unlink()
    folder.rename(sandbox.cache / ("0123456789abcdef" * 2))
    left = told(sandbox.s3mounts("flush", "--json"))
    assert (left["endpoint"], left["bucket"], left["prefix"]) == ("", sandbox.server.bucket, f"{source}/deep/"), left
    sandbox.up()
    flush_left(sandbox)
    assert sandbox.get(f"{source}/deep/file") == BODY


def test_a_cache_of_which_too_little_is_known(sandbox, source):
    """Neither description nor options: it is told, with what would help."""
    answer = sandbox.up(spec(sandbox, source, "one", f"{SLOW},s3_chunk_size=6M"))
    (sandbox.mnt / "one/file").write_bytes(BODY)
    crash(sandbox, answer)
    folder, = sandbox.caches()
    (folder / "origin").write_bytes(b"\xff" * 100)
    left, = flush_left(sandbox, code=PENDING)["leftovers"]
    assert left["pending_names"] == ["file"] and "not known" in left["error"]["message"], left
    sandbox.up(spec(sandbox, source, "one", "s3_chunk_size=6M"))
    sandbox.down()
    assert sandbox.get(f"{source}/file") == BODY


def test_the_description_holds_no_secret_and_is_closed(sandbox, source):
    sandbox.up(spec(sandbox, source, "one", ""))
    origin, = sandbox.cache.glob("*/origin")
    assert origin.stat().st_mode & 0o777 == 0o600
    text = origin.read_bytes()
    assert source.encode() in text and sandbox.server.endpoint.encode() in text
    assert sandbox.server.secret.encode() not in text and sandbox.server.key_id.encode() not in text
    sandbox.down()


def test_links_and_strange_folders_are_none_of_ours(sandbox, source, tmp_path):
    """Nothing is read through a link, whoever planted it; a name that is no id is somebody else's."""
    leave(sandbox, source)
    folder, = sandbox.caches()
    elsewhere = tmp_path / folder.name
    folder.rename(elsewhere)
    (sandbox.cache / ("0" * 32)).symlink_to(elsewhere)
    (sandbox.cache / ("1" * 32)).mkdir()
    (sandbox.cache / ("1" * 32) / "vfsMeta").symlink_to(elsewhere / "vfsMeta")
    (sandbox.cache / ("2" * 32)).write_text("a file")
    shutil.copytree(elsewhere, sandbox.cache / "rclone")
    os.mkfifo(sandbox.cache / ("3" * 32))
    result = sandbox.s3mounts("flush", "--json")
    assert all(left["pending_files"] < 1 for left in result.json["leftovers"]), result
    (sandbox.cache / ("1" * 32) / "vfsMeta").unlink()
    assert sandbox.s3mounts("flush").code == 0
    elsewhere.rename(sandbox.cache / folder.name)
    told(sandbox.s3mounts("flush", "--json"))
    flush_left(sandbox)


def nobody(sandbox):
    sandbox.folder.chmod(0o755)
    return {"under": ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], "env": {"HOME": str(sandbox.folder)}}


def test_a_cache_that_cannot_be_read_is_not_empty(sandbox, source):
    leave(sandbox, source)
    sandbox.cache.chmod(0o755)
    folder, = sandbox.caches()
    for name in ("flush", "down"):
        result = sandbox.s3mounts(name, "--json", "--run-dir", sandbox.folder / "theirs", **nobody(sandbox))
        left, = result.json["leftovers"]
        assert result.code == PENDING and left["pending_files"] == -1 and left["folder"] == str(folder), result
        assert "Permission denied" in result.json["error"]["message"], result
    for mode in (0o744, 0o700):  # its names can be read, and no more; not even these
        sandbox.cache.chmod(mode)
        result = sandbox.s3mounts("flush", "--json", "--run-dir", sandbox.folder / "theirs", **nobody(sandbox))
        assert result.code == PENDING and "Permission denied" in result.json["error"]["message"], result
    flush_left(sandbox)


def test_another_users_cache_is_told_and_not_mounted(sandbox, source):
    """What he says of where his files belong is not believed, and root's keys upload nothing of his."""
    leave(sandbox, source)
    folder, = sandbox.caches()
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, fuse.NOBODY, fuse.NOBODY, follow_symlinks=False)
    left, = flush_left(sandbox, code=8)["leftovers"]
    assert left["endpoint"] == "" and left["pending_files"] == 1 and "65534" in left["error"]["message"], left
    assert sandbox.keys(source) == []
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 0, 0)
    flush_left(sandbox)


def test_names_cannot_write_on_the_terminal(sandbox, source):
    leave(sandbox, source, files={"\x1b[2Jx": BODY})
    result = sandbox.s3mounts("flush")
    assert result.code == PENDING and "\x1b" not in result.err, result
    flush_left(sandbox)


def test_a_root_that_is_not_there_has_nothing(sandbox):
    for command in ("flush", "down"):
        assert sandbox.s3mounts(command, "--json", "--cache-dir", sandbox.folder / "none").json["leftovers"] == []


def metadata(folder, count, dirty="false"):
    """A cache as rclone leaves it."""
    top = folder / "vfsMeta/s3mounts/b/p"
    for n in range(count):
        (top / str(n % 100)).mkdir(parents=True, exist_ok=True)
        (top / str(n % 100) / str(n)).write_text(json.dumps({"Size": 5, "Rs": [], "Fingerprint": "", "Dirty": dirty == "true"}))


def test_all_are_counted_and_many_are_named(sandbox):
    for n in range(300):
        metadata(sandbox.cache / f"{n:032x}", 1, "true")
    result = sandbox.s3mounts("flush", "--json")
    assert result.code == PENDING and len(result.json["leftovers"]) == 256, result
    assert "300 files, 1500 bytes in 300 cache folders" in result.json["error"]["message"], result
    shutil.rmtree(sandbox.cache)


def test_what_is_clean_is_passed_over_quickly(sandbox):
    for n in range(4):
        metadata(sandbox.cache / f"{n:032x}", 5000)
    result = sandbox.s3mounts("flush", "--json")
    assert result.code == 0 and result.seconds < 5, result
