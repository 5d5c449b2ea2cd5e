"""
test_neighbour.py - another user of the same machine, who plants links, folders, sockets and programs where root's s3mounts will
read, write, mount or execute; and whoever gives it a file that is none, or far too large.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from support import fuse, proc, procfs
from support.sandbox import PATH

USAGE, MOUNT, FAULT = 2, 6, 8
NOBODY = fuse.NOBODY
VICTIM = "root:*:19000:0:99999:7:::\n"


@pytest.fixture
def theirs(sandbox):
    """A folder of the other user, whom nothing keeps from getting there."""
    sandbox.folder.chmod(0o755)
    folder = sandbox.folder / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    return folder


@pytest.fixture
def victim(sandbox):
    """A file of root's, which must stay as it is."""
    path = sandbox.folder / "victim"
    path.write_text(VICTIM)
    path.chmod(0o600)
    before = path.stat()
    yield path
    after = path.stat()
    assert path.read_text() == VICTIM and (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def as_nobody(action):
    """Runs ACTION() as the other user; gives its words, or the exception's."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writable, str(action()).encode())
        except BaseException as failure:  # noqa: B902 - the child must end here
            os.write(writable, str(failure).encode())
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as said:
        words = said.read().decode()
    os.waitpid(child, 0)
    return words


def one(sandbox):
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one"


def refused(sandbox, result, code, *words):
    """By these words, at once, with nothing left."""
    assert result.code == code and all(str(word) in result.out + result.err for word in words), result
    assert result.seconds < 20 and sandbox.mounts() == [], result
    sandbox.leftovers(patience=3)
    assert sandbox.drivers() == []


# What is planted where the config shall be

PLANTS = {
    "link": lambda path, victim: path.symlink_to(victim),
    "hard link": lambda path, victim: os.link(victim, path),
    "fifo": lambda path, victim: os.mkfifo(path),
    "folder": lambda path, victim: path.mkdir(),
    "socket": lambda path, victim: socket.socket(socket.AF_UNIX).bind(str(path)),
    "their own": lambda path, victim: (path.write_text("[s3mounts]\ntype = local\n"), os.chown(path, NOBODY, NOBODY)),
}


@pytest.mark.parametrize("mode", [0o1777, 0o755], ids=["sticky", "their folder"])
@pytest.mark.parametrize("plant", PLANTS)
def test_a_config_in_a_folder_of_others(sandbox, theirs, victim, plant, mode):
    path = theirs / "rclone.conf"
    PLANTS[plant](path, victim)
    if mode & stat.S_ISVTX:
        os.chown(theirs, 0, 0)
    theirs.chmod(mode)
    for command in ("config", "up"):
        refused(sandbox, sandbox.s3mounts(command, "--config", path, one(sandbox)), FAULT, path)
    assert [entry.name for entry in theirs.iterdir()] == ["rclone.conf"]


def test_a_config_that_is_a_hard_link_of_another_file(sandbox, victim):
    """In a folder of our own: the name is given a new file, the old one stays as it is."""
    folder = sandbox.folder / "conf"
    folder.mkdir(mode=0o700)
    os.link(victim, folder / "rclone.conf")
    victim.write_text("")
    result = sandbox.s3mounts("config", "--config", folder / "rclone.conf", one(sandbox))
    assert result.code == 0 and victim.read_text() == "", result
    victim.write_text(VICTIM)


# The run folder, the cache


@pytest.mark.parametrize("above", ["theirs", "theirs/between"])
def test_a_run_folder_that_another_user_can_swap(sandbox, theirs, above):
    """Its own mode is in order, but who owns a folder above it can put another in its place, with a mount helper for root."""
    sandbox.run = sandbox.folder / above / "run"
    sandbox.run.parent.mkdir(exist_ok=True)
    sandbox.run.mkdir(mode=0o700)
    refused(sandbox, sandbox.s3mounts("up", one(sandbox)), FAULT, sandbox.run, "another user")
    assert list(sandbox.run.iterdir()) == []


def test_a_run_folder_by_a_link_of_roots_own(sandbox):
    """As /var/run is one."""
    (sandbox.folder / "real").mkdir()
    (sandbox.folder / "link").symlink_to("real")
    sandbox.run = sandbox.folder / "link/run"
    sandbox.up(one(sandbox))
    sandbox.down()


def plant_in_run(sandbox, name, plant, victim):
    path = sandbox.run / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    PLANTS[plant](path, victim)


# Without a lock, a config and a control socket nothing can be. What can be replaced, in a folder that is ours alone, is: a socket, the links of the mount
# helper. A pipe can be locked as well as a file. The supervisor's log it can do without; ca.pem is for TLS.
IN_THE_WAY = {"control": ["folder"], "lock": ["link", "folder"], "rclone.conf": ["link", "fifo", "folder"], "bin/fusermount3": ["folder"]}


def up_or_in_the_way(sandbox, name, in_the_way):
    result = sandbox.s3mounts("up", "--timeout", "8", one(sandbox))
    if in_the_way:
        refused(sandbox, result, FAULT, sandbox.run / name)
    else:
        assert result.code == 0, result
        sandbox.down()
    shutil.rmtree(sandbox.run)


@pytest.mark.parametrize("plant", ["link", "fifo", "folder"])
@pytest.mark.parametrize("name", ["control", "lock", "log", "rclone.conf", "ca.pem", "bin/fusermount3"])
def test_what_lies_in_the_run_folder_from_before(sandbox, victim, name, plant):
    """It was open to others once, and is no more. No victim is written to, nothing hangs, and what is in the way is named."""
    sandbox.run.mkdir(mode=0o700)
    plant_in_run(sandbox, name, plant, victim)
    up_or_in_the_way(sandbox, name, plant in IN_THE_WAY.get(name, ()))


@pytest.mark.parametrize("plant", ["link", "fifo", "folder"])
@pytest.mark.parametrize("kind", ["log", "driver"])
def test_what_lies_at_a_drivers_files(sandbox, victim, kind, plant):
    """A driver cannot be without its log, and its errors. What names an earlier driver, and does not, is passed over."""
    sandbox.up(one(sandbox))
    name, = [path.name for path in sandbox.run.glob("*.driver")]
    sandbox.down()
    name = name.replace("driver", kind)
    (sandbox.run / name).unlink(missing_ok=True)
    plant_in_run(sandbox, name, plant, victim)
    up_or_in_the_way(sandbox, name, kind == "log")


def test_a_mount_helper_that_was_planted_is_not_run(sandbox):
    (sandbox.run / "bin").mkdir(parents=True, mode=0o700)
    sandbox.run.chmod(0o700)
    for name in ("fusermount3", "fusermount"):
        (sandbox.run / "bin" / name).write_text(f"#!/bin/sh\ntouch {sandbox.folder}/executed\nexit 1\n")
        (sandbox.run / "bin" / name).chmod(0o755)
    sandbox.up(one(sandbox))
    sandbox.down()
    assert not (sandbox.folder / "executed").exists()


@pytest.mark.parametrize("what", ["folder", "link"])
def test_a_cache_of_another_user(sandbox, theirs, what):
    """All that is read and written would lie in it, and what waits for its upload."""
    sandbox.up(one(sandbox))
    name, = (path.name for path in sandbox.caches())
    sandbox.down()
    shutil.rmtree(sandbox.cache)
    sandbox.cache.mkdir()
    if what == "folder":
        (sandbox.cache / name).mkdir(mode=0o700)
        os.chown(sandbox.cache / name, NOBODY, NOBODY)
    else:
        (sandbox.cache / name).symlink_to(theirs)
    refused(sandbox, sandbox.s3mounts("up", one(sandbox)), FAULT, sandbox.cache)
    assert list(theirs.iterdir()) == []


def test_the_cache_is_closed_to_others(sandbox):
    sandbox.up(one(sandbox))
    folder, = sandbox.caches()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (sandbox.cache, folder)} == {0o700}


# The program that root executes

PLANTED = "#!/bin/sh\ntouch {mark}\nexec /usr/bin/rclone \"$@\"\n"


def plant_program(path, mark, owner=0):
    path.parent.mkdir(exist_ok=True)
    path.write_text(PLANTED.format(mark=mark))
    path.chmod(0o755)
    os.chown(path, owner, owner)
    return path


def their_file(sandbox, theirs, mark):
    return plant_program(sandbox.folder / "bin/rclone", mark, NOBODY)


def writable_file(sandbox, theirs, mark):
    path = plant_program(sandbox.folder / "bin/rclone", mark)
    path.chmod(0o757)
    return path


def their_folder(sandbox, theirs, mark):
    return plant_program(theirs / "rclone", mark)


def writable_folder(sandbox, theirs, mark):
    path = plant_program(sandbox.folder / "bin/rclone", mark)
    path.parent.chmod(0o777)
    return path


def folder_below_theirs(sandbox, theirs, mark):
    return plant_program(theirs / "bin/rclone", mark)


def link_to_their_file(sandbox, theirs, mark):
    (sandbox.folder / "bin").mkdir()
    (sandbox.folder / "bin/rclone").symlink_to(plant_program(theirs / "tool", mark, NOBODY))
    return sandbox.folder / "bin/rclone"


PROGRAMS = [their_file, writable_file, their_folder, writable_folder, folder_below_theirs, link_to_their_file]


@pytest.fixture(params=PROGRAMS, ids=lambda make: make.__name__)
def planted(request, sandbox, theirs):
    mark = sandbox.folder / "executed"
    yield request.param(sandbox, theirs, mark)
    assert not mark.exists(), "root has run it"


def test_a_planted_rclone_is_passed_over_for_a_good_one(sandbox, planted):
    sandbox.up(one(sandbox), env={"PATH": f"{planted.parent}:{PATH}"})
    sandbox.down()


def test_a_planted_rclone_alone_is_told_by_name(sandbox, planted):
    refused(sandbox, sandbox.s3mounts("up", one(sandbox), env={"PATH": str(planted.parent)}), MOUNT,
            os.path.realpath(planted), "another user", "hint: ")


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_planted_rclone_that_is_named_is_refused(sandbox, planted, by):
    """Not passed over: who names one wants that one."""
    named = {"options": ["--rclone", planted]} if by == "option" else {"env": {"S3MOUNTS_RCLONE": str(planted)}}
    result = sandbox.s3mounts("up", one(sandbox), *named.pop("options", []), **named)
    refused(sandbox, result, MOUNT, os.path.realpath(planted), "another user")


@pytest.mark.parametrize("entry", [".", "", "bin", "./bin", "../bin"])
def test_a_relative_part_of_the_path_is_passed_over(sandbox, entry):
    mark = sandbox.folder / "executed"
    for folder in ("", "bin", "sub"):
        plant_program(sandbox.folder / folder / "rclone", mark)
    child = subprocess.run(sandbox.argv("up", one(sandbox)), env={**sandbox.env, "PATH": f"{entry}:{PATH}"},
                           cwd=sandbox.folder / "sub", capture_output=True, timeout=60, check=False)
    assert child.returncode == 0 and not mark.exists(), child
    sandbox.down()


# The target

SWAPPING = 8  # seconds; a program that looks once, and acts later, is caught within two
SWAPPER = """
import ctypes, os, sys
renameat2 = ctypes.CDLL(None).renameat2
os.chdir(sys.argv[1])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print("swaps", flush=True)
while True:
    renameat2(-100, b"x", -100, b"y", 2)
"""


def mounted_below(folder):
    return [m[0] for m in procfs.mounts(folder)]


def test_a_link_of_another_user_leads_no_mount_astray(sandbox, theirs):
    """Root would give the bucket's files the place of its own."""
    place = sandbox.folder / "place"
    (place / "one").mkdir(parents=True)
    as_nobody(lambda: (theirs / "x").symlink_to(place))
    result = sandbox.s3mounts("up", "--timeout", "8", f"--mount=docs:{theirs}/x/one", f"--mount=docs:{theirs}/x/two")
    refused(sandbox, result, MOUNT, f"{theirs}/x", "symbolic link", "hint: ")
    assert mounted_below(place) == [] and os.listdir(place) == ["one"], "nothing is made there either"


def test_a_target_in_a_folder_of_another_user(sandbox, theirs):
    """Without a link: that is a home directory."""
    sandbox.up(f"--mount=docs:{theirs}/data")
    assert mounted_below(theirs) == [f"{theirs}/data"]
    sandbox.down()


def test_a_link_of_roots_own_is_followed(sandbox):
    (sandbox.mnt / "real").mkdir()
    (sandbox.mnt / "link").symlink_to("real")
    sandbox.up(f"--mount=docs:{sandbox.mnt}/link/one")
    assert mounted_below(sandbox.mnt) == [f"{sandbox.mnt}/real/one"]
    sandbox.down()


def test_a_target_that_is_swapped_all_the_time(sandbox, theirs):
    """`x` is now their folder, now their link to root's place. There no mount appears, and none goes."""
    place = sandbox.folder / "place"
    for folder in (theirs / "x/one", place / "one"):
        folder.mkdir(parents=True)
    os.chown(theirs / "x", NOBODY, NOBODY)
    (theirs / "y").symlink_to(place)
    fuse.mount("precious", place / "one", "tmpfs")
    log = sandbox.folder / "swapper.log"
    swapper = proc.spawn([sys.executable, "-c", SWAPPER, theirs], log=log)
    spec, codes, begin = f"--mount=docs:{theirs}/x/one", set(), time.monotonic()
    try:
        proc.wait_for(lambda: b"swaps" in log.read_bytes(), 10, "the swapper")
        while time.monotonic() < begin + SWAPPING:
            for command, *options in (["up", "--timeout", "2", spec], ["down", "--lazy", "--timeout", "2"]):
                result = sandbox.s3mounts(command, *options)
                codes.add((command, result.code))
                assert mounted_below(place) == [f"{place}/one"], result
                assert procfs.mounts(place)[0][1] == "tmpfs"
    finally:
        proc.stop(swapper)
        with contextlib.suppress(OSError):
            fuse.detach(place / "one")
    if (theirs / "x").is_symlink():
        os.rename(theirs / "x", theirs / "z"), os.rename(theirs / "y", theirs / "x")
    sandbox.up(spec)
    sandbox.down()
    assert codes & {("up", 0), ("up", MOUNT)}, codes


# What another process of the same user, or of another one, can see


def can_read(pid, name):
    """In words: what /proc/PID/NAME gives to the other user."""
    def look():
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return "read " + repr(file.read(1 << 20))
    return as_nobody(look)


@pytest.mark.parametrize("command, uid", [("check", NOBODY), ("check", 0), ("up", 0), ("start", 0)])
def test_nobody_looks_into_a_process_that_has_credentials(sandbox, command, uid):
    """Another user as little as another process of the same (PR_SET_DUMPABLE): environment and memory hold the secret."""
    sandbox.folder.chmod(0o755)
    binary = shutil.copy(sandbox.binary, sandbox.folder / "s3mounts")
    own = sandbox.folder / "own"
    own.mkdir(mode=0o700)
    os.chown(own, uid, uid)
    silent = socket.create_server(("127.0.0.1", 0))
    env = {**sandbox.env, "S3_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
           "S3MOUNTS_CACHE_DIR": f"{own}/cache"}
    child = subprocess.Popen([binary, command, "--run-dir", own / "run", f"--mount=docs:{own}/mnt"], env=env, cwd="/",
                             user=uid, group=uid, extra_groups=[], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        silent.settimeout(10)
        waits, _ = silent.accept()
        ours = [pid for pid in procfs.processes() if os.fsencode(binary) in procfs.command_line(pid)]
        assert ours, "it has ended already"
        for pid in ours:
            for name in ("environ", "mem", "maps", "stack", "fd/0"):
                said = can_read(pid, name)
                assert said.startswith(("[Errno 1]", "[Errno 13]")), f"{pid} {name}: {said}"
            assert sandbox.server.secret not in can_read(pid, "cmdline")
    finally:
        child.send_signal(signal.SIGTERM)
        silent.close()
        waits.close()
        child.wait(60)


def test_nobody_looks_into_the_supervisor_or_the_driver(sandbox):
    sandbox.folder.chmod(0o755)
    answer = sandbox.up(one(sandbox))
    for pid in (answer["supervisor"]["pid"], answer["mounts"][0]["pid"]):
        for name in ("environ", "mem"):
            assert can_read(pid, name).startswith("[Errno 13]"), f"{pid} {name}"
        assert sandbox.server.secret not in can_read(pid, "cmdline")


# Files that are none, and those that are too large


@contextlib.contextmanager
def thing(sandbox, kind):
    path = sandbox.folder / "thing"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
    elif kind == "device":
        path = pathlib.Path("/dev/zero")
    else:
        path.mkdir()
    yield path


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder"])
@pytest.mark.parametrize("where", ["--fstab", "AWS_CA_BUNDLE", "--config"])
def test_what_is_no_file_is_named_at_once(sandbox, tls, where, kind):
    with thing(sandbox, kind) as path:
        options, env = [one(sandbox)], {"S3_ENDPOINT_URL": tls.url("good")}
        if where == "AWS_CA_BUNDLE":
            env[where] = str(path)
        else:
            options = [where, path] if where == "--fstab" else [*options, where, path]
        for command in ("up", "check") if where != "--config" else ("up", "config"):
            result = sandbox.s3mounts(command, *options, env=env, timeout=30)
            assert result.code == (USAGE if where == "AWS_CA_BUNDLE" else FAULT) and str(path) in result.err, result
            assert result.seconds < 15 and sandbox.mounts() == [], result


HUGE = {
    "100 MB": lambda file: file.truncate(100_000_000),
    "a million lines": lambda file: file.write("docs /mnt/x auto rw 0 0\n" * 1_000_000),
    "a million comments": lambda file: file.write("#\n" * 1_000_000),
    "one line": lambda file: file.write("docs /mnt/" + "x" * 10_000_000 + " auto rw 0 0\n"),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_fstab_is_refused_in_words(sandbox, kind):
    path = sandbox.folder / "fstab"
    with open(path, "w") as file:
        HUGE[kind](file)
    result = sandbox.s3mounts("up", "--fstab", path)
    refused(sandbox, result, FAULT, path, "s3mounts: ")
    assert len(result.err) < 2000, result


def test_an_fstab_that_may_not_be_read(sandbox, theirs):
    path = sandbox.folder / "fstab"
    path.write_text(f"docs {theirs}/x auto rw 0 0\n")
    path.chmod(0o600)
    binary = shutil.copy(sandbox.binary, sandbox.folder / "s3mounts")
    done = subprocess.run([binary, "check", "--run-dir", theirs, "--fstab", path], env=sandbox.env, cwd="/",
                          user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == FAULT and f"{path}" in done.stderr and "ermission denied" in done.stderr, done
