"""
sandbox.py - a place of its own for one test: s3mounts with its run, cache and target folders below one temporary folder.

close() runs `s3mounts down`, and then says what it left behind: mounts, processes. After that it removes these by force.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from support import proc, procfs

UMOUNT_DETACH = 2
UMOUNT_NOFOLLOW = 8
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_libc = ctypes.CDLL(None, use_errno=True)


class Result:
    """How a command ended: code, out, err (text), seconds; json is its stdout, which must be exactly one object on one line."""

    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err, self.seconds = argv, code, out, err, seconds

    @property
    def json(self):
        assert self.out.endswith("\n") and self.out.count("\n") == 1, f"not one line of JSON: {self}"
        value = json.loads(self.out)
        assert isinstance(value, dict), f"not an object: {self}"
        return value

    def __repr__(self):
        return f"\n$ {' '.join(map(str, self.argv))}\n{self.out}{self.err}[exit {self.code} after {self.seconds:.2f} s]"


class Sandbox:
    """`folder` holds run/, cache/ and mnt/; `env` is what the commands get and may be changed; `history` is all that was run."""

    def __init__(self, binary, server, name):
        self.binary = str(binary)
        self.server = server
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3m-", dir="/tmp"))
        self.run, self.cache, self.mnt = (self.folder / part for part in ("run", "cache", "mnt"))
        self.mnt.mkdir()
        self.thread, self.user = f"thread-{name}", f"user-{name}"
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        self.env = {"PATH": PATH, "HOME": str(self.folder), **sanitizers, **server.environment(),
                    "S3MOUNTS_CACHE_DIR": str(self.cache), "THREAD_ID": self.thread, "USER_ID": self.user}
        self.history = []

    # What is mounted where

    @property
    def specs(self):
        """The built-in three, with their targets in this sandbox, as --mount options."""
        return [f"--mount={source}:{self.mnt}/{source}"
                for source in ("threads/${THREAD_ID}", "skills/system", "skills/${USER_ID}")]

    @property
    def prefixes(self):
        """Their prefixes in the bucket once the variables are filled in."""
        return [f"threads/{self.env['THREAD_ID']}", "skills/system", f"skills/{self.env['USER_ID']}"]

    @property
    def targets(self):
        return [self.mnt / prefix for prefix in self.prefixes]

    def mounts(self):
        return procfs.mounts(self.folder)

    def caches(self):
        """The cache folders, one a source."""
        return [path for path in self.cache.iterdir() if not path.name.startswith(".")]

    def processes(self):
        return procfs.of_folder(self.folder)

    def drivers(self):
        """Its processes that are not s3mounts. (One that just ends has no command line any more.)"""
        lines = {pid: procfs.command_line(pid) for pid in self.processes()}
        return [pid for pid, line in lines.items() if line and self.binary.encode() not in line]

    def drivers_of(self, target):
        """The driver at TARGET: CMD of `run` may have the sandbox in its command line too."""
        return [pid for pid in self.drivers() if procfs.open_files(pid).count("/dev/fuse") and os.fsencode(target) in procfs.command_line(pid)]

    # Commands

    def argv(self, command, *options):
        own = ["--run-dir", self.run]
        if command == "up":
            own += ["--cache-dir", self.cache]
        return [self.binary, command, *map(str, own), *map(str, options)]

    def start(self, command, *options, env=None, under=(), **more):
        """Starts a command, by the argument list UNDER where given, and gives the Popen; s3mounts() is what most tests want."""
        return subprocess.Popen(
            [*under, *self.argv(command, *options)], env={**self.env, **(env or {})}, cwd="/", text=True,
            errors="surrogateescape", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def finish(self, child, timeout=60):
        """Waits for a started command as `commands.run` does: until end-of-file on stdout and stderr."""
        begin = time.monotonic()
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            raise AssertionError(f"no end-of-file within {timeout} s: {child.args}") from None
        result = Result(child.args, child.returncode, out, err, time.monotonic() - begin)
        self.history.append(result)
        return result

    def s3mounts(self, command, *options, env=None, timeout=60, **more):
        return self.finish(self.start(command, *options, env=env, **more), timeout)

    @contextlib.contextmanager
    def started(self, *options, env=None, **more):
        """`start` until SIGTERM; gives the Popen. When it has ended, its words are in .words and its exit code in .code."""
        child = self.start("start", "--cache-dir", self.cache, *options, env=env, **more)
        try:
            assert self.s3mounts("ready", "--timeout", "10").code == 0
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            result = self.finish(child, 40)
            child.words, child.code = result.err, result.code

    def up(self, *options, code=0, **more):
        """`up --json` with the three mounts, or with OPTIONS that name others; must exit with CODE."""
        specs = [] if any("--mount" in str(o) or "--fstab" in str(o) for o in options) else self.specs
        result = self.s3mounts("up", "--json", *specs, *options, **more)
        assert result.code == code, result
        assert result.json["code"] == code and result.json["ok"] == (code == 0), result
        return result.json

    def down(self, *options, code=0, **more):
        result = self.s3mounts("down", "--json", *options, **more)
        assert result.code == code, result
        return result.json

    def status(self, code=0):
        result = self.s3mounts("status", "--json")
        assert result.code == code, result
        return result.json

    def status_of(self, name):
        """What `status` tells of the mount at mnt/NAME, whatever its exit code."""
        mounts = self.s3mounts("status", "--json").json["mounts"]
        return next(m for m in mounts if m["target"] == f"{self.mnt}/{name}")

    # The independent witness

    def keys(self, prefix):
        """The keys below PREFIX in the bucket."""
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=self.server.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def get(self, key):
        return self.server.client().get_object(Bucket=self.server.bucket, Key=key)["Body"].read()

    def put(self, key, body):
        self.server.client().put_object(Bucket=self.server.bucket, Key=key, Body=body)

    # What must never be found

    def secret_leaks(self, secret=None):
        """Every place where the secret can be read that should not hold it."""
        needle = (secret or self.env.get("S3_ACCESS_SECRET") or self.server.secret).encode()
        leaks = [f"output of {r.argv[1]}" for r in self.history if needle.decode() in r.out + r.err]
        leaks += [str(p) for p in self.run.rglob("*") if p.is_file() and p.name != "rclone.conf" and needle in p.read_bytes()]
        leaks += [f"command line of {pid}" for pid in procfs.processes() if needle in procfs.command_line(pid)]
        leaks += [f"environment of {pid}, {procfs.command_line(pid)[:80]}" for pid in self.drivers()
                  if needle in procfs.environment(pid)]
        return leaks

    # The end

    def close(self):
        """Takes all down. Gives what `down` left behind: [] when it is as good as its word."""
        left = []
        if self.run.exists():
            result = self.s3mounts("down", "--timeout", "15")
            if result.code != 0:
                left.append(f"down fails: {result}")
        left += self.leftovers(patience=2)
        if left and (self.run / "log").exists():
            left.append((self.run / "log").read_text(errors="replace"))
        left += map(repr, self.history) if left else []
        self._force()
        shutil.rmtree(self.folder, ignore_errors=True)
        return left

    def leftovers(self, patience=0.0):
        """Mounts and processes of this sandbox that are still there after PATIENCE seconds."""
        def look():
            return [f"mount {m}" for m in self.mounts()] + [
                f"process {pid} of {procfs.parent(pid)} {procfs.state(pid)}: {procfs.command_line(pid)[:200]}" for pid in self.processes()]
        with contextlib.suppress(AssertionError):
            proc.wait_for(lambda: not look(), patience, "an empty sandbox")
        return look()

    def _force(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for target, _, _ in reversed(self.mounts()):
            _libc.umount2(os.fsencode(target), UMOUNT_DETACH | UMOUNT_NOFOLLOW)
