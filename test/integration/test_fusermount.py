"""
The fusermount3 applet: called by a FUSE program over a real socket, by hand, by rclone 1.60.1, with and without rights, on machines
with and without FUSE.
"""

import errno
import os
import pathlib
import shutil
import socket
import stat
import time

import pytest

from support import fuse, proc, procfs

RCLONE = "/usr/bin/rclone"
MS_NODEV, MS_RDONLY = 4, 1


@pytest.fixture
def folder(tmp_path):
    """A working folder; what is still mounted in it at the end is taken away, and is a failure."""
    yield tmp_path
    left = procfs.mounts(tmp_path)
    for target, _, _ in reversed(left):
        fuse.detach(target)
    assert not left


@pytest.fixture
def target(folder):
    made = folder / "a mount"
    made.mkdir()
    return made


@pytest.fixture(params=["s3mounts fusermount3", "fusermount3", "fusermount"])
def called(request, binary, folder):
    """The three ways to call it, as the head of an argument list."""
    if " " in request.param:
        return [str(binary), "fusermount3"]
    link = folder / request.param
    link.symlink_to(binary)
    return [str(link)]


@pytest.fixture
def applet(binary):
    return [str(binary), "fusermount3"]


def run(argv, **more):
    return proc.run(argv, timeout=20, check=False, **more)


def super_options(target):
    """The last field of TARGET's line in the mount table, and the mount's own options: as sets."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        if left.split(" ")[4] == str(target).replace(" ", r"\040"):
            return set(left.split(" ")[5].split(",")), set(right.split(" ")[2].split(","))
    raise AssertionError(f"{target} is not mounted")


# ---- with a FUSE program

@pytest.mark.both
def test_mount_serve_unmount(called, target):
    hand = fuse.Handshake([*called, "-o", "subtype=rclone,fsname=s3mounts:b/p", "--", target])
    assert hand.done.returncode == 0 and hand.done.stdout == hand.done.stderr == "", hand
    device = os.fstat(hand.fd)
    assert stat.S_ISCHR(device.st_mode) and device.st_rdev == os.makedev(10, 229)
    assert procfs.mounts(target) == [(str(target), "fuse.rclone", "s3mounts:b/p")]
    mount, kernel = super_options(target)
    assert {"rw", "nosuid", "nodev"} <= mount and {"user_id=0", "group_id=0"} <= kernel
    with fuse.served(hand.fd):
        assert os.statvfs(target).f_blocks == 4242
        done = run([*called, "-u", target])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert procfs.mounts(target) == []
    hand.close()


OPTIONS = [
    ("", "fuse", "fuse", "rw", ""),
    ("ro,noexec,noatime", "fuse", "fuse", "ro noexec noatime", ""),
    ("suid,dev,nonempty", "fuse", "fuse", "nosuid nodev", ""),
    ("allow_other,default_permissions,max_read=65536", "fuse", "fuse", "rw", "allow_other default_permissions max_read=65536"),
    (r"subtype=x,fsname=a b\,c\\d#" "\tü", "fuse.x", "a b,c\\d#\tü", "rw", ""),
    (r"fsname=a\,allow_other", "fuse", "a,allow_other", "rw", ""),
]


@pytest.mark.parametrize("options, fstype, source, mount, kernel", OPTIONS)
def test_options(applet, target, options, fstype, source, mount, kernel):
    hand = fuse.Handshake([*applet, "-o", options, target])
    assert hand.fd is not None, hand
    assert procfs.mounts(target) == [(str(target), fstype, source)]
    flags, data = super_options(target)
    assert set(mount.split()) | {"nosuid", "nodev"} <= flags
    assert set(kernel.split()) <= data and ("allow_other" in data) == ("allow_other" in kernel)
    hand.close()
    assert run([*applet, "-u", target]).returncode == 0


def test_several_options_add_up(applet, target):
    hand = fuse.Handshake([*applet, "-o", "ro", "-osubtype=y", "-o", "fsname=z", target])
    assert procfs.mounts(target) == [(str(target), "fuse.y", "z")] and "ro" in super_options(target)[0]
    hand.close()
    assert run([*applet, "-u", target]).returncode == 0


@pytest.mark.both
def test_relative_and_linked_mount_points(applet, target, folder):
    (folder / "link").symlink_to(target)
    for name in ("a mount", "./link", "../" + folder.name + "/a mount/"):
        hand = fuse.Handshake([*applet, "--", name], cwd=folder)
        assert [t for t, _, _ in procfs.mounts(folder)] == [str(target)], hand
        hand.close()
        assert run([*applet, "-u", "--", "a mount"], cwd=folder).returncode == 0


def test_a_dash_ends_the_options(applet, folder):
    (folder / "-u").mkdir()
    hand = fuse.Handshake([*applet, "--", "-u"], cwd=folder)
    assert [t for t, _, _ in procfs.mounts(folder)] == [f"{folder}/-u"], hand
    hand.close()
    assert run([*applet, "-u", "--", "-u"], cwd=folder).returncode == 0


REFUSED_OPTIONS = [
    ("nonsense", "unknown option 'nonsense'"),
    ("ro,nonsense=secret", "unknown option 'nonsense'"),
    ("fd=3", "option 'fd' is set by the mount helper itself"),
    ("auto_unmount", "option 'auto_unmount' is not supported"),
    ("x" * 9000, "the mount options are too long"),
]


@pytest.mark.parametrize("options, words", REFUSED_OPTIONS, ids=[o[:20] for o, _ in REFUSED_OPTIONS])
def test_options_are_strict(applet, target, options, words):
    hand = fuse.Handshake([*applet, "-o", options, "--", target])
    assert hand.done.returncode == 1 and hand.fd is None
    assert hand.done.stderr.startswith(f"fusermount3: {words}") and "secret" not in hand.done.stderr
    assert procfs.mounts(target) == []


def test_missing_mount_point_in_the_words_that_rclone_reads(called, folder):
    name = pathlib.Path(called[-1]).name
    hand = fuse.Handshake([*called, "--", folder / "missing"])
    assert hand.done.returncode == 1 and hand.fd is None
    assert f"{name}: failed to access mountpoint {folder}/missing: No such file or directory" in hand.done.stderr.splitlines()


def test_other_bad_mount_points(applet, folder, target):
    (folder / "file").touch()
    (folder / "loop").symlink_to("loop")
    fuse.Handshake([*applet, target]).close()
    for path, words in (("file", "it is not a directory"), ("file/x", "it is not a directory"), ("loop", "too many symbolic links"),
                        ("a mount", "Transport endpoint is not connected")):
        hand = fuse.Handshake([*applet, folder / path])
        assert hand.done.returncode == 1 and hand.fd is None
        assert f"failed to access mountpoint {folder}/{path}: {words}" in hand.done.stderr
    assert len(procfs.mounts(folder)) == 1
    assert run([*applet, "-u", target]).returncode == 0


@pytest.mark.parametrize("value, words", [
    (None, "_FUSE_COMMFD is not set"), ("", "is no descriptor's number"), ("3x", "is no descriptor's number"),
    ("-1", "is no descriptor's number"), ("99", "_FUSE_COMMFD=99: Bad file descriptor"), ("0", "_FUSE_COMMFD=0: "),
])
def test_without_a_socket_nothing_is_mounted(applet, target, value, words):
    env = {k: v for k, v in os.environ.items() if k != "_FUSE_COMMFD"}
    done = run([*applet, target], env=env if value is None else {**env, "_FUSE_COMMFD": value})
    assert done.returncode == 1 and words in done.stderr
    assert procfs.mounts(target) == []


@pytest.mark.both
def test_a_program_that_is_gone_gets_no_mount(applet, target):
    ours, theirs = socket.socketpair()
    ours.close()
    done = run([*applet, target], env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())}, pass_fds=[theirs.fileno()])
    theirs.close()
    assert done.returncode == 1 and "send the descriptor to the FUSE program: Broken pipe" in done.stderr
    assert procfs.mounts(target) == []


def injected(what):
    """The head of an argument list: strace makes a system call fail."""
    return ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={what}"]


@pytest.mark.parametrize("error, words", [
    ("EPERM", "CAP_SYS_ADMIN is missing in the user namespace"), ("EACCES", "a security module (AppArmor, SELinux) forbids it"),
    ("EBUSY", "the mount point is in use"), ("ENODEV", "this kernel has no FUSE"), ("EINVAL", "the kernel refuses the options"),
    ("ENOENT", "the mount point has been removed"), ("ENOSPC", "the mount table is full"), ("ENOMEM", "Out of memory"),
])
def test_what_mount_says_in_words(applet, target, error, words):
    hand = fuse.Handshake([*injected(f"mount:error={error}"), *applet, target])
    assert hand.done.returncode == 1 and hand.fd is None
    assert f"fusermount3: mount {target}: " in hand.done.stderr and words in hand.done.stderr
    assert procfs.mounts(target) == []


@pytest.mark.parametrize("error, words", [
    ("EPERM", "another user namespace, or seccomp"), ("EACCES", "a security module"), ("ENOTCONN", "a FUSE mount whose driver is gone"),
])
def test_what_unmount_says_in_words(applet, target, error, words):
    done = run([*injected(f"umount2:error={error}"), *applet, "-u", target])
    assert done.returncode == 1 and f"fusermount3: failed to unmount {target}: " in done.stderr and words in done.stderr


def test_an_interrupted_message_is_sent_again(applet, target):
    hand = fuse.Handshake([*injected("sendmsg:error=EINTR:when=1..2"), *applet, target])
    assert hand.done.returncode == 0 and hand.fd is not None, hand
    hand.close()
    assert run([*applet, "-u", target]).returncode == 0


# ---- by hand

@pytest.mark.parametrize("argv, words", [
    ([], "missing mountpoint argument"), (["-u"], "missing mountpoint argument"), (["-z", "/x"], "-z can only be used with -u"),
    (["-u", "/x", "/y"], "extra arguments after the mountpoint"), (["-o"], "option -o wants a value"), (["-u", ""], "empty name"),
    (["-ux", "/x"], "unknown option -x"), (["--unmuont", "/x"], "unknown option --unmuont"),
    (["--lazy=1", "/x"], "unknown option --lazy=1"),
])
def test_usage(applet, argv, words):
    done = run([*applet, *argv])
    assert done.returncode == 1 and done.stdout == "" and words in done.stderr
    assert all(line.startswith("fusermount3: ") for line in done.stderr.splitlines())


def test_version_and_help(called):
    name = pathlib.Path(called[-1]).name
    for flag in ("-V", "--version"):
        done = run([*called, flag])
        assert done.returncode == 0 and done.stdout.startswith(f"{name} version: s3mounts ") and done.stderr == ""
    for flag in ("-h", "--help"):
        done = run([*called, flag])
        assert done.returncode == 0 and "-u [-z] [-q]" in done.stdout and done.stderr == ""


@pytest.mark.both
def test_unmount_of_what_is_busy(applet, target):
    hand = fuse.Handshake([*applet, target])
    pin = os.open(target, os.O_PATH)
    done = run([*applet, "-u", target])
    assert done.returncode == 1 and f"failed to unmount {target}: Device or resource busy" in done.stderr
    done = run([*applet, "-u", "-q", target])
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert len(procfs.mounts(target)) == 1
    done = run([*applet, "-u", "-z", target])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert procfs.mounts(target) == []
    os.close(pin)
    hand.close()


@pytest.mark.parametrize("argv", [["-uzq"], ["--unmount", "--lazy", "--quiet"], ["-q", "-z", "-u"]])
def test_unmount_of_a_dead_one(applet, target, argv):
    fuse.Handshake([*applet, target]).close()
    with pytest.raises(OSError) as dead:
        os.statvfs(target)
    assert dead.value.errno == errno.ENOTCONN
    assert run([*applet, *argv, target]).returncode == 0
    assert procfs.mounts(target) == []


def test_unmount_of_nothing(applet, target):
    done = run([*applet, "-u", target])
    assert done.returncode == 1 and f"failed to unmount {target}: nothing is mounted there" in done.stderr
    done = run([*applet, "-u", f"{target}/missing"])
    assert done.returncode == 1 and "No such file or directory" in done.stderr


def test_unmount_follows_no_link(applet, target, folder):
    hand = fuse.Handshake([*applet, target])
    (folder / "link").symlink_to(target)
    assert run([*applet, "-u", folder / "link"]).returncode == 1
    assert len(procfs.mounts(target)) == 1
    hand.close()
    assert run([*applet, "-u", target]).returncode == 0


# ---- with rclone

class Rclone:
    """`rclone mount SOURCE TARGET` where the only program in PATH is our applet, by the names that rclone knows."""

    def __init__(self, binary, folder):
        self.folder, self.log = folder, folder / "rclone.log"
        (folder / "bin").mkdir()
        (folder / "src").mkdir()
        for name in ("fusermount", "fusermount3"):
            (folder / "bin" / name).symlink_to(binary)
        self.env = {"PATH": str(folder / "bin"), "HOME": str(folder), "RCLONE_CONFIG": str(folder / "rclone.conf"),
                    "RCLONE_CONFIG_ALIASED_TYPE": "alias", "RCLONE_CONFIG_ALIASED_REMOTE": str(folder / "src")}
        self.child = None

    def start(self, source, target, *options):
        self.child = proc.spawn([RCLONE, "mount", *options, source, target], log=self.log, env=self.env, cwd=self.folder)

    def mounts(self, target):
        """What it has mounted at TARGET, once it has."""
        def stands():
            assert self.child.poll() is None, self.said()
            return procfs.mounts(target)
        return proc.wait_for(stands, 10, "rclone's mount")

    def said(self):
        return self.log.read_text()

    def end(self):
        self.child.terminate()
        return self.child.wait(10)


@pytest.fixture
def rclone(binary, folder):
    one = Rclone(binary, folder)
    yield one
    if one.child:
        proc.stop(one.child)


@pytest.mark.both
def test_rclone_mounts_reads_and_unmounts(rclone, folder, target):
    rclone.start("aliased:", target, "--allow-other", "--default-permissions", "--vfs-cache-mode=writes", "--vfs-write-back=0s")
    assert rclone.mounts(target) == [(str(target), "fuse.rclone", f"{folder}/src")]
    assert {"allow_other", "default_permissions"} <= super_options(target)[1]
    (folder / "src/from outside").write_text("read")
    assert (target / "from outside").read_text() == "read"
    (target / "from inside").write_text("written")
    written = folder / "src/from inside"
    proc.wait_for(lambda: written.exists() and written.read_text() == "written", 15, "the write-back")
    rclone.end()  # it calls `fusermount -u`
    assert procfs.mounts(target) == [], rclone.said()
    assert "fusermount" not in rclone.said()


def test_rclone_with_every_option(rclone, folder, target):
    (target / "covered").touch()
    rclone.start(f":local:{folder}/src", target, "--read-only", "--allow-other", "--allow-non-empty", "--default-permissions",
                 "--devname", "a b,c\\d#e")
    assert rclone.mounts(target) == [(str(target), "fuse.rclone", "a b,c\\d#e")]
    assert "ro" in super_options(target)[0]
    with pytest.raises(OSError) as refused:
        (target / "x").touch()
    assert refused.value.errno == errno.EROFS
    rclone.end()
    assert procfs.mounts(target) == []


def test_rclone_is_unmounted_from_outside(rclone, folder, target):
    rclone.start(f":local:{folder}/src", target)
    rclone.mounts(target)
    os.statvfs(target)  # it stands in the mount table before rclone has answered the kernel's INIT
    assert run([folder / "bin/fusermount3", "-u", target]).returncode == 0
    assert rclone.child.wait(10) == 0, rclone.said()
    assert procfs.mounts(target) == []


def test_rclone_understands_a_missing_mount_point(rclone, folder):
    rclone.start(f":local:{folder}/src", folder / "missing")
    assert rclone.child.wait(10) != 0
    assert "mountpoint does not exist" in rclone.said() and "missing" in rclone.said()


def test_rclone_passes_our_words_on(rclone, folder, target):
    def test():
        fuse.own_dev(device=(10, 250))
        rclone.start(f":local:{folder}/src", target)
        assert rclone.child.wait(10) != 0
        assert "fusermount: open /dev/fuse: this kernel has no FUSE" in rclone.said(), rclone.said()

    fuse.isolated(test)


# ---- without rights

def as_nobody():
    os.setgroups([])
    os.setgid(fuse.NOBODY)
    os.setuid(fuse.NOBODY)


@pytest.fixture
def public(binary):
    """A folder with our program that another user can reach."""
    made = pathlib.Path(f"/tmp/s3m-public-{os.getpid()}")
    made.mkdir(mode=0o755)
    shutil.copy(binary, made / "s3mounts")
    (made / "mount").mkdir()
    os.chown(made / "mount", fuse.NOBODY, fuse.NOBODY)
    yield made
    shutil.rmtree(made)


@pytest.mark.both
def test_another_user_mounts_by_the_systems_helper(public):
    applet, target = [public / "s3mounts", "fusermount3"], public / "mount"

    def test():
        fuse.own_dev(device=(10, 229))
        hand = fuse.Handshake([*applet, "-o", "subtype=rclone,fsname=x", "--", target], preexec_fn=as_nobody)
        assert hand.fd is not None, hand
        assert procfs.mounts(target) == [(str(target), "fuse.rclone", "x")]
        assert "user_id=65534" in super_options(target)[1]
        done = run([*applet, "-u", target], preexec_fn=as_nobody)
        assert (done.returncode, done.stderr) == (0, "")
        assert procfs.mounts(target) == []

    fuse.isolated(test)


@pytest.mark.parametrize("argv, words", [
    (["--", "TARGET"], "fusermount3: mount {}: it needs CAP_SYS_ADMIN, which this process lacks"),
    (["-u", "TARGET"], "fusermount3: unmount {}: it needs CAP_SYS_ADMIN, which this process lacks"),
])
@pytest.mark.parametrize("who", ["nobody", "root"])
def test_neither_rights_nor_a_helper(public, argv, words, who):
    target = public / "mount"
    argv = [str(target) if a == "TARGET" else a for a in argv]
    limited = ["setpriv", "--bounding-set=-sys_admin", "--no-new-privs"]
    if who == "nobody":
        limited += [f"--reuid={fuse.NOBODY}", f"--regid={fuse.NOBODY}", "--clear-groups"]
    hand = fuse.Handshake([*limited, public / "s3mounts", "fusermount3", *argv])
    assert hand.done.returncode == 1 and hand.fd is None
    assert words.format(target) in hand.done.stderr
    assert "--device /dev/fuse --cap-add SYS_ADMIN" in hand.done.stderr


def test_it_refuses_to_be_set_uid(public):
    os.chmod(public / "s3mounts", 0o4755)
    done = run([public / "s3mounts", "fusermount3", "-u", public / "mount"], preexec_fn=as_nobody)
    assert done.returncode == 1 and "not made to be set-uid" in done.stderr


# ---- with and without FUSE

@pytest.mark.both
@pytest.mark.parametrize("dev, words, hint", [
    (dict(device=(10, 250)), "open /dev/fuse: this kernel has no FUSE", "E2B's arm64 kernels have none"),
    (dict(flags=MS_NODEV), "or /dev is mounted nodev", "--device /dev/fuse"),
    (dict(flags=MS_RDONLY), "the device is missing and may not be made: mknod: Read-only file system", "--device /dev/fuse"),
], ids=["no-fuse", "nodev", "read-only"])
def test_no_fuse_is_told_at_once(binary, target, dev, words, hint):
    def test():
        fuse.own_dev(**dev)
        start = time.monotonic()
        hand = fuse.Handshake([binary, "fusermount3", target])
        assert hand.done.returncode == 1 and words in hand.done.stderr and hint in hand.done.stderr, hand
        assert time.monotonic() - start < 5
        assert os.path.exists("/dev/fuse") == ("device" in dev)
        assert procfs.mounts(target) == []

    fuse.isolated(test)


@pytest.mark.both
def test_a_missing_device_is_made(binary, target):
    def test():
        fuse.own_dev()
        hand = fuse.Handshake([binary, "fusermount3", target])
        assert hand.fd is not None, hand
        assert os.stat("/dev/fuse").st_rdev == os.makedev(10, 229)
        assert len(procfs.mounts(target)) == 1

    fuse.isolated(test)


@pytest.mark.both
def test_it_needs_no_proc(binary, target):
    def test():
        fuse.mount("none", "/proc", "tmpfs")
        hand = fuse.Handshake([binary, "fusermount3", "-o", "fsname=x", target])
        gone = run([binary, "fusermount3", "-u", target])
        fuse.detach("/proc")
        assert hand.fd is not None, hand
        assert gone.returncode == 0, gone
        assert procfs.mounts(target) == []

    fuse.isolated(test)
