#!/usr/bin/python3
"""
bench.py - what s3mounts costs, beside what it replaces. All in one run on one machine, the contenders taking turns, medians and ratios;
times alone say nothing about another machine. It prints what was hoped for beside each figure and never fails on one.

S3MOUNTS_BIN names the program; without it it is what ./build.sh makes.
"""

import os
import pathlib
import platform
import select
import statistics
import subprocess
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

ROUNDS = 11
SCRIPT_ROUNDS = 2  # it sleeps 4 s each time
KIB = 1024
FLAGS = ["--allow-other", "--vfs-cache-mode", "full", "--vfs-write-back", "1s"]


def main():
    binary = pathlib.Path(os.environ.get("S3MOUNTS_BIN") or TOP / "out" / platform.machine() / "s3mounts").resolve()
    with tempfile.TemporaryDirectory(prefix="s3bench-") as folder:
        server = S3Server(f"{folder}/s3").start()
        try:
            sizes()
            times(binary, server)
            memory(binary, server)
        finally:
            server.stop()


# What is printed

def row(what, figure, goal="", met=None):
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"  {what:<58}{figure:>14}   {goal:<12}{verdict}".rstrip(), flush=True)


def heading(text):
    print(f"\n{text}", flush=True)


def sizes():
    heading("Size of the program, bytes")
    for architecture, most in (("x86_64", 448), ("aarch64", 480)):
        path = TOP / "out" / architecture / "s3mounts"
        if path.is_file():
            size = path.stat().st_size
            row(architecture, f"{size:,}", f"<= {most} KiB", size <= most * KIB)


# The contenders: each gives the seconds until three mounts stand

def seconds_until_mounted(sandbox, start):
    """Runs START and waits until three mounts are in the mount table, told by the kernel when it changes."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        watch = select.poll()
        watch.register(table, select.POLLPRI)
        begin = time.monotonic()
        children = start()
        while len(sandbox.mounts()) < 3:
            watch.poll(1000)
            assert time.monotonic() < begin + 30, "three mounts do not stand after 30 s"
        return time.monotonic() - begin, children


def up(sandbox):
    begin = time.monotonic()
    result = sandbox.s3mounts("up", *sandbox.specs)
    seconds = time.monotonic() - begin
    assert result.code == 0, result
    return seconds


def up_again(sandbox):
    """The same command when all is well."""
    up(sandbox)
    return up(sandbox)


def down(sandbox):
    up(sandbox)
    return sandbox.s3mounts("down").seconds


def check(sandbox):
    result = sandbox.s3mounts("check", *sandbox.specs)
    assert result.code == 0, result
    return result.seconds


def bare_rclone(sandbox):
    """Three `rclone mount` started at once by somebody who already has the config file and waits as well as can be."""
    sandbox.s3mounts("config", *sandbox.specs)
    for target in sandbox.targets:
        target.mkdir(parents=True)

    def start():
        return [subprocess.Popen(
            ["rclone", "mount", "--config", sandbox.run / "rclone.conf", "--cache-dir", sandbox.cache / str(n), *FLAGS,
             f"s3mounts:{sandbox.server.bucket}/{prefix}", target], env={"PATH": sandbox.env["PATH"], "HOME": str(sandbox.folder)},
            stderr=subprocess.DEVNULL) for n, (prefix, target) in enumerate(zip(sandbox.prefixes, sandbox.targets))]

    seconds, children = seconds_until_mounted(sandbox, start)
    for target in sandbox.targets:
        proc.run(["umount", target])
    for child in children:
        child.wait(10)
    return seconds


def script(sandbox):
    """The pasted script, until it says that it is complete."""
    begin = time.monotonic()
    proc.run([TOP / "test/bench/baseline.sh", sandbox.mnt], env=sandbox.env)
    return time.monotonic() - begin


def measure(contender, binary, server):
    """In a fresh sandbox: cold cache, new names."""
    sandbox = Sandbox(binary, server, uuid.uuid4().hex[:8])
    try:
        return contender(sandbox)
    finally:
        sandbox.close()


def times(binary, server):
    measured = {up: [], bare_rclone: [], check: [], up_again: [], down: [], script: []}
    for n in range(ROUNDS):
        for contender, found in measured.items():
            if contender is not script or n < SCRIPT_ROUNDS:
                found.append(measure(contender, binary, server))
    median = {contender: statistics.median(found) for contender, found in measured.items()}
    heading(f"Three rclone mounts, loopback, median of {ROUNDS}, milliseconds")
    for contender, words in ((up, "s3mounts up (checked, mounted, verified)"),
                             (bare_rclone, "three bare `rclone mount` in parallel, until all stand"),
                             (script, "the shell script (says so after; not all stand then)"),
                             (up_again, "s3mounts up when all is well"), (check, "s3mounts check"),
                             (down, "s3mounts down, nothing to flush")):
        row(words, f"{1000 * median[contender]:.1f}")
    heading("Ratios")
    ratio = median[up] / median[bare_rclone]
    row("s3mounts up / bare rclone", f"{ratio:.2f}", "<= 1.15", ratio <= 1.15)
    ratio = median[script] / median[up]
    row("shell script / s3mounts up", f"{ratio:.1f}", ">= 20", ratio >= 20)


def memory(binary, server):
    sandbox = Sandbox(binary, server, "memory")
    try:
        answer = sandbox.up()
        for target in sandbox.targets:
            os.listdir(target)
        heading("Memory (PSS), KiB, three mounts, idle")
        supervisor = procfs.pss_kib(answer["supervisor"]["pid"])
        row("supervisor", f"{supervisor:,}", "<= 1024", supervisor <= 1024)
        row("the three rclone together", f"{sum(procfs.pss_kib(m['pid']) for m in answer['mounts']):,}")
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
