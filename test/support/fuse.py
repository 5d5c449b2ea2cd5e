"""
fuse.py - the other side of fusermount3: a FUSE program small enough to read, and a mount name space of the test's own.

What is mounted here is an empty root folder that answers INIT, GETATTR and STATFS (fuse(4), linux/fuse.h).
"""

import array
import contextlib
import ctypes
import errno
import os
import socket
import stat
import struct
import subprocess
import threading
import traceback

from support import proc

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
UMOUNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
NOBODY = 65534
GETATTR, STATFS, INIT = 3, 17, 26
HEADER = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, extensions

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A system call of libc by NAME; OSError where it fails."""
    arguments = [a.encode() if isinstance(a, str) else a for a in arguments]
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}{tuple(arguments)}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, fstype, flags=0, data=None):
    call("mount", str(source), str(target), fstype, ctypes.c_ulong(flags), data)


def detach(target):
    call("umount2", str(target), UMOUNT_DETACH | UMOUNT_NOFOLLOW)


class Handshake:
    """Runs a mount helper as a FUSE program does. `done` is how it ended, `fd` the descriptor that it sent, or None."""

    def __init__(self, argv, env=None, **more):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.done = subprocess.run(
                [str(a) for a in argv], env={**(os.environ if env is None else env), "_FUSE_COMMFD": str(theirs.fileno())},
                pass_fds=[theirs.fileno()], input="", capture_output=True, text=True, timeout=20, **more)
            theirs.close()
            # The helper has exited: what it sent must be there now, and nothing more.
            self.messages = list(_messages(ours))
        self.fd = None
        if self.messages:
            (data, fds), = self.messages
            assert len(data) == 1 and len(fds) == 1, f"one byte and one descriptor, not {data!r} and {fds}"
            self.fd = fds[0]

    def __repr__(self):
        return f"[exit {self.done.returncode}] {self.done.stdout}{self.done.stderr}"

    def close(self):
        """Kills the file system."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def _messages(sock):
    while True:
        data, control, _, _ = sock.recvmsg(16, socket.CMSG_SPACE(4 * 16))
        fds = array.array("i")
        for level, kind, body in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(body)
        if not data and not fds:
            return
        yield data, list(fds)


@contextlib.contextmanager
def served(fd):
    """Answers for the file system behind FD in a thread; it ends when the file system is unmounted, which the `with` must do."""
    thread = threading.Thread(target=_serve, args=[fd], daemon=True)
    thread.start()
    yield
    thread.join(5)
    assert not thread.is_alive(), "the kernel still asks: it was not unmounted"


def _serve(fd):
    while True:
        try:
            request = os.read(fd, 1 << 17)
        except OSError as e:
            assert e.errno == errno.ENODEV, e
            return
        _, opcode, unique, *_ = HEADER.unpack_from(request)
        body, error = _answer(opcode)
        if body is not None:
            with contextlib.suppress(OSError):
                os.write(fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


def _answer(opcode):
    if opcode == INIT:
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0, *[0] * 7), 0
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, *[0] * 5), 0
    if opcode == STATFS:
        return struct.pack("<5Q4I24x", 4242, 0, 0, 0, 0, 4096, 255, 4096, 0), 0
    if opcode in (2, 42):  # FORGET, BATCH_FORGET: no answer
        return None, 0
    return b"", -errno.ENOSYS


def isolated(test):
    """Runs TEST() as root in a child with a mount name space of its own, of which nothing is left; its failure is ours."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            proc.die_with_parent()
            os.close(readable)
            call("unshare", CLONE_NEWNS)
            mount("none", "/", None, MS_REC | MS_PRIVATE)
            test()
        except BaseException:  # it must not run on as a second pytest
            os.write(writable, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as said:
        failure = said.read()
    os.waitpid(pid, 0)
    assert not failure, failure


def own_dev(flags=0, device=None, mode=0o666):
    """For isolated(): a /dev that is empty, or holds null and DEVICE as /dev/fuse: (10, 229)."""
    mount("none", "/dev", "tmpfs", flags, b"mode=755")
    if device:
        os.mknod("/dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chmod("/dev/null", 0o666)
        os.mknod("/dev/fuse", stat.S_IFCHR | mode, os.makedev(*device))
        os.chmod("/dev/fuse", mode)
