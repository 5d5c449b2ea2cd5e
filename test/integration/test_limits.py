"""
test_limits.py - what the supervisor costs: waiting, with a hundred mounts, after many rounds; and that its log has an end.

S3MOUNTS_SOAK=1000 in the environment makes the rounds so many.
"""

import contextlib
import os
import pathlib
import re
import signal
import time

import pytest

from support import proc, procfs

KIB = 1024
LOG_MAX = 256 * KIB  # src/base/log.h
ROUNDS = int(os.environ.get("S3MOUNTS_SOAK") or 60)
WITHOUT = {"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}


@contextlib.contextmanager
def waiting(sandbox, prefix=()):
    """`start` without credentials, behind the words of PREFIX; gives the supervisor's pid."""
    argv = [*prefix, *sandbox.argv("start", "--cache-dir", sandbox.cache, *sandbox.specs)]
    child = proc.spawn(argv, log=sandbox.folder / "start.out", env={**sandbox.env, **WITHOUT})
    try:
        assert sandbox.s3mounts("ready", "--timeout", "10").code == 0
        pid = sandbox.s3mounts("status", "--json").json["supervisor"]["pid"]
        yield pid
        os.kill(pid, signal.SIGTERM)
        assert child.wait(30) == 0
    finally:
        proc.stop(child)


# `start` that waits


def test_waiting_it_is_small_and_holds_one_socket(sandbox):
    with waiting(sandbox) as pid:
        assert 0 < procfs.pss_kib(pid) <= KIB
        sockets = re.findall(r"socket:\[(\d+)\]", "\n".join(procfs.open_files(pid)))
        table = map(str.split, pathlib.Path("/proc/net/unix").read_text().splitlines())
        listening = [entry[6] for entry in table if entry[3] == "00010000" and entry[-1] == str(sandbox.run / "control")]
        assert listening == sockets, "one, and it is the one that listens"
        allowed = r"/dev/null|socket:.*|anon_inode:\[(signal|timer)fd\]|/proc/.*/mountinfo|%s/(run/log|start.out)" % sandbox.folder
        assert [path for path in procfs.open_files(pid) if not re.fullmatch(allowed, path)] == []
        assert procfs.children(pid) == []


def test_waiting_it_has_asked_for_no_randomness_and_no_connection(sandbox):
    """A snapshot of it can be cloned: no clone has another's TLS state, for there is none before `up`."""
    trace = sandbox.folder / "trace"
    sandbox.s3mounts("up", *sandbox.specs)
    sandbox.down()  # the version of rclone is known now: that it is asked is an affair of its own
    with waiting(sandbox, ["strace", "-f", "-o", trace, "-e", "trace=getrandom,open,openat,socket,connect"]):
        before = trace.read_text()
        assert "random" not in before and "AF_INET" not in before, before
        assert "AF_UNIX" in before, "nothing was traced"
        sandbox.up()
        assert "AF_INET" in trace.read_text()


def test_waiting_costs_no_time(sandbox):
    with waiting(sandbox) as pid:
        before = procfs.cpu_seconds(pid)
        time.sleep(2)
        assert procfs.cpu_seconds(pid) - before <= 0.02


# A hundred mounts


def specs(sandbox, count):
    return [f"--mount=many/{sandbox.thread}/{n:03}:{sandbox.mnt}/{n:03}" for n in range(count)]


def seconds_for(sandbox, count):
    begin = time.monotonic()
    answer = sandbox.up("--timeout", "50", *specs(sandbox, count))
    assert [m["state"] for m in answer["mounts"]] == ["up"] * count
    return time.monotonic() - begin


def test_a_hundred_mounts(sandbox):
    """All from one `up`. The time grows with their number, not faster (the factor 3 is for a busy machine)."""
    few = seconds_for(sandbox, 25)
    sandbox.down()
    many = seconds_for(sandbox, 100)
    assert many <= 3 * 4 * few + 2, f"25: {few} s, 100: {many} s"
    assert sorted(m[0] for m in sandbox.mounts()) == [f"{sandbox.mnt}/{n:03}" for n in range(100)]
    begin = time.monotonic()
    status = sandbox.status()
    assert time.monotonic() - begin < 5
    assert [(m["target"], m["state"]) for m in status["mounts"]] == [(f"{sandbox.mnt}/{n:03}", "up") for n in range(100)]
    assert len({m["pid"] for m in status["mounts"]}) == 100
    pid = status["supervisor"]["pid"]
    assert procfs.pss_kib(pid) <= KIB + 100 * 32, "a mount costs it more than 32 KiB"
    assert len(procfs.open_files(pid)) < 20 + 100, procfs.open_files(pid)
    for n in (0, 57, 99):
        (sandbox.mnt / f"{n:03}/file").write_text(f"number {n}")
    sandbox.down()
    assert sandbox.mounts() == [] and sandbox.leftovers(patience=2) == []
    for n in (0, 57, 99):
        assert sandbox.get(f"many/{sandbox.thread}/{n:03}/file").decode() == f"number {n}"


def test_more_than_there_may_be_is_a_usage_error(sandbox):
    answer = sandbox.up(*specs(sandbox, 1025), code=2)
    assert "1024" in answer["error"]["message"] and sandbox.processes() == []


# Its log, and its drivers'


def fill(log, words):
    """Appends numbered lines to LOG, to 8 KiB before its end."""
    log.touch(0o600)
    lines = [f"2026-01-01T00:00:00Z {words} {n:05}\n" for n in range(LOG_MAX // 32)]
    room = (LOG_MAX - 8 * KIB - log.stat().st_size) // len(lines[0])
    with log.open("a") as out:
        out.writelines(lines[:room])
    return lines[:room]


def test_the_log_is_rotated_before_it_is_large(sandbox):
    """The last kilobytes are what is really logged: names of long targets, each time that they go up and down. Of two files no line is lost."""
    sandbox.run.mkdir(0o700)
    log, old = sandbox.run / "log", sandbox.run / "log.1"
    target = "/".join([str(sandbox.mnt), *("x" * 200 for _ in range(6))])
    for words in ("said before", "said later"):
        filled = fill(log, words)
        rounds, size = 0, log.stat().st_size
        while log.stat().st_size >= size:
            sandbox.up(f"--mount=long:{target}")
            sandbox.down()
            rounds += 1
            assert rounds < 20
        text = old.read_text() + log.read_text()
        assert text.count(f"{target}: up\n") >= rounds and len(re.findall(r"supervisor \d+ starts\n", text)) >= rounds
        assert [line for line in text.splitlines(True) if " said " in line] == filled, "the older half goes, and no other"
        assert LOG_MAX - 8 * KIB < old.stat().st_size < LOG_MAX + 4 * KIB
        assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*\n)+", log.read_text())
        assert {path.stat().st_mode & 0o777 for path in (log, old)} == {0o600}


def test_a_large_log_of_earlier_is_not_appended_to(sandbox):
    sandbox.run.mkdir(0o700)
    log = sandbox.run / "log"
    log.write_text("x" * (LOG_MAX + 1))
    sandbox.up()
    assert "supervisor" in log.read_text() and log.stat().st_size < 4 * KIB


def test_a_drivers_log_starts_again_with_the_next_driver(sandbox):
    pid = sandbox.up(sandbox.specs[0])["mounts"][0]["pid"]
    log, = (path for path in sandbox.run.glob("*.log"))
    with log.open("a") as out:
        out.write("said before\n" * (LOG_MAX // 8))
    os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not procfs.alive(pid), 5, "its end")
    proc.wait_for(lambda: sandbox.s3mounts("status").code == 0, 10, "another one", every=0.1)
    assert log.stat().st_size < LOG_MAX


# Many rounds


def round_up_and_down(sandbox, n):
    sandbox.up()
    if n % 10 == 0:
        (sandbox.targets[n % 3] / f"round-{n}").write_text("")
    sandbox.down()


def round_refused(sandbox, n):
    sandbox.up(env={"S3_ACCESS_SECRET": f"wrong-but-long-enough-{n}"}, code=4)


def round_of_another_plan(sandbox, n):
    """What stood goes down, what is new comes up."""
    sandbox.up(f"--mount=plans/{n % 7}:{sandbox.mnt}/{n % 3}{':ro' if n % 2 else ''}")


def round_of_a_dead_driver(sandbox, n):
    os.kill(sandbox.up(sandbox.specs[1])["mounts"][0]["pid"], signal.SIGKILL)
    sandbox.up(sandbox.specs[1])


def at_rest(pid):
    """Its open files, once all is down: it may be about to hang up on the last client, and to reap its last helper."""
    proc.wait_for(lambda: "\n".join(procfs.open_files(pid)).count("socket:") == 1 and not procfs.children(pid), 5, "rest")
    return sorted(procfs.open_files(pid))


@pytest.mark.parametrize("once, share", [
    (round_up_and_down, 1), (round_refused, 1), (round_of_another_plan, 2), (round_of_a_dead_driver, 4)])
def test_many_rounds_leave_it_as_it_was(sandbox, once, share):
    """A resident supervisor: as many descriptors and as much memory as after a few, and no process that is not reaped."""
    rounds = ROUNDS // share
    signal.alarm(60 + 2 * rounds)
    with waiting(sandbox) as pid:
        for n in range(rounds):
            if n == min(10, rounds // 3):
                sandbox.down()
                files, memory = at_rest(pid), procfs.anonymous_kib(pid)
            once(sandbox, n)
        sandbox.down()
        assert at_rest(pid) == files and sandbox.mounts() == []
        assert procfs.anonymous_kib(pid) <= memory + 192, f"{memory} KiB became {procfs.anonymous_kib(pid)} KiB"
        assert sandbox.s3mounts("ready").code == 0
