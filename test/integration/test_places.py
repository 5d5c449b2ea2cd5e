"""
test_places.py - where the run folder and the caches are when nobody names them: a user without a home, one whose home cannot be written to, a folder
that somebody else has put there, a read-only root. What cannot be used is named, with what mends it.
"""

import os
import re
import shutil
import stat
import subprocess

import pytest

from support import fuse, procfs

FAULT = 8
USER, ANOTHER = 1, 2  # the set-uid fusermount3 wants a name for who calls it


@pytest.fixture
def place(sandbox):
    """A folder of the user, with a TMPDIR of its own, as /tmp is one; /dev/fuse as udev has it."""
    sandbox.folder.chmod(0o755)
    node, folder = sandbox.folder / "fuse", sandbox.folder / "user"
    os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 229))
    node.chmod(0o666)
    fuse.mount(node, "/dev/fuse", None, 4096)
    for name, mode in (("", 0o755), ("mnt", 0o755), ("home", 0o755), ("tmp", 0o1777)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
        os.chown(folder / name, USER, USER)
    os.chown(folder / "tmp", 0, 0)
    shutil.copy(sandbox.binary, folder / "s3mounts")
    yield folder
    fuse.detach("/dev/fuse")


def call(sandbox, place, command, *options, env, uid=USER):
    """By that user, with nothing in the environment but S3, TMPDIR and ENV."""
    given = {**sandbox.server.environment(), "PATH": sandbox.env["PATH"], "TMPDIR": str(place / "tmp"), **env}
    return subprocess.run([place / "s3mounts", command, *options], env=given, cwd="/", user=uid, group=uid, extra_groups=[],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def spec(sandbox, place):
    return f"--mount={sandbox.prefixes[0]}:{place}/mnt"


HOMES = {
    "none": {},
    "the root": {"HOME": "/"},
    "not there": {"HOME": "/nonexistent"},
    "of root": {"HOME": "{place}/..", "XDG_RUNTIME_DIR": "/nonexistent"},
    "a good one": {"HOME": "{place}/home"},
}


@pytest.mark.parametrize("kind", HOMES)
def test_a_users_folders(sandbox, place, kind):
    """By --help too, which names those of who asks."""
    env = {name: value.format(place=place) for name, value in HOMES[kind].items()}
    own = place / f"tmp/s3mounts-{USER}"
    cache = place / "home/.cache/s3mounts" if kind == "a good one" else own / "cache"
    words = call(sandbox, place, "up", "--help", env=env).stdout
    assert f"(S3MOUNTS_RUN_DIR; {own})" in words and f"(S3MOUNTS_CACHE_DIR; {cache})" in words, words
    assert not own.exists(), "--help has made it"
    done = call(sandbox, place, "up", spec(sandbox, place), env=env)
    assert done.returncode == 0, done
    assert (stat.S_IMODE(own.stat().st_mode), own.stat().st_uid) == (0o700, USER)
    assert [path.is_dir() for path in cache.iterdir() if not path.name.startswith(".")] == [True]
    for command in ("status", "down"):
        done = call(sandbox, place, command, env=env)
        assert done.returncode == 0, done
    assert procfs.all_mounts(place) == []


def test_roots_own_in_help(sandbox):
    words = sandbox.s3mounts("up", "--help", env={"S3MOUNTS_CACHE_DIR": "/some/cache"}).out
    assert "(S3MOUNTS_RUN_DIR; /run/s3mounts)" in words and "(S3MOUNTS_CACHE_DIR; /some/cache)" in words, words


PLANTS = {
    "link": lambda path, theirs: path.symlink_to(theirs),
    "folder": lambda path, theirs: (path.mkdir(mode=0o700), os.chown(path, ANOTHER, ANOTHER)),
    "open folder": lambda path, theirs: (path.mkdir(), os.chown(path, USER, USER), path.chmod(0o777)),
    "file": lambda path, theirs: (path.write_text(""), os.chown(path, ANOTHER, ANOTHER)),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_what_somebody_has_put_there_is_not_used(sandbox, place, plant):
    """Neither for the run folder nor for the caches, which are below it too."""
    theirs = sandbox.folder / "theirs"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    own = place / f"tmp/s3mounts-{USER}"
    PLANTS[plant](own, theirs)
    for options in ([], [f"--run-dir={place}/home/run"]):
        done = call(sandbox, place, "up", *options, spec(sandbox, place), env={})
        assert done.returncode == FAULT and f"folder {own}: " in done.stderr and "hint: " in done.stderr, done
    assert list(theirs.iterdir()) == [] and procfs.all_mounts(place) == []
    if own.is_dir():
        assert list(own.iterdir()) == []
    done = call(sandbox, place, "up", f"--run-dir={place}/home/run", f"--cache-dir={place}/home/cache", spec(sandbox, place), env={})
    assert done.returncode == 0, done
    assert call(sandbox, place, "down", f"--run-dir={place}/home/run", f"--cache-dir={place}/home/cache", env={}).returncode == 0


def hint(words):
    return re.findall(r"hint: (.*)", words)


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_run_folder_that_others_may_enter(sandbox, mode):
    """The hint is the command that mends it."""
    sandbox.run.mkdir()
    sandbox.run.chmod(mode)
    result = sandbox.s3mounts("up", sandbox.specs[0])
    assert result.code == FAULT, result
    command, = hint(result.err)
    assert command.startswith(f"chmod 700 {sandbox.run}") and ("nobody else has put anything there" in command) == (mode == 0o777), command
    subprocess.run(command.split(",")[0].split(), check=True)
    sandbox.up(sandbox.specs[0])
    sandbox.down()


@pytest.mark.parametrize("option, variable, what", [
    ("--run-dir", "S3MOUNTS_RUN_DIR", "make folder /nonexistent"), ("--cache-dir", "S3MOUNTS_CACHE_DIR", "cache directory /nonexistent/x")])
def test_a_place_that_cannot_be_written_to(sandbox, place, option, variable, what):
    done = call(sandbox, place, "up", f"{option}=/nonexistent/x", spec(sandbox, place), env={})
    assert done.returncode == FAULT and what in done.stderr, done
    words, = hint(done.stderr)
    assert option in words and variable in words and "read-only root" in words, words
    assert procfs.all_mounts(place) == []


READ_ONLY = 'mount --bind "$0" /var/cache && mount -o remount,ro,bind /var/cache && exec "$@"'


def test_a_cache_on_a_read_only_root(sandbox):
    """The Dockerfile among the templates has the recipe; the hint leads there."""
    (sandbox.folder / "empty").mkdir()
    env = {name: value for name, value in sandbox.env.items() if name != "S3MOUNTS_CACHE_DIR"}
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, sandbox.folder / "empty",
                           sandbox.binary, "up", f"--run-dir={sandbox.run}", sandbox.specs[0]],
                          env=env, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == FAULT and "cache directory /var/cache/s3mounts: it cannot be written to" in done.stderr, done
    assert "--cache-dir" in hint(done.stderr)[0]
