"""
test_repair.py - an rclone that is killed while it writes its metadata, or with files open: what was written arrives, and what S3 has is not
overwritten by what the cache only seems to have. And rclone's remote control, as the second witness of what is pending.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from support import proc, procfs
from support.wire import Wire

PENDING = 7
RANDOM = os.urandom(300_000).replace(b"\0", b"1")  # zeros may stand for what was never there


class One:
    """A single mount of the sandbox."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.prefix, self.folder = sandbox.prefixes[0], sandbox.mnt / "one"
        self.spec = f"--mount={self.prefix}:{self.folder}"

    def up(self):
        return self.sandbox.up(self.spec)

    def kill(self):
        """The supervisor and the driver at once, as a sandbox ends, and then a cold resume."""
        answer = self.sandbox.status()
        for pid in (answer["supervisor"]["pid"], answer["mounts"][0]["pid"]):
            os.kill(pid, signal.SIGKILL)
        proc.wait_for(lambda: not self.sandbox.processes(), 5, "their end")
        for target, _, _ in reversed(procfs.all_mounts(self.sandbox.folder)):
            proc.run(["umount", "-l", target])
        shutil.rmtree(self.sandbox.run)

    def _cached(self, part, name):
        return self.sandbox.caches()[0] / part / "s3mounts" / self.sandbox.server.bucket / self.prefix / name

    def data(self, name):
        return self._cached("vfs", name)

    def meta(self, name):
        return self._cached("vfsMeta", name)

    def state(self, name):
        """What the metadata says; None while it cannot be read."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.meta(name).read_text())

    def kept(self, name):
        return self.sandbox.caches()[0] / "quarantine/1/s3mounts" / self.sandbox.server.bucket / self.prefix / name

    def put(self, name, body):
        self.sandbox.put(f"{self.prefix}/{name}", body)

    def get(self, name):
        return self.sandbox.get(f"{self.prefix}/{name}")

    def leave(self, name, data, meta, size=0):
        """The cache of a mount that has been, with a file as a killed rclone may leave it; a hole of SIZE bytes before DATA."""
        self.up()
        self.sandbox.down()
        for path in (self.data(name), self.meta(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.data(name), "wb") as file:
            file.truncate(size)
            file.seek(size)
            file.write(data)
        if meta is not None:
            self.meta(name).write_bytes(meta)


@pytest.fixture
def one(sandbox, rclone):
    return One(sandbox)


def metadata(**more):
    return json.dumps({"ModTime": "2026-11-26T14:42:28Z", "ATime": "2026-11-26T14:42:28Z", "Size": 0, "Rs": None, "Fingerprint": "",
                       "Dirty": False, **more}, indent="\t").encode()


# Metadata that was not written to its end


BROKEN = {
    "empty": lambda text: b"",
    "half": lambda text: text[:len(text) // 2],
    "all but the end": lambda text: text.rstrip()[:-1],
    "garbage": lambda text: os.urandom(200),
    "missing": lambda text: None,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_whose_metadata_is_broken_arrives(one, how):
    """Written and closed; rclone is killed before it has uploaded it."""
    contents = {"random": RANDOM, "text": b"one line\n", "sub/folder/größe 1": b"x" * 70_000, "one byte": b"1"}
    one.up()
    (one.folder / "sub/folder").mkdir(parents=True)
    for name, content in contents.items():
        (one.folder / name).write_bytes(content)
    one.kill()
    assert one.sandbox.keys(one.prefix) == [], "it was uploaded too soon for this test to mean anything"
    for name in contents:
        broken = BROKEN[how](one.meta(name).read_bytes())
        if broken is None:
            one.meta(name).unlink()
        else:
            one.meta(name).write_bytes(broken)
    flush = one.sandbox.s3mounts("flush", "--cache-dir", one.sandbox.cache)
    assert flush.code == PENDING and "4 files" in flush.err, flush
    one.up()
    one.sandbox.down()
    for name, content in contents.items():
        assert one.get(name) == content


def test_an_empty_file_arrives(one):
    one.leave("empty", b"", b"")
    one.up()
    one.sandbox.down()
    assert one.get("empty") == b""


@contextlib.contextmanager
def held_in_writes_to(path, pid, folder, seconds=0.5):
    """strace(1) holds PID before each write to PATH. Gives a function that waits until it is before the Nth one, with PATH truncated."""
    trace = folder / "trace"
    tracer = proc.spawn(["strace", "-f", "-qq", "-p", pid, "-o", trace, "-P", path, "-e", "trace=write",
                         "-e", f"inject=write:delay_enter={int(seconds * 1e6)}"], log=folder / "strace.log")
    try:
        proc.wait_for(lambda: "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text(), 5, "strace")
        yield lambda n: proc.wait_for(lambda: path.exists() and not path.stat().st_size
                                      and trace.read_text().count("DELAYED") == n - 1, 10, f"write {n}")
    finally:
        proc.stop(tracer)


@pytest.mark.parametrize("write", (1, 2, 3))
@pytest.mark.parametrize("before", (b"", b"old line\n" * 30), ids=("new", "appended"))
def test_killed_in_the_middle_of_each_write_of_metadata(one, before, write):
    """
    At the open, at the first write, at the close. The supervisor starts the next driver. What was acknowledged arrives; nothing but what was
    written, or was there, ever does.
    """
    new = b"new line\n" * 10
    if before:
        one.put("log", before)
    pid = one.up()["mounts"][0]["pid"]
    os.listdir(one.folder)
    one.meta("log").parent.mkdir(parents=True, exist_ok=True)
    with held_in_writes_to(one.meta("log"), pid, one.sandbox.folder) as before_write:
        # In a process of its own: the mount goes while it writes.
        writer = subprocess.Popen(["/bin/sh", "-c", 'printf %s "$2" >>"$1"', "sh", one.folder / "log", new.decode()])
        before_write(write)
        os.kill(pid, signal.SIGKILL)
        proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")
        writer.wait(10)
    proc.wait_for(lambda: one.sandbox.s3mounts("status").code == 0, 20, "the next driver", every=0.2)
    down = one.sandbox.s3mounts("down", "--timeout", "5")
    content = one.get("log") if one.sandbox.keys(one.prefix) else None
    assert content == before + new or content in ((before,) if before else (None, b"")), content[:100]
    if write == 3:
        assert content == before + new and down.code == 0, (content, down)
    if down.code:
        assert down.code == PENDING and "log" in down.err, down
        shutil.rmtree(next(one.sandbox.cache.glob("*/quarantine")))


# What is not all there


def test_a_file_that_was_read_in_part_does_not_overwrite_the_object(one):
    """Its cached data is mostly a hole."""
    one.put("large", RANDOM * 10)
    one.leave("large", RANDOM, b"", size=9 * len(RANDOM))
    one.sandbox.up(one.spec)
    assert (one.folder / "large").read_bytes() == RANDOM * 10
    down = one.sandbox.s3mounts("down", "--timeout", "5")
    assert down.code == PENDING and "large" in down.err, down
    assert one.get("large") == RANDOM * 10
    assert one.kept("large").read_bytes() == bytes(9 * len(RANDOM)) + RANDOM
    one.kept("large").unlink()
    one.sandbox.down()


@pytest.mark.parametrize("meta", (b"", None), ids=("empty", "missing"))
def test_a_file_that_was_only_opened_is_forgotten(one, meta):
    one.put("large", RANDOM)
    one.leave("large", b"", meta, size=len(RANDOM))
    one.up()
    one.sandbox.down()
    assert one.get("large") == RANDOM


# Files that were open for writing: their metadata is good, and older than what was written


def stale(size, ranges):
    return metadata(Size=size, Rs=[{"Pos": p, "Size": n} for p, n in ranges], Dirty=True,
                    Fingerprint=f"{size},2026-11-26 14:57:46.298 +0000 UTC,062dea0a606da7f7cb96be35d3758d38")


def test_an_open_file_keeps_what_was_written_over_an_object(one):
    one.put("file", b"o" * 500_000)
    one.leave("file", RANDOM, stale(500_000, []))
    one.up()
    one.sandbox.down()
    assert one.get("file") == RANDOM


def test_an_open_file_keeps_what_was_appended_to_an_object(one):
    """The object's own bytes have not been fetched: that is done now."""
    one.put("log", b"o" * 1000)
    one.leave("log", b"n" * 500, stale(1000, [(1000, 100)]), size=1000)
    one.up()
    one.sandbox.down()
    assert one.get("log") == b"o" * 1000 + b"n" * 500


def test_killed_with_files_open(one):
    """As above, by a real kill; the supervisor's next driver uploads them."""
    for name in ("over", "log"):
        one.put(name, b"o" * 100_000)
    pid = one.up()["mounts"][0]["pid"]
    with contextlib.ExitStack() as files:
        over = files.enter_context(open(one.folder / "over", "wb", buffering=0))
        log = files.enter_context(open(one.folder / "log", "ab", buffering=0))
        for _ in range(5):
            over.write(b"n" * 10_000)
            log.write(b"n" * 10_000)
        proc.wait_for(lambda: (one.state("over") or {}).get("Dirty") and (one.state("log") or {}).get("Dirty"), 5, "both dirty")
        os.kill(pid, signal.SIGKILL)
        proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")
        for file in (over, log):
            with contextlib.suppress(OSError):
                file.close()
    proc.wait_for(lambda: one.sandbox.s3mounts("status").code == 0, 20, "the next driver", every=0.2)
    one.sandbox.down()
    assert one.get("over") == b"n" * 50_000
    assert one.get("log") == b"o" * 100_000 + b"n" * 50_000


def test_no_driver_starts_on_parts_of_a_file_while_s3_is_away(one):
    """It would take a request that fails for an object that is not there, and upload zeros in place of what it has not read."""
    one.put("log", b"o" * 100_000)
    with Wire(one.sandbox.server.port, one.sandbox.folder) as wire:
        one.sandbox.env["S3_ENDPOINT_URL"] = wire.endpoint
        pid = one.up()["mounts"][0]["pid"]
        with open(one.folder / "log", "ab", buffering=0) as log:
            log.write(b"n" * 10_000)
            proc.wait_for(lambda: (one.state("log") or {}).get("Dirty"), 5, "it to be dirty")
            wire.freeze()
            os.kill(pid, signal.SIGKILL)
            proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")
            with contextlib.suppress(OSError):
                log.close()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert [pid for pid in one.sandbox.drivers() if b"\0mount\0" in procfs.command_line(pid)] == []
            time.sleep(0.1)
        wire.thaw()
        assert one.sandbox.s3mounts("flush", "--timeout", "40").code == 0
        assert one.get("log") == b"o" * 100_000 + b"n" * 10_000
        one.sandbox.down()


def test_two_writes_into_a_block_keep_what_lies_between_them(one):
    """No hole shows that the object's bytes between the two have never been fetched."""
    one.put("file", b"A" * 2000)
    pid = one.up()["mounts"][0]["pid"]
    file = os.open(one.folder / "file", os.O_RDWR)
    os.pwrite(file, b"B" * 10, 0)
    os.pwrite(file, b"C" * 10, 1990)
    proc.wait_for(lambda: (one.state("file") or {}).get("Dirty"), 5, "it to be dirty")
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.close(file)
    proc.wait_for(lambda: one.sandbox.s3mounts("status").code == 0, 20, "the next driver", every=0.2)
    flush = one.sandbox.s3mounts("flush", "--timeout", "20", "--json")
    assert (flush.code, one.get("file")) in [(PENDING, b"A" * 2000), (0, b"B" * 10 + b"A" * 1980 + b"C" * 10)], flush
    down = one.sandbox.s3mounts("down", "--timeout", "10")
    assert down.code == flush.code and b"\0" not in one.get("file"), down
    shutil.rmtree(one.sandbox.cache)
