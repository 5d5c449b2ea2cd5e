"""
test_envd.py - s3mounts as a sandbox's daemon runs it (shell.py): by a login shell, at the end of a pipe, with variables that
come late, with a deadline that kills the direct child alone, as one user and another.
"""

import json
import subprocess
import time
import uuid

import pytest

from support import proc, procfs
from support.guest import Guest
from support.shell import OOM, USER, Shell, TooLate
from support.terminal import Terminal
from support.wire import Wire

SOON = 20  # what ends at end-of-file takes a second; what waits for a driver never ends


@pytest.fixture
def shell(binary, server, tmp_path):
    """A sandbox that was created with all its variables. At its end `down` leaves nothing."""
    name = uuid.uuid4().hex[:8]
    guest = Guest(binary, tmp_path)
    try:
        one = Shell(guest, {**server.environment(), "THREAD_ID": name, "USER_ID": "envd"})
        one.thread = f"/mnt/r2/threads/{name}"
        yield one
        result = one.run("s3mounts down", timeout=SOON)
        assert result.code == 0 and guest.mounts() == [], result
        for pid in guest.processes():
            if b"\0start" in procfs.command_line(pid):
                proc.run(guest.enter(["kill", procfs.number_inside(pid)]))
        proc.wait_for(lambda: not guest.processes(), 5, "the end of the supervisor")
    finally:
        guest.stop()


def ok(shell, cmd, **more):
    result = shell.run(cmd, **{"timeout": SOON, **more})
    assert result.code == 0, result
    return result


def supervisor(shell):
    """Its pid as seen from outside: of our processes the one that outlived its caller."""
    found = [pid for pid in shell.guest.processes() if b"s3mounts\0" in procfs.command_line(pid)]
    one = [pid for pid in found if procfs.parent(pid) not in found]  # its checks are children of its own
    assert len(one) == 1, [procfs.command_line(pid) for pid in found]
    return one[0]


def stored(server, shell, name):
    key = f"{shell.thread.removeprefix('/mnt/r2/')}/{name}"
    return server.client().get_object(Bucket=server.bucket, Key=key)["Body"].read()


def resident(shell):
    """`start` as the template has it: it ran before any variable was given."""
    given, shell.envs = shell.envs, {}
    ok(shell, "s3mounts start > /run/start.log 2>&1 & s3mounts ready --timeout 15")
    shell.envs = given


# Each command ends at end-of-file, whatever it leaves behind


@pytest.mark.both
@pytest.mark.parametrize("before", [None, resident], ids=["alone", "resident"])
def test_every_command_ends_at_end_of_file(shell, server, before):
    if before:
        before(shell)
    for command in ("up", "ready", "ready --mounted", "status", "up", "flush", "check", "config --print"):
        ok(shell, f"s3mounts {command}")
    (shell.guest.root / shell.thread[1:] / "file").write_text("last")
    ok(shell, "s3mounts down")
    assert stored(server, shell, "file") == b"last"
    assert shell.guest.mounts() == []


def test_a_child_that_keeps_the_pipes_is_noticed(shell):
    """What the harness is for."""
    begin = time.monotonic()
    with pytest.raises(TooLate):
        shell.run("sleep 1001 & echo started", timeout=2)
    assert time.monotonic() - begin < 8
    left, = [pid for pid in shell.guest.processes() if procfs.command_line(pid) == b"sleep\x001001\0"]
    proc.run(shell.guest.enter(["kill", procfs.number_inside(left)]))


@pytest.mark.parametrize("kind", ["null", "closed", "held open"])
def test_stdin(shell, kind):
    stdin = {"stdin": subprocess.PIPE} if kind == "held open" else {}
    end = " <&-" if kind == "closed" else ""
    for command in ("up", "status", "flush", "down"):
        child = shell.start(f"s3mounts {command}{end}", **stdin)
        proc.wait_for(lambda: child.poll() is not None, SOON, f"the end of {command}")
        result = shell.finish(child, SOON)
        assert result.code == 0, result


def test_stdout_is_closed(shell):
    """What had nothing to say there says 0; an answer that was lost does not."""
    ok(shell, "s3mounts up >&-")
    assert len(shell.guest.mounts()) == 3
    ok(shell, "s3mounts flush >&-")
    for command in ("status", "status --json", "flush --json"):
        result = shell.run(f"s3mounts {command} >&-", timeout=SOON)
        assert result.code == 8 and "stdout" in result.err, result
    ok(shell, "s3mounts down >&-")


# Who dies with the caller, and who does not


@pytest.fixture
def frozen(shell, server, tmp_path):
    """S3 accepts connections and says nothing; thaw() lets it go on."""
    with Wire(server.port, tmp_path) as wire:
        shell.envs["S3_ENDPOINT_URL"] = wire.endpoint
        wire.freeze()
        yield wire


@pytest.mark.parametrize("before", [None, resident], ids=["alone", "resident"])
def test_up_is_killed_at_the_deadline(shell, server, frozen, before):
    if before:
        before(shell)
    with pytest.raises(TooLate):
        shell.run("s3mounts up", timeout=2)
    pid = before and supervisor(shell)  # one that an `up` has started ends with what has come to nothing
    frozen.thaw()
    assert "3 of 3 mounts up" in ok(shell, "s3mounts up").err
    assert pid in (None, supervisor(shell)), "the supervisor died with the command"
    ok(shell, f"echo kept > {shell.thread}/file")
    ok(shell, "s3mounts flush")
    assert stored(server, shell, "file") == b"kept\n"


def test_the_whole_session_is_killed(shell, frozen):
    """The supervisor is of another: it lives, to take down what had not been proven."""
    child = shell.start("s3mounts up; true")  # so that the shell stays
    proc.wait_for(lambda: [p for p in shell.guest.processes() if procfs.command_line(p) == b"s3mounts\0up\0" and
                           procfs.session(p) != child.pid], 10, "the supervisor")
    shell.end_session(child)
    proc.wait_for(lambda: not shell.guest.processes() and shell.guest.mounts() == [], SOON, "the end of what had begun")
    frozen.thaw()
    ok(shell, "s3mounts up")


def test_the_session_is_killed_after_up(shell):
    """A pause between two commands in one shell, and its end by force: mounts and drivers stand."""
    child = shell.start("s3mounts up; echo; sleep 1001", envs={"PS1": "x"})
    child.stdout.readline()
    drivers = [json.loads(ok(shell, "s3mounts status --json").out)["mounts"][n]["pid"] for n in range(3)]
    shell.end_session(child)
    assert [m["pid"] for m in json.loads(ok(shell, "s3mounts status --json").out)["mounts"]] == drivers


def test_the_terminal_hangs_up(shell):
    """The same in a terminal that is closed: SIGHUP reaches neither supervisor nor drivers."""
    env = {"PATH": "/usr/bin:/bin", **shell.envs}
    with Terminal(shell.guest.enter(["/bin/bash", "-l", "-i"]), env=env) as terminal:
        terminal.line("s3mounts up; echo up=$?")
        terminal.expect(r"up=0")
        pid = supervisor(shell)
        terminal.hang_up()
    assert "3 of 3 mounts up" in ok(shell, "s3mounts up").err
    assert supervisor(shell) == pid


# Variables


def test_variables_of_the_creation_reach_up_and_not_start(shell, server):
    resident(shell)
    pid = supervisor(shell)
    assert shell.run("s3mounts ready --mounted", timeout=SOON).code == 6
    answer = json.loads(ok(shell, "s3mounts up --json").out)
    assert answer["supervisor"]["pid"] == procfs.number_inside(pid)
    assert shell.thread in [target for target, _, _ in shell.guest.mounts()]
    assert shell.envs["THREAD_ID"].encode() not in procfs.environment(pid)
    ok(shell, "s3mounts ready --mounted")
    secret = server.secret.encode()
    assert not [p for p in shell.guest.processes() if secret in procfs.environment(p)]


def test_variables_of_the_creation_come_after_the_command(shell):
    """Who started before has none of them: a plain `up` says so, and the next one has them."""
    given, shell.envs = shell.envs, {}
    early = shell.start("read -r _; s3mounts up --json", stdin=subprocess.PIPE)
    shell.envs = given
    out, err = early.communicate("\n", timeout=SOON)
    assert early.returncode == 3 and "no credentials" in json.loads(out)["error"]["message"], out + err
    ok(shell, "s3mounts up")


# Users


@pytest.mark.both
def test_one_user_writes_and_another_flushes(shell, server):
    ok(shell, "s3mounts up")
    ok(shell, f"umask 077 && mkdir {shell.thread}/work && echo mine > {shell.thread}/work/file", user="user")
    assert ok(shell, f"stat -c %u {shell.thread}/work/file").out == f"{USER}\n"
    ok(shell, "s3mounts flush")
    assert stored(server, shell, "work/file") == b"mine\n"
    ok(shell, f"echo of root > {shell.thread}/work/root")
    assert ok(shell, f"cat {shell.thread}/work/root", user="user").out == "of root\n"
    ok(shell, f"rm {shell.thread}/work/root", user="user")


@pytest.mark.parametrize("command, code", [("flush", 0), ("down", 0), ("status", 6)])
def test_another_user_is_told_whose_mounts_stand(shell, command, code):
    """They are no failure of a command that speaks for that user's own."""
    ok(shell, "s3mounts up")
    result = shell.run(f"s3mounts {command}", user="user", timeout=SOON)
    assert result.code == code and "/mnt/r2/" in result.err, result
    assert "another run directory's, /run/s3mounts, of user 0, and was not touched" in result.err and "run this as that user" in result.err, result
    assert len(shell.guest.mounts()) == 3


def test_up_without_rights_tells_what_is_missing(shell):
    """One obstacle after the other: the device's mode, the helper that is not set-uid, the folder of root."""
    def up(*options):
        return shell.run(" ".join(["s3mounts up", *options]), user="user", timeout=SOON)

    # Whatever mode the machine's device has.
    ok(shell, "mknod -m 600 /run/fuse c 10 229 && mount --bind /run/fuse /dev/fuse")
    result = up()
    assert result.code == 6 and "open /dev/fuse: its mode does not let this user in" in result.err, result
    ok(shell, "chmod 666 /dev/fuse")
    ok(shell, "cp /usr/bin/fusermount3 /run/helper && chmod 755 /run/helper && mount --bind /run/helper /usr/bin/fusermount3")
    result = up()
    assert result.code == 6 and "CAP_SYS_ADMIN" in result.err and "set-uid fusermount3" in result.err, result
    assert 'user="root"' in result.err, result
    ok(shell, "umount /usr/bin/fusermount3")
    result = up()
    assert result.code == 6 and "/mnt/r2" in result.err and "denied" in result.err and "run as root" in result.err, result
    assert shell.guest.mounts() == []
    proc.wait_for(lambda: shell.guest.processes() == [], 5, "the end of the supervisor")


# The end


def test_down_as_the_last_command_leaves_nothing(shell, server):
    ok(shell, "s3mounts up")
    ok(shell, f"for n in 1 2 3 4 5; do head -c 100000 /dev/zero > {shell.thread}/$n; done", user="user")
    ok(shell, "s3mounts down")
    assert [len(stored(server, shell, n)) for n in range(1, 6)] == [100000] * 5
    assert shell.guest.mounts() == []
    proc.wait_for(lambda: not shell.guest.processes(), 5, "the end of the supervisor")
    left = [p.name for p in (shell.guest.root / "run/s3mounts").iterdir()]
    assert "rclone.conf" not in left and "control" not in left
    found = ok(shell, "grep -rlF \"$S3_ACCESS_SECRET\" /run /var/cache /mnt /home /root /tmp; true").out
    assert found == ""


# Memory runs short


def test_drivers_are_not_the_first_to_go(shell):
    """Children of the daemon have an oom_score_adj of 100; a driver's death costs the sandbox its files."""
    ok(shell, "s3mounts up")
    ours = supervisor(shell)
    scores = {procfs.command_line(pid): procfs.oom_score_adj(pid) for pid in [ours, *procfs.children(ours)]}
    assert len(scores) == 4 and max(scores.values()) < OOM, scores
