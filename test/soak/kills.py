#!/usr/bin/python3
"""
kills.py [--rounds N] [--seconds N] [--seed N] - SIGKILL at random moments: to `up`, to the supervisor, to a driver, while they
mount, flush or go down. The next `up` puts it right: what flush acknowledged is in S3, no mount is stale, no driver is left.

S3MOUNTS_BIN names the program; without it it is what ./build.sh makes.
"""

import argparse
import collections
import contextlib
import hashlib
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

from support import proc, procfs  # noqa: E402
from support.s3server import S3Server  # noqa: E402
from support.sandbox import Sandbox  # noqa: E402

ROUNDS = 500
LATEST = 0.2     # seconds from the start of a command to the kill
RELEASE = 0.3    # the kernel tells the driver of a close after close(2) has returned: killed before, rclone forgets the file
PATIENCE = 60
VICTIMS = ("command", "supervisor", "driver", "all")
MOMENTS = ("up", "other up", "flush", "down")


class Kills:
    """Rounds in SANDBOX, drawn from SEED. AssertionError says what was not as it should be."""

    def __init__(self, sandbox, seed):
        self.sandbox, self.draw = sandbox, random.Random(seed)
        self.safe = {}     # key: SHA-256 of what flush or down has answered for
        self.written = {}  # and of what is only closed
        self.done, self.codes, self.story = collections.Counter(), collections.Counter(), []
        self.files = self.hit = 0

    def others(self):
        """The three with options of their own: some are mounted anew."""
        return [f"{spec}:umask={self.draw.choice(['022', '077'])}" for spec in self.sandbox.specs]

    def note(self, result):
        self.codes[f"{result.argv[1]} {result.code}"] += 1
        self.story.append(repr(result))
        assert result.code >= 0 or result.code == -signal.SIGKILL, result
        return result

    def command(self, command, *options, codes=(0,)):
        result = self.note(self.sandbox.s3mounts(command, "--timeout", "30", *options, timeout=PATIENCE))
        assert result.code in codes, f"{command}: {result.code}"
        if command in ("flush", "down") and result.code == 0:
            self.acknowledged()
        return result

    def acknowledged(self):
        self.safe.update(self.written)
        self.written.clear()

    def write(self):
        number, target = self.draw.choice(list(enumerate(self.sandbox.targets)))
        body = os.urandom(self.draw.choice([0, 1, 4096, 100000, 2 << 20]))
        name = f"{self.files:05}"
        self.files += 1
        with contextlib.suppress(OSError):  # its driver may be the one that was killed
            (target / name).write_bytes(body)
            self.written[f"{self.sandbox.prefixes[number]}/{name}"] = hashlib.sha256(body).digest()

    # Whom to kill

    def supervisors(self):
        """Those of the program that are no other's child. (The processes that just start a driver are their children.)"""
        binary = self.sandbox.binary.encode()
        ours = [pid for pid in self.sandbox.processes() if binary in procfs.command_line(pid) and procfs.alive(pid)]
        return [pid for pid in ours if procfs.parent(pid) not in (*ours, os.getpid())]

    def drivers(self):
        return [pid for pid in self.sandbox.drivers() if b"--cache-dir=" in procfs.command_line(pid) and procfs.alive(pid)]

    def victims(self, kind, child):
        if kind == "command":
            return [child.pid] if child.poll() is None else []
        found = {"supervisor": self.supervisors, "driver": self.drivers, "all": self.sandbox.processes}[kind]()
        return found if kind == "all" or not found else [self.draw.choice(found)]

    def round(self):
        moment, kind = self.draw.choice(MOMENTS), self.draw.choice(VICTIMS)
        if moment == "up":
            self.command("down")
        else:
            self.command("up", *self.sandbox.specs)
            for _ in range(self.draw.randrange(3)):
                self.write()
            if self.draw.random() < 0.3:
                self.command("flush")
                for _ in range(self.draw.randrange(3)):
                    self.write()
        time.sleep(RELEASE)
        options = {"up": self.sandbox.specs, "other up": self.others()}.get(moment, [])
        child = self.sandbox.start(moment.split()[-1], "--timeout", "30", *options)
        time.sleep(self.draw.random() * LATEST)
        killed = self.victims(kind, child)
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.hit += bool(killed)
        self.done[f"{kind} in {moment}"] += 1
        self.story.append(f"--- SIGKILL to {kind} {killed} in {moment}")
        result = self.note(self.sandbox.finish(child, PATIENCE))
        if result.code == 0 and moment in ("flush", "down"):
            self.acknowledged()
        self.right_again()

    def right_again(self):
        self.command("up", *self.sandbox.specs)
        mounted = [m[0] for m in self.sandbox.mounts()]
        assert sorted(mounted) == sorted(map(str, self.sandbox.targets)), f"mounted: {mounted}"
        for target in self.sandbox.targets:
            os.listdir(target)
        lines = [procfs.command_line(pid).split(b"\0") for pid in self.drivers()]
        caches = [word for line in lines for word in line if word.startswith(b"--cache-dir=")]
        assert len(caches) == len(set(caches)) == 3, f"drivers: {caches}"
        assert len(self.supervisors()) == 1, f"supervisors: {self.supervisors()}"
        zombies = [pid for pid in procfs.processes() if procfs.state(pid) == "Z" and procfs.parent(pid) in self.supervisors()]
        assert not zombies or proc.wait_for(lambda: not any(procfs.state(pid) == "Z" for pid in zombies), 5, "zombies"), zombies
        self.compare()
        del self.story[:-40]
        self.sandbox.history.clear()

    def compare(self):
        for key, digest in self.safe.items():
            assert hashlib.sha256(self.sandbox.get(key)).digest() == digest, f"{key} is lost"
        self.safe.clear()

    def run(self, rounds, seconds=None):
        end, done = time.monotonic() + (seconds or 1 << 30), 0
        try:
            while done < rounds and time.monotonic() < end:
                self.round()
                done += 1
            self.command("down")
            self.compare()
            left = self.sandbox.leftovers(patience=5)
            assert not left, left
        except BaseException:
            log = self.sandbox.run / "log"
            print(*self.story, log.read_text(errors="replace")[-6000:] if log.exists() else "", sep="\n", file=sys.stderr)
            raise
        return done

    def figures(self):
        done = ", ".join(f"{name}: {n}" for name, n in sorted(self.done.items()))
        codes = ", ".join(f"{name}: {n}" for name, n in sorted(self.codes.items()))
        return f"{self.hit} kills met somebody ({done}); exit codes: {codes}; {self.files} files"


def main():
    options = argparse.ArgumentParser(description="SIGKILL at random moments")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--seconds", type=int)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = options.parse_args()
    print(f"kills: seed {given.seed}", flush=True)
    binary = pathlib.Path(os.environ.get("S3MOUNTS_BIN") or TOP / "out" / platform.machine() / "s3mounts").resolve()
    with tempfile.TemporaryDirectory(prefix="s3kills-") as folder:
        server = S3Server(f"{folder}/s3").start()
        sandbox = Sandbox(binary, server, uuid.uuid4().hex[:8])
        kills = Kills(sandbox, given.seed)
        try:
            rounds = kills.run(given.rounds, given.seconds)
        finally:
            left = sandbox.close()
            server.stop()
    assert not left, "\n".join(left)
    print(f"kills: seed {given.seed}: {rounds} rounds: {kills.figures()}")


if __name__ == "__main__":
    main()
