#!/usr/bin/python3
"""
soak.py [SECONDS [SEED]] - one sandbox before a real S3 server, to which everything happens that can happen to one, in an order
drawn from SEED. After each blow it must be what it should; what flush or down has called safe must be in S3, byte for byte.

S3MOUNTS_BIN names the program; without it it is what ./build.sh makes. The seed is printed first: it draws the same again.
"""

import collections
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import platform
import random
import signal
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "test"))

from support import fuse, proc, procfs  # noqa: E402
from support.s3server import S3Server  # noqa: E402
from support.sandbox import Sandbox  # noqa: E402
from support.wire import Wire  # noqa: E402

SECONDS = 600
WRONG = "wrong-but-long-enough-to-be-one"
SIZES = (0, 1, 100, 4096, 70000, 1 << 20, 5 << 20)
OPTIONS = ("", ":vfs_write_back=0s", ":vfs_write_back=3s", ":umask=077", ":dir_cache_time=1s")
PATIENCE = 30  # what a command is given, in seconds, when nothing stands in its way
SHORT = 3      # and when something does
RELEASE = 0.3  # the kernel tells the driver of the last close after close(2) has returned: killed before, rclone forgets the file
DESCRIPTORS = 48

OK, SOME, REFUSED, UNREACHABLE, MOUNT, PENDING, FAULT = 0, 1, 4, 5, 6, 7, 8
DISTURBED = {OK, SOME, UNREACHABLE, MOUNT, PENDING}


class Soak:
    """The stress of SANDBOX, drawn from SEED. run() gives the figures; AssertionError says what was not as it should be."""

    def __init__(self, sandbox, wire, seed):
        self.sandbox, self.wire, self.draw = sandbox, wire, random.Random(seed)
        sandbox.env["S3_ENDPOINT_URL"] = wire.endpoint
        self.options = [""] * 3
        self.stopped = None       # (pid, target) of a driver under SIGSTOP
        self.frozen = False
        self.trouble = 0          # rounds for which the trouble lasts
        self.written = {}         # key: SHA-256 of what was closed
        self.safe = {}            # of those, what flush or down has answered for
        self.recent = []          # (key, size) closed since the last settle()
        self.closed = 0.0
        self.done = collections.Counter()
        self.codes = collections.Counter()
        self.story = collections.deque(maxlen=40)
        self.files = self.bytes = 0
        self.io = concurrent.futures.ThreadPoolExecutor(1)

    # What is and what is expected

    @property
    def calm(self):
        return not self.frozen and not self.stopped

    def supervisors(self):
        """Processes of the program that are no other's child: the one that serves, as no command runs now."""
        binary = self.sandbox.binary.encode()
        ours = [pid for pid in self.sandbox.processes() if binary in procfs.command_line(pid) and procfs.alive(pid)]
        return [pid for pid in ours if procfs.parent(pid) not in ours]

    def standing(self):
        """The targets that are mounted and whose driver answers."""
        there = [pathlib.Path(m[0]) for m in self.sandbox.mounts()]
        return [t for t in self.sandbox.targets if t in there and not (self.stopped and self.stopped[1] == t)]

    def expected(self, command):
        if not self.supervisors() and command != "up":
            if (self.sandbox.run / "control").exists() and command == "status":
                return {PENDING}
            if (self.sandbox.run / "control").exists():  # it was killed: they start another, which starts no dead driver for `flush`
                return {OK, PENDING} if self.calm else DISTURBED
            return {MOUNT, PENDING} if command == "status" else {OK, MOUNT, PENDING}
        if command == "status":
            return {OK, SOME, MOUNT} if self.calm else DISTURBED
        return {OK} if self.calm else DISTURBED

    def specs(self):
        return [spec + options for spec, options in zip(self.sandbox.specs, self.options)]

    # Commands

    def start(self, command, *options, **more):
        patience = PATIENCE if self.calm else SHORT
        timeout = () if command == "status" else ("--timeout", patience)
        return self.sandbox.start(command, "--json", *timeout, *options, **more)

    def finish(self, child, expected):
        result = self.sandbox.finish(child, PATIENCE + 40)
        self.story.append(result)
        command = result.argv[1]
        self.codes[f"{command} {result.code}"] += 1
        assert result.code in expected, f"{command}: {result.code} is none of {sorted(expected)}"
        assert result.json["code"] == result.code and (result.code == OK) == result.json["ok"]
        for secret in (self.sandbox.server.secret, WRONG):
            assert secret not in result.out + result.err, f"{command} shows the secret"
        self.sandbox.history.clear()
        return result

    def command(self, command, *options, expected=None, **more):
        expected = expected or self.expected(command)
        given, served = PATIENCE if self.calm else SHORT, self.supervisors()
        result = self.finish(self.start(command, *options, **more), expected)
        if result.code == PENDING and served:
            assert result.seconds >= given, f"{command}: the time has not run out after {result.seconds} s"
        if command in ("flush", "down") and result.code == OK:
            self.answered_for()
        return result

    def answered_for(self):
        """All that was closed before is in S3 now."""
        new = {key: digest for key, digest in self.written.items() if self.safe.get(key) != digest}
        for key, digest in new.items():
            self.compare(key, digest)
        self.safe.update(new)

    def compare(self, key, digest):
        try:
            body = self.sandbox.get(key)
        except self.sandbox.server.client().exceptions.NoSuchKey:
            raise AssertionError(f"{key} was called safe and is not in S3") from None
        self.files += 1
        self.bytes += len(body)
        assert hashlib.sha256(body).hexdigest() == digest, f"{key} was called safe and is another one in S3 ({len(body)} bytes)"

    def up(self, specs=None, *options):
        """With --keep a mount that is kept may just wait for its next driver."""
        expected = self.expected("up") | ({SOME} if "--keep" in options else set())
        result = self.command("up", *(specs or self.specs()), *options, expected=expected)
        if result.code == OK:
            assert self.command("status").code == OK or not self.calm, "up says 0, and status does not"
        return result

    # Blows

    def up_the_same(self):
        self.up()

    def up_with_another_option(self):
        self.options[self.draw.randrange(3)] = self.draw.choice(OPTIONS)
        self.up()

    def up_with_fewer(self):
        self.up([self.draw.choice(self.specs())])

    def up_with_fewer_and_keep(self):
        before = {m[0] for m in self.sandbox.mounts()} if self.calm and self.command("status").code == OK else set()
        self.up([self.draw.choice(self.specs())], "--keep")
        assert before <= {m[0] for m in self.sandbox.mounts()}, "--keep has not kept"

    def three_ups_at_once(self):
        expected = self.expected("up")
        for child in [self.start("up", *self.specs()) for _ in range(3)]:
            self.finish(child, expected)

    def up_and_down_at_once(self):
        """Whichever comes first, both end in order."""
        children = [self.start("up", *self.specs()), self.start("down")]
        for child in children:
            self.finish(child, DISTURBED | {FAULT})

    def up_with_a_wrong_secret(self):
        healthy = self.calm and self.command("status").code == OK
        before = set(self.sandbox.drivers())
        expected = {REFUSED} if self.calm else DISTURBED | {REFUSED}
        self.command("up", *self.specs(), env={"S3_ACCESS_SECRET": WRONG}, expected=expected)
        if healthy:
            assert before <= set(self.sandbox.drivers()), "a wrong secret has ended a driver"
            assert self.command("status").code == OK, "a wrong secret has harmed what stood"

    def up_that_is_killed(self):
        child = self.start("up", *self.specs())
        time.sleep(self.draw.uniform(0, 0.2))
        child.kill()
        child.communicate()

    def down(self):
        self.command("down")

    def down_lazy(self):
        self.command("down", "--lazy")

    def flush(self):
        self.command("flush")

    def status(self):
        self.command("status")

    def signal_a_driver(self, number):
        drivers = sorted(pid for pid in self.sandbox.drivers() if b"\0mount\0" in procfs.command_line(pid))
        which = self.draw.random()
        if not drivers or self.stopped:
            return
        self.settle()
        pid = drivers[int(which * len(drivers))]
        if number == signal.SIGSTOP:
            targets = [t for t in self.sandbox.targets if str(t).encode() in procfs.command_line(pid).split(b"\0")]
            if not targets:
                return
            self.stopped, self.trouble = (pid, targets[0]), 1 + int(2 * which)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill_a_driver(self):
        self.signal_a_driver(signal.SIGKILL)

    def end_a_driver(self):
        self.signal_a_driver(signal.SIGTERM)

    def stop_a_driver(self):
        self.signal_a_driver(signal.SIGSTOP)

    def kill_the_supervisor(self):
        for pid in self.supervisors():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")

    def hang_up(self):
        for pid in self.supervisors():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def unmount_a_target(self):
        target = self.draw.choice(self.sandbox.targets)
        if target in self.standing():
            self.settle()
            with contextlib.suppress(OSError):
                fuse.detach(target)

    def cut(self):
        if not self.frozen:
            self.wire.cut()

    def freeze(self):
        """A file that was closed just before has to wait."""
        if self.calm:
            self.write()
            self.wire.freeze()
            self.frozen, self.trouble = True, self.draw.randint(1, 3)

    # Files

    def in_time(self, work, *arguments):
        """A file system that does not answer must not hold up the whole for ever."""
        return self.io.submit(work, *arguments).result(60)

    def write(self):
        where, name = self.draw.randrange(3), f"{self.sandbox.thread}-{self.draw.randrange(1000)}"
        data = self.draw.randbytes(self.draw.choice(SIZES))
        target, key = self.sandbox.targets[where], f"{self.sandbox.prefixes[where]}/{name}"
        if self.frozen or target not in self.standing():
            return
        try:
            written = self.in_time(self.put, target / name, data)
        except OSError:
            # Its driver has just died. What has become of a file that was there before is not known.
            self.written.pop(key, None)
            self.safe.pop(key, None)
            return
        if written:
            self.written[key] = hashlib.sha256(data).hexdigest()
            self.recent.append((key, len(data)))
            self.closed = time.monotonic()

    def put(self, path, data):
        """True when it is in the mount, and not in the folder that the mount has just left."""
        with open(path, "wb") as file:
            inside = os.fstat(file.fileno()).st_dev != self.sandbox.folder.stat().st_dev
            if inside:
                file.write(data)
        if not inside:
            path.unlink()
        return inside

    def settle(self):
        """Waits until the driver knows that what was closed is closed: what it is to upload then stands on the disk."""
        def known(key, size):
            for meta in self.sandbox.cache.glob(f"*/vfsMeta/*/{self.sandbox.server.bucket}/{key}"):
                with contextlib.suppress(ValueError, OSError):
                    return json.loads(meta.read_text())["Size"] == size
            return False

        for key, size in self.recent:
            proc.wait_for(lambda: known(key, size), 10, f"the driver to know that {key} is closed")
        self.recent.clear()
        time.sleep(max(0.0, self.closed + RELEASE - time.monotonic()))

    def read(self):
        keys, which = sorted(self.safe), self.draw.random()
        if self.frozen or not keys:
            return
        key = keys[int(which * len(keys))]
        path = self.sandbox.mnt / key
        target = next(t for t in self.sandbox.targets if path.is_relative_to(t))
        if target not in self.standing() or self.written.get(key) != self.safe[key]:
            return
        with contextlib.suppress(OSError):
            data, inside = self.in_time(self.take, path)
            digest = hashlib.sha256(data).hexdigest()
            assert not inside or digest == self.safe[key], f"{path} reads otherwise ({len(data)} bytes)"
            self.files += inside
            self.bytes += len(data)

    def take(self, path):
        with open(path, "rb") as file:
            return file.read(), os.fstat(file.fileno()).st_dev != self.sandbox.folder.stat().st_dev

    # What must hold after each

    def check(self):
        proc.wait_for(lambda: len(self.supervisors()) <= 1, 10, "that there is one supervisor")
        twice = [target for target, count in collections.Counter(m[0] for m in self.sandbox.mounts()).items() if count > 1]
        assert not twice, f"mounted twice: {twice}"
        result = self.command("status")
        assert result.seconds < 20, "status takes too long"
        for pid in self.supervisors():
            proc.wait_for(lambda: len(procfs.open_files(pid)) < DESCRIPTORS, 10, f"its descriptors: {procfs.open_files(pid)}")

    def relieve(self):
        """The end of what lasted some rounds."""
        self.trouble -= 1
        if self.trouble <= 0:
            if self.frozen:
                self.wire.thaw()
            if self.stopped and str(self.stopped[1]).encode() in procfs.command_line(self.stopped[0]):
                os.kill(self.stopped[0], signal.SIGCONT)
            self.frozen, self.stopped = False, None

    BLOWS = {
        write: 30, read: 8, flush: 5, status: 2,
        up_the_same: 10, up_with_another_option: 5, up_with_fewer: 2, up_with_fewer_and_keep: 2, three_ups_at_once: 3,
        up_and_down_at_once: 2, up_with_a_wrong_secret: 3, up_that_is_killed: 3, down: 4, down_lazy: 2,
        kill_a_driver: 4, end_a_driver: 3, stop_a_driver: 1, kill_the_supervisor: 4, hang_up: 2, unmount_a_target: 3,
        cut: 3, freeze: 2,
    }

    def run(self, seconds):
        end = time.monotonic() + seconds
        rounds = 0
        try:
            while time.monotonic() < end:
                blow, = self.draw.choices(list(self.BLOWS), list(self.BLOWS.values()))
                self.done[blow.__name__] += 1
                self.story.append(f"{blow.__name__}{'' if self.calm else f', frozen: {self.frozen}, stopped: {self.stopped}'}")
                blow(self)
                self.check()
                self.relieve()
                rounds += 1
            self.end()
        except BaseException:
            print(self.tale(), file=sys.stderr)
            raise
        finally:
            self.trouble = 0
            self.relieve()
            self.io.shutdown(wait=False)
        return rounds

    def end(self):
        self.trouble = 0
        self.relieve()
        self.story.append("the end")
        for command in ("up", "flush", "down"):
            self.command(command, *(self.specs() if command == "up" else ()), expected={OK})
        assert self.sandbox.mounts() == [], self.sandbox.mounts()
        left = self.sandbox.leftovers(patience=5)
        assert not left, left
        for key, digest in self.written.items():
            self.compare(key, digest)

    def tale(self):
        log = self.sandbox.run / "log"
        lines = log.read_text(errors="replace").splitlines()[-60:] if log.exists() else []
        return "\n".join([*map(str, self.story), "The supervisor's log:", *lines])

    def figures(self):
        blows = ", ".join(f"{n} {name}" for name, n in sorted(self.done.items()))
        codes = ", ".join(f"{name}: {n}" for name, n in sorted(self.codes.items()))
        return f"{blows}; exit codes: {codes}; {self.files} files with {self.bytes} bytes compared"


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f"soak: seed {seed}, {seconds} s", flush=True)
    binary = pathlib.Path(os.environ.get("S3MOUNTS_BIN") or TOP / "out" / platform.machine() / "s3mounts").resolve()
    with tempfile.TemporaryDirectory(prefix="s3soak-") as folder:
        server = S3Server(f"{folder}/s3").start()
        sandbox = Sandbox(binary, server, uuid.uuid4().hex[:8])
        try:
            with Wire(server.port, folder) as wire:
                soak = Soak(sandbox, wire, seed)
                rounds = soak.run(seconds)
        finally:
            left = sandbox.close()
            server.stop()
    assert not left, "\n".join(left)
    print(f"soak: seed {seed}: {rounds} rounds: {soak.figures()}")


if __name__ == "__main__":
    main()
