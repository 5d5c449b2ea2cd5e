"""
test_others.py - two run folders beside each other in one mount namespace, of one user and of two: each command speaks for its own mounts alone. What
stands of another folder is told, and is no failure.
"""

import os
import re
import shutil
import signal
import subprocess

import pytest

from support import fuse, proc, procfs

MOUNT, FAULT = 6, 8
USER, ANOTHER = 1, 2  # the set-uid fusermount3 wants a name for who calls it


class Folder:
    """A run folder with a cache and a mount of its own, below the sandbox's, of user UID."""

    def __init__(self, sandbox, name, uid=0):
        self.sandbox, self.uid = sandbox, uid
        self.place = sandbox.folder / name
        self.place.mkdir()
        (self.place / "mnt").mkdir()
        for folder in (self.place, self.place / "mnt"):
            os.chown(folder, uid, uid)
        self.run = self.place / "run"
        self.spec = f"--mount={sandbox.prefixes[0]}/{name}:{self.place}/mnt"
        self.binary = shutil.copy(sandbox.binary, self.place / "s3mounts") if uid else sandbox.binary

    def command(self, command, *options, code=0, json=True):
        own = [f"--run-dir={self.run}", *([f"--cache-dir={self.place}/cache"] if command != "ready" else [])]
        done = subprocess.run([self.binary, command, *(["--json"] if json else []), *own, *options], env=self.sandbox.env, cwd="/",
                              user=self.uid, group=self.uid, extra_groups=[], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
        result = type(self.sandbox.s3mounts("ready"))(done.args, done.returncode, done.stdout, done.stderr, 0)
        assert result.code == code, result
        return result

    def up(self):
        return self.command("up", self.spec).json

    def drivers(self):
        return [pid for pid in self.sandbox.processes() if procfs.command_line(pid).startswith(b"/usr/bin/rclone\0")]

    def kill_supervisor(self):
        """And leave it as it is: no socket leads to it."""
        pid = self.command("status").json["supervisor"]["pid"]
        os.kill(pid, signal.SIGKILL)
        proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")


@pytest.fixture
def devices(sandbox):
    """/dev/fuse as udev has it, for users other than root."""
    sandbox.folder.chmod(0o755)
    node = sandbox.folder / "fuse"
    os.mknod(node, 0o20666, os.makedev(10, 229))
    node.chmod(0o666)
    fuse.mount(node, "/dev/fuse", None, 4096)
    yield
    fuse.detach("/dev/fuse")


@pytest.fixture(params=[(0, 0), (0, USER), (USER, ANOTHER), (USER, USER)], ids=["root", "root and a user", "two users", "a user"])
def two(request, sandbox, devices):
    folders = [Folder(sandbox, name, uid) for name, uid in zip(("a", "b"), request.param)]
    yield folders
    for folder in folders:
        folder.command("down", "--timeout=15")


@pytest.mark.parametrize("dead", [False, True], ids=["served", "supervisor killed"])
def test_each_speaks_for_its_own(two, dead):
    mine, theirs = two
    theirs.up()
    if dead:
        theirs.kill_supervisor()
    place = str(theirs.place / "mnt")
    for command, code in (("flush", 0), ("down", 0), ("status", MOUNT)):
        result = mine.command(command, code=code)
        assert [(other["target"], other["run_dir"] in ("", str(theirs.run))) for other in result.json["others"]] == [(place, True)], result
        words = mine.command(command, code=code, json=False).err
        assert place in words and "another run directory's" in words and "not touched" in words, words
    mine.up()
    assert [m["state"] for m in mine.command("status").json["mounts"]] == ["up"]
    assert mine.command("flush").json["others"] == []
    mine.command("down")
    assert [m[0] for m in procfs.mounts(mine.sandbox.folder) if m[1] == "fuse.rclone"] == [place]
    theirs.command("up", theirs.spec)
    assert [m["state"] for m in theirs.command("status").json["mounts"]] == ["up"]


@pytest.mark.parametrize("uid", [0, USER], ids=["root", "a user"])
@pytest.mark.parametrize("gone", ["socket", "folder"])
def test_ones_own_without_a_supervisor_is_a_failure(sandbox, devices, uid, gone):
    """It is there by its layer, or by its driver; what it has uploaded nobody knows. `up` takes it over where its folder is there."""
    folder = Folder(sandbox, "a", uid)
    folder.up()
    folder.kill_supervisor()
    if gone == "socket":
        (folder.run / "control").unlink()
    else:
        shutil.rmtree(folder.run)
    for command in ("flush", "down", "status"):
        result = folder.command(command, code=MOUNT)
        assert str(folder.place / "mnt") in result.out and "what it has uploaded is unknown" in result.out, result
        assert result.json["others"] == [], result
    if gone == "socket":
        folder.up()
        folder.command("down")
    else:
        driver, = folder.drivers()
        os.kill(driver, signal.SIGKILL)
        proc.wait_for(lambda: not procfs.alive(driver), 5, "its end")
        while procfs.all_mounts(folder.place):
            fuse.detach(folder.place / "mnt")


# Root, and the supervisor of another user


def as_root(folder, command, *options, under=()):
    own = [f"--run-dir={folder.run}", *([] if command == "ready" else [f"--cache-dir={folder.place}/cache"])]
    return subprocess.run([*under, folder.binary, command, *own, *options], env=folder.sandbox.env, cwd="/", stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)


WITHOUT = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps=-all"]


def test_root_asks_the_supervisor_of_a_user(sandbox, devices):
    """As `podman exec --user 0` does. It gives no keys to it, touches nothing else in that user's folder, and starts nothing there."""
    folder = Folder(sandbox, "a", USER)
    folder.up()
    for command, *options in (["status"], ["flush"], ["ready", "--mounted"]):
        assert as_root(folder, command, *options).returncode == 0
    for command in ("status", "ready"):
        elsewhere = sandbox.s3mounts(command)
        # (Which one, where other tests run beside this, is not known.)
        assert elsewhere.code == MOUNT and re.search(r"hint: a supervisor serves in /\S+ \(--run-dir\)", elsewhere.err), elsewhere
    done = as_root(folder, "up", folder.spec)
    assert done.returncode == FAULT and f"belongs to user {USER}" in done.stderr and "hint: " in done.stderr, done
    (folder.run / "rclone.conf").rename(folder.run / "moved")
    (folder.run / "rclone.conf").symlink_to(folder.place / "theirs")
    (folder.place / "theirs").write_text("[s3mounts]\n")
    done = as_root(folder, "down")
    assert done.returncode == 0 and "all of it is in S3" in done.stderr, done
    assert procfs.all_mounts(folder.place) == []
    # Their supervisor has ended with it, and has removed what it had there.
    (folder.run / "rclone.conf").unlink(missing_ok=True)
    (folder.run / "rclone.conf").symlink_to(folder.place / "theirs")
    done = as_root(folder, "down")
    assert done.returncode == 0 and "nothing is mounted" in done.stderr, done
    assert (folder.run / "rclone.conf").is_symlink() and (folder.place / "theirs").read_text() == "[s3mounts]\n"


def test_root_without_the_right_to_enter_is_told_who_may(sandbox, devices):
    folder = Folder(sandbox, "a", USER)
    folder.up()
    done = as_root(folder, "status", under=WITHOUT)
    assert done.returncode == FAULT and "Permission denied" in done.stderr, done
    assert f"run this as user {USER}, whose run directory it is" in done.stderr, done
    folder.run.chmod(0o755)
    (folder.run / "control").chmod(0o777)
    done = as_root(folder, "status", under=WITHOUT)
    assert done.returncode == 0 and "up " in done.stdout, done
    folder.run.chmod(0o700)
    folder.command("down")


def test_root_does_not_ask_a_strangers_socket(sandbox, devices):
    """In a folder that is not that user's, nor root's word of whom to trust."""
    folder = Folder(sandbox, "a", USER)
    folder.up()
    os.chown(folder.run, ANOTHER, ANOTHER)
    done = as_root(folder, "status")
    assert done.returncode == FAULT and f"another user ({USER}) listens there" in done.stderr and "hint: " in done.stderr, done
    os.chown(folder.run, USER, USER)
    folder.command("down")
