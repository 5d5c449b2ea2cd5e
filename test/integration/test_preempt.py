"""
test_preempt.py - who waits for whom: a request has a time of its own, who only asks waits for nobody, whoever hangs up takes along what was asked
for, and SIGTERM comes first. Each is met at its worst moment: S3 holds its answer, a file is held open, a process is stopped.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import time

import pytest

from support import faults, proc, procfs
from support.control import FLUSH, connect, message, receive, send
from support.wire import Wire

MOUNT, PENDING = 6, 7
SOON = 2.5  # "at once", and one second of OVERTIME_MS (src/sup/sup.h), on a busy machine
LONG = "25"
BODY = b"b" * 70000


def mount_option(sandbox, n, options=""):
    return f"--mount={sandbox.prefixes[n]}:{sandbox.mnt}/{n}{options}"


def file_of(sandbox, n=0):
    return sandbox.mnt / str(n) / "file"


def in_s3(sandbox, n=0):
    return sandbox.get(f"{sandbox.prefixes[n]}/file")


def states(sandbox):
    """What `status` tells now: the state of each mount by its name."""
    return {os.path.basename(m["target"]): m["state"] for m in sandbox.s3mounts("status", "--json").json["mounts"]}


def await_state(sandbox, state, n=0):
    proc.wait_for(lambda: (sandbox.run / "control").exists() and states(sandbox).get(str(n)) == state, 10, f"{state}", every=0.1)


def ask(sandbox, command, *options, **more):
    """Starts a command. The Popen; answer() tells how it ended."""
    began = time.monotonic()
    child = sandbox.start(command, *options, **more)
    child.began = began
    return child


def answer(sandbox, child, within):
    """How a command of ask() ended, at most WITHIN seconds after its start. What it says is in .err, or .json."""
    return sandbox.finish(child, max(0.1, within - (time.monotonic() - child.began)))


def kill(sandbox, child):
    """As the time-out of whoever has called it does."""
    assert child.poll() is None, sandbox.finish(child)
    child.kill()
    sandbox.finish(child)


def supervisor(sandbox):
    return sandbox.s3mounts("status", "--json").json["supervisor"]["pid"]


def connections(sandbox):
    """Those that the supervisor has taken, by their numbers."""
    table = map(str.split, pathlib.Path("/proc/net/unix").read_text().splitlines()[1:])
    return {entry[6] for entry in table if entry[-1] == str(sandbox.run / "control") and entry[3] != "00010000"} - {"0"}


@contextlib.contextmanager
def arriving(sandbox):
    """When it ends, the supervisor has read what was asked inside: it reads in the order in which they come, and another was served since."""
    before = connections(sandbox)
    yield
    proc.wait_for(lambda: connections(sandbox) - before, 10, "the request")
    sandbox.s3mounts("ready")


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    proc.wait_for(lambda: procfs.state(pid) == "T", 5, "it to stop")
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


# What may be under way. Each ends well when its `with` ends


@contextlib.contextmanager
def thawed(sandbox, wire):
    """Where a test fails, S3 answers before its end: nothing is left that waits for it."""
    try:
        yield
    except BaseException:
        wire.thaw() if isinstance(wire, Wire) else wire.release()
        sandbox.s3mounts("down", "--timeout", "15")
        raise


@contextlib.contextmanager
def pending_file(sandbox):
    """One mount, with a file that S3 takes when the wire is thawed; gives the wire."""
    with Wire(sandbox.server.port, sandbox.folder, most=100) as wire:
        sandbox.up(mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.mnt / "0")  # rclone knows the folder now: it takes a file without asking S3
        wire.freeze()
        file_of(sandbox).write_bytes(BODY)
        proc.wait_for(lambda: sandbox.status_of("0")["pending_bytes"] == len(BODY), 5, "the file in the cache")
        with thawed(sandbox, wire):
            yield wire
        wire.thaw()
        down = sandbox.s3mounts("down", "--timeout", "40")
        assert down.code == 0 and in_s3(sandbox) == BODY, down


@contextlib.contextmanager
def up_of_a_dead_s3(sandbox, timeout=LONG):
    """Its driver has not mounted yet. Gives the command."""
    with Wire(sandbox.server.port, sandbox.folder, most=100) as wire:
        wire.freeze()
        child = ask(sandbox, "up", "--timeout", timeout, mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": wire.endpoint})
        child.wire = wire
        with thawed(sandbox, wire):
            await_state(sandbox, "starting")
            yield child
        wire.thaw()
        if child.poll() is None:
            assert answer(sandbox, child, 40).code == 0


@contextlib.contextmanager
def up_of_a_check_without_answer(sandbox, timeout=LONG):
    """Its mount stands, but S3 has not taken its keys. Gives the command."""
    with faults.HoldingProxy(sandbox.server.port) as proxy:
        proxy.hold(faults.of_check)
        child = ask(sandbox, "up", "--timeout", timeout, mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": proxy.endpoint})
        child.wire = proxy
        with thawed(sandbox, proxy):
            await_state(sandbox, "checking")
            yield child
        proxy.release()
        if child.poll() is None:
            assert answer(sandbox, child, 40).code == 0
        sandbox.down()


@contextlib.contextmanager
def held_open(sandbox):
    """One mount, with a file that is being written."""
    sandbox.up(mount_option(sandbox, 0))
    with open(file_of(sandbox), "wb") as file:
        file.write(BODY[:-1])
        file.flush()
        yield file
        file.write(BODY[-1:])


@contextlib.contextmanager
def down_of_an_open_file(sandbox, timeout=LONG):
    """Gives the command."""
    with held_open(sandbox):
        child = ask(sandbox, "down", "--timeout", timeout)
        await_state(sandbox, "stopping")
        yield child
    if child.poll() is None:
        assert answer(sandbox, child, 40).code == 0
        assert in_s3(sandbox) == BODY


@contextlib.contextmanager
def flush_of_a_dead_s3(sandbox, timeout=LONG):
    """Gives the command."""
    with pending_file(sandbox) as wire:
        with arriving(sandbox):
            child = ask(sandbox, "flush", "--timeout", timeout)
        child.wire = wire
        yield child
        wire.thaw()
        if child.poll() is None:
            assert answer(sandbox, child, 40).code == 0


@contextlib.contextmanager
def stopped_driver(sandbox):
    with pending_file(sandbox), stopped(sandbox.status_of("0")["pid"]):
        yield


def large_cache(sandbox, files=50_000):
    """What a look for pending files has to read: the metadata of as many that are in S3."""
    folder, = sandbox.cache.glob(f"*/vfsMeta/s3mounts/{sandbox.server.bucket}/{sandbox.prefixes[0]}")
    first = folder / "clean"

    def read():
        """None in the moment in which rclone writes it."""
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads((folder / "file").read_text())

    first.write_text(json.dumps({**proc.wait_for(read, 5, "the metadata"), "Dirty": False}))
    for n in range(1, files):
        os.link(first, folder / f"clean-{n}")


@contextlib.contextmanager
def cache_of_50000_files(sandbox):
    with held_open(sandbox):
        large_cache(sandbox)
        yield
    assert sandbox.s3mounts("flush").code == 0 and in_s3(sandbox) == BODY


def forked(pid):
    """Its children: less than a look for pending files takes is what it takes to ask the kernel so."""
    return map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def stop_the_look(pid, cache):
    """The first child of PID that has a folder below CACHE open, stopped; drivers have files there, and no folder."""
    for child in forked(pid):
        with contextlib.suppress(OSError):
            if any(path.startswith(f"{cache}/") and os.path.isdir(path) for path in procfs.open_files(child)) and \
                    b"rclone" not in procfs.command_line(child).split(b"\0")[0]:
                os.kill(child, signal.SIGSTOP)
                if procfs.alive(child):
                    return child
    return None


@contextlib.contextmanager
def stopped_look(sandbox):
    """The process that looks for pending files is stopped in the middle of a large cache."""
    pid = supervisor(sandbox)
    child = ask(sandbox, "status")
    looking = proc.wait_for(lambda: stop_the_look(pid, sandbox.cache), 5, "the look", every=0)
    try:
        sandbox.finish(child)
        proc.wait_for(lambda: procfs.state(looking) == "T", 2, "it to stop")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(looking, signal.SIGCONT)


@contextlib.contextmanager
def look_that_hangs(sandbox):
    with cache_of_50000_files(sandbox), stopped_look(sandbox):
        yield


WORK = {work.__name__: work for work in (
    up_of_a_dead_s3, up_of_a_check_without_answer, down_of_an_open_file, flush_of_a_dead_s3, stopped_driver, cache_of_50000_files, look_that_hangs)}
TOLD = {  # what `status` may say of the mount meanwhile
    "up_of_a_dead_s3": {"starting"},
    "up_of_a_check_without_answer": {"checking"},
    "down_of_an_open_file": {"stopping"},
    "flush_of_a_dead_s3": {"up", "unknown", "unhealthy"},
    "stopped_driver": {"unknown", "unhealthy"},
    "cache_of_50000_files": {"up", "unknown", "unhealthy"},
    "look_that_hangs": {"up", "unknown", "unhealthy"},
}


def answer_now(up):
    """S3 answers this `up`."""
    up.wire.thaw() if isinstance(up.wire, Wire) else up.wire.release()


# Who only asks


@pytest.mark.parametrize("work", WORK)
def test_status_and_ready_answer_at_once(sandbox, work):
    with WORK[work](sandbox):
        for _ in range(3):
            result = sandbox.s3mounts("status", "--json")
            mount, = result.json["mounts"]
            assert result.seconds < SOON, result
            assert mount["state"] in TOLD[work], result
            assert mount["pending_files"] in ((0, -1) if work.startswith("up") else (1, -1)), result
            assert "up" in TOLD[work] or result.code != 0, result
            result = sandbox.s3mounts("ready")
            assert result.code == 0 and result.seconds < SOON, result
            result = sandbox.s3mounts("ready", "--mounted")
            assert result.seconds < SOON and (result.code == MOUNT or "up" in TOLD[work]), result


def test_what_is_not_known_of_a_stopped_driver_is_unknown(sandbox):
    """It was proven a moment ago: that is not now."""
    with stopped_driver(sandbox):
        result = sandbox.s3mounts("status")
        line = next(line for line in result.out.splitlines() if f"{sandbox.mnt}/0" in line)
        assert line.split()[0] in TOLD["stopped_driver"] and result.code != 0, result


# flush


def test_two_flushes_at_once(sandbox):
    """The one whose time is short does not wait for the other's."""
    with flush_of_a_dead_s3(sandbox) as first:
        second = answer(sandbox, ask(sandbox, "flush", "--timeout", "2"), 2 + SOON)
        assert second.code == PENDING and first.poll() is None, second
        third = ask(sandbox, "flush", "--timeout", LONG)
        first.wire.thaw()
        assert answer(sandbox, first, 30).code == 0 and answer(sandbox, third, 30).code == 0
        assert in_s3(sandbox) == BODY


@pytest.fixture
def proxied(sandbox):
    """One mount stands, and its S3 is behind the proxy that this gives."""
    with faults.HoldingProxy(sandbox.server.port) as proxy:
        sandbox.env["S3_ENDPOINT_URL"] = proxy.endpoint
        sandbox.up(mount_option(sandbox, 0))
        yield proxy
        proxy.release()
        sandbox.down()


def test_flush_beside_an_up_that_waits_for_its_check(sandbox, proxied):
    proxied.hold(faults.of_check)
    up = ask(sandbox, "up", "--keep", "--timeout", LONG, mount_option(sandbox, 1))
    await_state(sandbox, "checking", 1)
    file_of(sandbox).write_bytes(BODY)
    flush = answer(sandbox, ask(sandbox, "flush", "--timeout", "20"), 3 + SOON)
    assert flush.code == 0 and in_s3(sandbox) == BODY and up.poll() is None, flush
    proxied.hold(lambda *request: faults.of_check(*request) or faults.of_upload(*request))
    file_of(sandbox).write_bytes(BODY * 2)
    flush = answer(sandbox, ask(sandbox, "flush", "--timeout", "2"), 2 + SOON)
    assert flush.code == PENDING and up.poll() is None, flush
    proxied.release()
    assert answer(sandbox, up, 30).code == 0
    assert sandbox.s3mounts("flush").code == 0 and in_s3(sandbox) == BODY * 2


def test_flush_beside_an_up_whose_driver_does_not_mount(sandbox):
    """S3 takes what is written to the mount that stands: that another one is on its way is no reason to wait."""
    script = sandbox.folder / "rclone"
    script.write_text('#!/bin/sh\ncase " $* " in *" mount "*) exec sleep 1000 ;; esac\nexec rclone "$@"\n')
    script.chmod(0o755)
    sandbox.up(mount_option(sandbox, 0))
    up = ask(sandbox, "up", "--keep", "--rclone", script, "--timeout", "15", mount_option(sandbox, 1))
    await_state(sandbox, "starting", 1)
    file_of(sandbox).write_bytes(BODY)
    flush = answer(sandbox, ask(sandbox, "flush", "--timeout", "20"), 3 + SOON)
    assert flush.code == 0 and in_s3(sandbox) == BODY and up.poll() is None, flush
    assert answer(sandbox, up, 15 + 2 * SOON).code != 0
    sandbox.down()


def test_flush_beside_a_down(sandbox):
    with down_of_an_open_file(sandbox) as down:
        flush = answer(sandbox, ask(sandbox, "flush", "--timeout", "2"), 2 + SOON)
        assert flush.code == PENDING and down.poll() is None, flush
        flush = ask(sandbox, "flush", "--timeout", LONG)
    assert in_s3(sandbox) == BODY
    assert answer(sandbox, flush, 30).code == 0


def test_flush_is_not_done_when_a_down_has_given_up(sandbox):
    with held_open(sandbox):
        flush = ask(sandbox, "flush", "--timeout", "8")
        down = answer(sandbox, ask(sandbox, "down", "--timeout", "2"), 2 + SOON)
        assert down.code in (MOUNT, PENDING), down
        flush = answer(sandbox, flush, 8 + SOON)
        assert flush.code == PENDING, flush
    assert sandbox.s3mounts("flush").code == 0 and in_s3(sandbox) == BODY
    sandbox.down()


@pytest.mark.both
def test_flush_is_done_with_the_down_beside_it(sandbox):
    with pending_file(sandbox) as wire:
        with arriving(sandbox):
            flush = ask(sandbox, "flush", "--timeout", LONG)
        down = ask(sandbox, "down", "--timeout", LONG)
        await_state(sandbox, "stopping")
        wire.thaw()
        assert answer(sandbox, down, 30).code == 0
        assert answer(sandbox, flush, 30).code == 0 and in_s3(sandbox) == BODY


def test_flush_beside_a_down_that_leaves_files_behind(sandbox):
    """No driver starts any more: the mount goes, its files stay in the cache. The mount is forgotten, they are not."""
    script, once = sandbox.folder / "rclone", sandbox.folder / "once"
    script.write_text('#!/bin/sh\ncase " $* " in *" mount "*) [ ! -e %s ] || exit 1; : > %s ;; esac\nexec rclone "$@"\n' % (once, once))
    script.chmod(0o755)
    with Wire(sandbox.server.port, sandbox.folder, most=100) as wire:
        sandbox.env.update(S3_ENDPOINT_URL=wire.endpoint)
        mount, = sandbox.up("--rclone", script, mount_option(sandbox, 0))["mounts"]
        os.listdir(sandbox.mnt / "0")
        wire.freeze()
        file_of(sandbox).write_bytes(BODY)
        proc.wait_for(lambda: sandbox.status_of("0")["pending_bytes"] == len(BODY), 5, "the file in the cache")
        with contextlib.ExitStack() as stack:
            def flush():
                client = stack.enter_context(connect(sandbox, 30))
                send(client, message(f"kind={FLUSH}", "timeout_ms=25000"))
                return client

            with arriving(sandbox):
                early = flush()
            with arriving(sandbox):
                down = ask(sandbox, "down", "--timeout", "20")
            with arriving(sandbox):
                late = flush()
            os.kill(mount["pid"], signal.SIGKILL)
            down = answer(sandbox, down, 20 + SOON)
            assert down.code == PENDING, down
            for client in (early, late):
                said = receive(client)
                assert b"error.code=7\0" in said, said
        wire.thaw()
        sandbox.up(mount_option(sandbox, 0))
        sandbox.down()
    assert in_s3(sandbox) == BODY


# A job waits for its turn, for its own time


def refused(sandbox, command, code, by, *options, timeout=2):
    """The command is not done within its time, since that of BY, named, is under way."""
    result = answer(sandbox, ask(sandbox, command, "--timeout", str(timeout), *options), timeout + SOON)
    words = result.out + result.err
    assert result.code == code and by.poll() is None, result
    assert re.search(rf"\b{by.args[1]}\b", words) and re.search(rf"\b{by.pid}\b", words) and "changed nothing" in words, result


@pytest.mark.parametrize("work", ["up_of_a_dead_s3", "up_of_a_check_without_answer"])
def test_down_waits_for_an_up_for_its_own_time(sandbox, work):
    with WORK[work](sandbox) as up:
        before = states(sandbox)
        refused(sandbox, "down", PENDING, up)
        assert states(sandbox) == before
        answer_now(up)
        assert answer(sandbox, up, 30).code == 0 and states(sandbox) == {"0": "up"}
        file_of(sandbox).write_bytes(BODY)
        sandbox.down()
        assert in_s3(sandbox) == BODY


def test_up_waits_for_an_up_for_its_own_time(sandbox):
    with up_of_a_dead_s3(sandbox) as up:
        refused(sandbox, "up", MOUNT, up, mount_option(sandbox, 1))
        assert states(sandbox) == {"0": "starting"}
        up.wire.thaw()
        assert answer(sandbox, up, 30).code == 0 and states(sandbox) == {"0": "up"}
        sandbox.down()


def test_up_waits_for_a_down_for_its_own_time(sandbox):
    with down_of_an_open_file(sandbox) as down:
        refused(sandbox, "up", MOUNT, down, mount_option(sandbox, 1))
        assert states(sandbox) == {"0": "stopping"}


def test_down_waits_for_a_down_for_its_own_time(sandbox):
    with down_of_an_open_file(sandbox) as down:
        refused(sandbox, "down", PENDING, down)
        assert states(sandbox) == {"0": "stopping"}


@pytest.mark.both
def test_what_waits_is_done_when_its_turn_comes(sandbox):
    with up_of_a_dead_s3(sandbox) as up:
        with arriving(sandbox):
            down = ask(sandbox, "down", "--timeout", LONG)
        up.wire.thaw()
        assert answer(sandbox, up, 30).code == 0
        assert answer(sandbox, down, 30).code == 0 and sandbox.mounts() == []


def test_waiting_for_another_counts(sandbox):
    """Its time began when it was asked, not when its turn came."""
    with pending_file(sandbox) as wire:
        with arriving(sandbox):
            down = ask(sandbox, "down", "--timeout", "5")
        up = ask(sandbox, "up", "--keep", "--timeout", "7", mount_option(sandbox, 1), env={"S3_ENDPOINT_URL": wire.endpoint})
        assert answer(sandbox, down, 5 + SOON).code == PENDING
        up = answer(sandbox, up, 7 + SOON)
        assert up.code != 0 and "not started" not in up.err, up


TIMED = {
    "down": ["down"],
    "flush": ["flush"],
    "up with other options": ["up", 0, ":ro"],
}


@pytest.mark.parametrize("work", ["pending_file", "stopped_driver", "held_open"])
@pytest.mark.parametrize("what", TIMED)
def test_an_answer_comes_with_the_end_of_its_time(sandbox, work, what):
    command, *mount = TIMED[what]
    with globals()[work](sandbox) as wire:
        if isinstance(wire, Wire):
            sandbox.env["S3_ENDPOINT_URL"] = wire.endpoint
        options = [mount_option(sandbox, *mount)] if mount else []
        result = answer(sandbox, ask(sandbox, command, "--timeout", "2", *options), 2 + SOON)
        assert result.code != 0 or in_s3(sandbox) == BODY, result
        sandbox.env["S3_ENDPOINT_URL"] = sandbox.server.endpoint


# Who hangs up


@contextlib.contextmanager
def driver_that_ends_late(sandbox):
    """It does not listen to SIGTERM: the mount is on its way down until SIGKILL comes, seconds later."""
    with stopped(sandbox.status_of("0")["pid"]):
        yield


ENDS = {"at once": lambda _: contextlib.nullcontext(), "late": driver_that_ends_late}


@pytest.mark.parametrize("driver", ["at once"])
@pytest.mark.parametrize("other_s3", [False, True], ids=["the same S3", "another S3"])
@pytest.mark.parametrize("work", ["up_of_a_dead_s3", "up_of_a_check_without_answer"])
def test_an_up_that_is_killed_leaves_no_mount(sandbox, work, other_s3, driver):
    with WORK[work](sandbox) as up, ENDS[driver](sandbox):
        kill(sandbox, up)
        assert "up" not in states(sandbox).values()
        if not other_s3:
            answer_now(up)
        endpoint = sandbox.server.endpoint if other_s3 else up.wire.endpoint
        again = ask(sandbox, "up", mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": endpoint})
        result = answer(sandbox, again, 3 + SOON)
        assert result.code == 0 and states(sandbox) == {"0": "up"}, result
        file_of(sandbox).write_bytes(BODY)
        sandbox.down()
        assert in_s3(sandbox) == BODY


@pytest.mark.parametrize("driver", ENDS)
def test_an_up_that_is_killed_is_over_for_who_waits(sandbox, driver):
    """A `down` that waits for its turn: nothing stands when it says so, and that is what it was asked for."""
    with up_of_a_dead_s3(sandbox) as up, ENDS[driver](sandbox):
        with arriving(sandbox):
            down = ask(sandbox, "down", "--timeout", LONG)
        kill(sandbox, up)
        down = answer(sandbox, down, 3 + SOON)
        assert down.code == 0 and sandbox.mounts() == [], down


def test_an_up_that_is_killed_while_it_waits_is_forgotten(sandbox):
    with down_of_an_open_file(sandbox) as down:
        with arriving(sandbox):
            up = ask(sandbox, "up", "--timeout", LONG, mount_option(sandbox, 1))
        kill(sandbox, up)
    assert down.returncode == 0 and sandbox.mounts() == [] and sandbox.leftovers(patience=3) == []


@pytest.mark.both
def test_a_down_that_is_killed_leaves_its_mount_up(sandbox):
    with held_open(sandbox) as file:
        pid = sandbox.status_of("0")["pid"]
        down = ask(sandbox, "down", "--timeout", LONG)
        await_state(sandbox, "stopping")
        kill(sandbox, down)
        await_state(sandbox, "up")
        assert sandbox.s3mounts("status").code == 0
        (sandbox.mnt / "0/other").write_bytes(b"it works")
        assert file.name and (sandbox.mnt / "0/other").read_bytes() == b"it works"
    proc.wait_for(lambda: f"{sandbox.prefixes[0]}/file" in sandbox.keys(sandbox.prefixes[0]), 20, "the file in S3", every=0.2)
    assert in_s3(sandbox) == BODY
    mount = sandbox.status_of("0")
    assert (mount["state"], mount["pid"], mount["restarts"]) == ("up", pid, 0), mount
    sandbox.down()


@pytest.mark.parametrize("step", ["drained", "stopped"])
def test_a_down_that_is_killed_on_its_way_leaves_no_ruin(sandbox, step):
    """Also where it was further than that: S3 has all, and the driver is about to end. Then it is up, or down, and works."""
    with pending_file(sandbox) as wire:
        pid = sandbox.status_of("0")["pid"]
        down = ask(sandbox, "down", "--timeout", LONG)
        await_state(sandbox, "stopping")
        wire.thaw()
        if step == "stopped":
            proc.wait_for(lambda: sandbox.mounts() == [], 20, "the unmount", every=0)
            with contextlib.suppress(ProcessLookupError, AssertionError), stopped(pid):
                down.kill()
                sandbox.finish(down)
        else:
            down.kill()
            sandbox.finish(down)
        proc.wait_for(lambda: states(sandbox) in ({"0": "up"}, {}), 15, "rest", every=0.1)
        sandbox.up(mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": wire.endpoint})
        assert file_of(sandbox).read_bytes() == BODY


def test_a_flush_that_is_killed_leaves_no_trace(sandbox):
    with flush_of_a_dead_s3(sandbox) as flush:
        pid = supervisor(sandbox)
        kill(sandbox, flush)
        proc.wait_for(lambda: "\n".join(procfs.open_files(pid)).count("socket:") == 1, 5, "its socket closed")
        flush.wire.thaw()
        assert sandbox.s3mounts("flush").code == 0
        mount = sandbox.status_of("0")
        assert (mount["state"], mount["restarts"], mount["error"], mount["pending_files"]) == ("up", 0, None, 0), mount


RENEWED = {"options": (":ro", lambda _: {}), "keys": ("", lambda server: server.renewed())}


@pytest.mark.parametrize("what", RENEWED)
def test_an_up_with_other_settings_that_is_killed_leaves_the_old_mount(sandbox, what):
    """The new ones are taken by S3, and the old mount is being drained: it waits for a file that is open."""
    options, keys = RENEWED[what]
    with held_open(sandbox):
        before = sandbox.status_of("0")
        up = ask(sandbox, "up", "--timeout", "40", mount_option(sandbox, 0, options), env=keys(sandbox.server))
        await_state(sandbox, "stopping")
        kill(sandbox, up)
        await_state(sandbox, "up")
        after = sandbox.status_of("0")
        assert (after["pid"], after["restarts"], after["error"]) == (before["pid"], 0, None), after
        (sandbox.mnt / "0/other").write_bytes(b"it can be written to")
    assert sandbox.s3mounts("flush").code == 0
    assert in_s3(sandbox) == BODY and sandbox.get(f"{sandbox.prefixes[0]}/other") == b"it can be written to"
    mount, = sandbox.up(mount_option(sandbox, 0, options), env=keys(sandbox.server))["mounts"]
    assert mount["pid"] != before["pid"], "the new settings are still to come"
    sandbox.down()


@pytest.mark.parametrize("what", RENEWED)
def test_an_up_with_other_settings_that_is_killed_loses_no_upload(sandbox, proxied, what):
    """The same, while S3 holds the answer to the upload."""
    options, keys = RENEWED[what]
    proxied.hold(faults.of_upload)
    file_of(sandbox).write_bytes(BODY)
    up = ask(sandbox, "up", "--timeout", "40", mount_option(sandbox, 0, options), env=keys(sandbox.server))
    await_state(sandbox, "stopping")
    kill(sandbox, up)
    await_state(sandbox, "up")
    file_of(sandbox, 0).with_name("other").write_bytes(b"later")
    proxied.release()
    assert sandbox.s3mounts("flush").code == 0
    assert in_s3(sandbox) == BODY and sandbox.get(f"{sandbox.prefixes[0]}/other") == b"later"


def test_an_up_whose_time_ends_while_the_old_mount_is_drained(sandbox, proxied):
    """It is not known yet what would have to be uploaded: the old mount stays, since no new one follows it any more."""
    proxied.hold(faults.of_upload)
    file_of(sandbox).write_bytes(BODY)
    proc.wait_for(lambda: sandbox.status_of("0")["pending_bytes"] == len(BODY), 5, "the file in the cache")
    large_cache(sandbox)
    with stopped_look(sandbox):
        up = answer(sandbox, ask(sandbox, "up", "--timeout", "3", mount_option(sandbox, 0, ":ro")), 3 + SOON)
        assert up.code != 0, up
    proc.wait_for(lambda: states(sandbox).get("0") not in ("stopping", "unknown"), 10, "rest", every=0.2)
    told = states(sandbox)
    proxied.release()
    flush = sandbox.s3mounts("flush", "--timeout", "30")
    assert told == {"0": "up"} and flush.code == 0 and in_s3(sandbox) == BODY, (told, flush)


# SIGTERM


def end(start, within):
    """SIGTERM to `start`; the seconds until it has ended."""
    began = time.monotonic()
    start.send_signal(signal.SIGTERM)
    start.wait(within)
    return time.monotonic() - began


def assert_told_to_end(sandbox, child, code):
    result = answer(sandbox, child, time.monotonic() - child.began + SOON)
    assert result.code == code and "told to end" in result.out + result.err, result


@contextlib.contextmanager
def start_with_pending_file(sandbox, *options):
    """`start` and one mount with a file that S3 does not take before the wire is thawed; gives `start`. When it ends, S3 has the file."""
    with Wire(sandbox.server.port, sandbox.folder, most=100) as wire:
        env = {"S3_ENDPOINT_URL": wire.endpoint}
        with sandbox.started(*options, mount_option(sandbox, 0), env=env) as start:
            assert sandbox.s3mounts("ready", "--mounted", "--timeout", "10").code == 0
            os.listdir(sandbox.mnt / "0")
            wire.freeze()
            file_of(sandbox).write_bytes(BODY)
            proc.wait_for(lambda: sandbox.status_of("0")["pending_bytes"] == len(BODY), 5, "the file in the cache")
            start.wire = wire
            with thawed(sandbox, wire):
                yield start
        wire.thaw()
        sandbox.up(mount_option(sandbox, 0), env=env)
        sandbox.down("--timeout", "40")
    assert in_s3(sandbox) == BODY


def test_sigterm_during_a_flush(sandbox):
    with start_with_pending_file(sandbox, "--stop-timeout", "3") as start:
        with arriving(sandbox):
            flush = ask(sandbox, "flush", "--timeout", LONG)
        assert end(start, 30) < 5 + SOON
        assert_told_to_end(sandbox, flush, PENDING)
    assert start.code == PENDING


@pytest.mark.parametrize("work", ["up_of_a_dead_s3", "up_of_a_check_without_answer"])
def test_sigterm_during_an_up(sandbox, work):
    """Nothing was written: nothing stays, and nothing is pending."""
    with sandbox.started("--wait", "--stop-timeout", "3", mount_option(sandbox, 0)) as start:
        with WORK[work](sandbox) as up:
            assert end(start, 30) < 5 + SOON
            assert_told_to_end(sandbox, up, MOUNT)
            assert (start.returncode, sandbox.mounts()) == (0, [])


def test_who_comes_after_a_sigterm_during_an_up_is_served(sandbox):
    """Nobody of those who have ended is found at the socket, or keeps what the caller reads to its end: S3 still does not answer."""
    with sandbox.started("--wait", "--stop-timeout", "3", mount_option(sandbox, 0)) as start:
        with up_of_a_dead_s3(sandbox) as up:
            end(start, 30)
            assert_told_to_end(sandbox, up, MOUNT)
            sandbox.finish(start, SOON)
            for command in ("status", "ready"):
                assert sandbox.s3mounts(command).seconds < SOON
            down = answer(sandbox, ask(sandbox, "down", "--timeout", "5"), 5 + SOON)
            assert down.code in (0, MOUNT), down


def test_sigterm_during_a_down(sandbox):
    with sandbox.started("--wait", "--stop-timeout", "3", mount_option(sandbox, 0)) as start:
        with held_open(sandbox):
            down = ask(sandbox, "down", "--timeout", "60")
            await_state(sandbox, "stopping")
            assert end(start, 40) < 5 + SOON
            assert_told_to_end(sandbox, down, PENDING)
    assert start.code == PENDING
    sandbox.up(mount_option(sandbox, 0))
    sandbox.down()
    assert in_s3(sandbox) == BODY


def test_sigterm_while_others_wait_for_their_turn(sandbox):
    with sandbox.started("--wait", "--stop-timeout", "3", mount_option(sandbox, 0)) as start:
        with up_of_a_dead_s3(sandbox) as up:
            with arriving(sandbox):
                down = ask(sandbox, "down", "--timeout", LONG)
            with arriving(sandbox):
                other = ask(sandbox, "up", "--timeout", LONG, mount_option(sandbox, 1))
            assert end(start, 30) < 5 + SOON
            for child, code in ((up, MOUNT), (down, PENDING), (other, MOUNT)):
                assert_told_to_end(sandbox, child, code)
    assert start.code == 0


@pytest.mark.both
def test_sigterm_flushes_what_can_be(sandbox):
    """It comes while a `down` waits; what is closed in time is uploaded."""
    with sandbox.started("--wait", "--stop-timeout", "15", mount_option(sandbox, 0)) as start:
        with held_open(sandbox):
            down = ask(sandbox, "down", "--timeout", "60")
            await_state(sandbox, "stopping")
            start.send_signal(signal.SIGTERM)
            assert_told_to_end(sandbox, down, PENDING)
        start.wait(15 + SOON)
    assert start.code == 0 and in_s3(sandbox) == BODY and sandbox.mounts() == []


def test_a_down_behind_a_flush(sandbox):
    with flush_of_a_dead_s3(sandbox) as flush:
        down = answer(sandbox, ask(sandbox, "down", "--timeout", "3"), 3 + SOON)
        assert down.code == PENDING and flush.poll() is None and states(sandbox).keys() == {"0"}, down


@pytest.mark.parametrize("known", [False, True], ids=["", "whose proof is under way"])
@pytest.mark.parametrize("with_a_file", [False, True], ids=["without a file", "with a file"])
def test_a_down_of_a_stopped_driver(sandbox, rclone, with_a_file, known):
    """What it had not sent is not left behind: it stays with a mount, of which the next `down` can have it."""
    with Wire(sandbox.server.port, sandbox.folder, most=100) as wire, thawed(sandbox, wire):
        mount, = sandbox.up(mount_option(sandbox, 0), env={"S3_ENDPOINT_URL": wire.endpoint})["mounts"]
        os.listdir(sandbox.mnt / "0")
        if with_a_file:
            wire.freeze()
            file_of(sandbox).write_bytes(BODY)
            proc.wait_for(lambda: sandbox.status_of("0")["pending_bytes"] == len(BODY), 5, "the file in the cache")
        with stopped(mount["pid"]):
            if known:
                assert sandbox.status_of("0")["state"] in TOLD["stopped_driver"]
                time.sleep(0.3)  # it fails just before the end of the time of `down`
            down = answer(sandbox, ask(sandbox, "down", "--timeout", "4"), 6 + SOON)
            assert down.code != 0 if with_a_file else down.code == 0 or "0" in states(sandbox), down
        wire.thaw()
        sandbox.down("--timeout", "40")
    if with_a_file:
        assert in_s3(sandbox) == BODY


# A pause


PAUSE = 12


@contextlib.contextmanager
def paused(pid):
    """For PAUSE seconds, all but those that the caller needs, while it waits for what happens."""
    proc.wait_for(lambda: b"poll" in pathlib.Path(f"/proc/{pid}/wchan").read_bytes(), 5, "it to wait")
    began = time.monotonic()
    with stopped(pid):
        yield
        time.sleep(PAUSE - (time.monotonic() - began))


@contextlib.contextmanager
def paused_at_work(pid, trace):
    """The same, while it does something: it takes a client."""
    delay = ["-e", "trace=accept4", "-e", f"inject=accept4:delay_enter={PAUSE * 1_000_000}:when=1"]
    tracer = proc.spawn(["strace", "-qq", *delay, "-o", trace, "-p", pid], log=f"{trace}.log")
    try:
        proc.wait_for(lambda: f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(f"/proc/{pid}/status").read_text(), 10, "strace")
        yield
    finally:
        proc.stop(tracer)


def test_an_up_has_its_time_back_after_a_pause(sandbox):
    """S3 answers in the middle of it."""
    with up_of_a_dead_s3(sandbox, timeout="8") as up:
        with paused(supervisor(sandbox)):
            up.wire.thaw()
        result = answer(sandbox, up, 8 + PAUSE + SOON)
        assert result.code == 0 and states(sandbox) == {"0": "up"}, result
        sandbox.down()


@pytest.mark.shipped
def test_an_up_has_its_time_back_after_a_pause_of_a_supervisor_at_work(sandbox):
    with up_of_a_dead_s3(sandbox, timeout="8") as up:
        with paused_at_work(supervisor(sandbox), sandbox.folder / "trace"):
            ready = ask(sandbox, "ready", "--timeout", "30")
            time.sleep(1)
            up.wire.thaw()
            result = answer(sandbox, up, 8 + PAUSE + SOON)
        assert result.code == 0 and states(sandbox) == {"0": "up"}, result
        assert sandbox.finish(ready).code == 0
        sandbox.down()


def test_a_flush_has_its_time_back_after_a_pause(sandbox):
    with flush_of_a_dead_s3(sandbox, timeout="8") as flush:
        with paused(supervisor(sandbox)):
            pass
        time.sleep(0.5)
        assert flush.poll() is None, sandbox.finish(flush)
        flush.wire.thaw()
        assert answer(sandbox, flush, 8 + PAUSE + SOON).code == 0
