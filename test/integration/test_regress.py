"""test_regress.py - faults that the soak has found, each as small as it could be made."""

import os
import signal
import time

import pytest

from support import fuse, proc, procfs

SLOW = ":vfs_write_back=3s"


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: not any(map(procfs.alive, pids)), 5, "their end")


@pytest.fixture
def left(sandbox):
    """Three mounts whose supervisor has been killed; a file waits in the first. Gives `up`'s answer."""
    answer = sandbox.up(*(spec + SLOW for spec in sandbox.specs))
    (sandbox.targets[0] / "waits").write_text("not lost")
    time.sleep(0.3)  # the kernel tells rclone of the last close after close(2) has returned
    kill(answer["supervisor"]["pid"])
    return answer


def test_a_later_plan_takes_down_what_a_killed_supervisor_left(sandbox, left):
    """As it does where the supervisor lives: with its files in S3, and the config stays for what stands."""
    answer = sandbox.up(sandbox.specs[1] + SLOW)
    assert answer["mounts"][0]["pid"] == left["mounts"][1]["pid"]
    assert [m[0] for m in sandbox.mounts()] == [str(sandbox.targets[1])]
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost"
    assert [m["target"] for m in sandbox.status()["mounts"]] == [str(sandbox.targets[1])]


@pytest.mark.parametrize("command", ["flush", "down"])
def test_what_is_kept_of_a_killed_supervisor_counts(sandbox, left, command):
    sandbox.up("--keep", sandbox.specs[1] + SLOW)
    assert {m["target"]: m["pid"] for m in sandbox.status()["mounts"]} == {m["target"]: m["pid"] for m in left["mounts"]}
    result = sandbox.s3mounts(command)
    assert result.code == 0 and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost", result
    assert len(sandbox.mounts()) == (3 if command == "flush" else 0)


def test_dead_mounts_of_a_killed_supervisor_are_taken_down_too(sandbox, left):
    """Its driver is gone with it: what waited in the cache is uploaded by another."""
    kill(left["mounts"][0]["pid"])
    sandbox.up(sandbox.specs[1] + SLOW)
    assert [m[0] for m in sandbox.mounts()] == [str(sandbox.targets[1])]
    sandbox.down()
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost"


def test_another_option_after_the_supervisor_was_killed(sandbox, left):
    answer = sandbox.up(*sandbox.specs)
    assert not {m["pid"] for m in answer["mounts"]} & {m["pid"] for m in left["mounts"]}
    assert len(sandbox.mounts()) == 3 and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost"


def test_refused_credentials_leave_all_of_a_killed_supervisors_mounts_alone(sandbox, left):
    sandbox.up(sandbox.specs[1], env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, code=4)
    assert {m["target"]: m["pid"] for m in sandbox.status()["mounts"]} == {m["target"]: m["pid"] for m in left["mounts"]}
    sandbox.down()
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost"


@pytest.mark.parametrize("content", [b"", b"1 x\n", b"99999999999999999999 " + b"0" * 32 + b"\n", b"\xff" * 5000, None])
def test_a_drivers_file_that_says_nothing_is_passed_over(sandbox, content):
    sandbox.up(sandbox.specs[0])
    sandbox.down()
    path = sandbox.run / f"{'0' * 32}.driver"
    path.mkdir() if content is None else path.write_bytes(content)
    sandbox.up()
    assert len(sandbox.status()["mounts"]) == 3
    sandbox.down()


def test_a_mount_that_went_with_the_supervisor_leaves_no_file_behind(sandbox, left):
    kill(left["mounts"][0]["pid"])
    fuse.detach(sandbox.targets[0])
    sandbox.up(*(spec + SLOW for spec in sandbox.specs))
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost" and list(sandbox.run.glob("*.driver")) == []


def test_down_while_a_hung_driver_is_being_found_out(sandbox):
    """SIGHUP has it replaced where it does not answer: `down` must not be forgotten over that."""
    answer = sandbox.up(sandbox.specs[0] + SLOW)
    (sandbox.targets[0] / "waits").write_text("not lost")
    time.sleep(0.3)  # the kernel tells rclone of the last close after close(2) has returned
    os.kill(answer["mounts"][0]["pid"], signal.SIGSTOP)
    os.kill(answer["supervisor"]["pid"], signal.SIGHUP)
    time.sleep(0.2)
    sandbox.down("--timeout", "30")
    assert sandbox.mounts() == [] and sandbox.get(f"{sandbox.prefixes[0]}/waits") == b"not lost"


@pytest.mark.shipped
@pytest.mark.parametrize("error, verdict, code", [("ENOMEM", "fault", 8), ("ENOBUFS", "fault", 8), ("ECONNRESET", "egress-blocked", 5)])
def test_what_this_machine_lacks_is_not_told_of_the_network(sandbox, error, verdict, code):
    strace = ["strace", "-f", "-qq", "-o", sandbox.folder / "trace", "-e", f"inject=sendto:error={error}"]
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0], under=strace)
    assert result.code == code and result.json["mounts"][0]["check"]["verdict"] == verdict, result
