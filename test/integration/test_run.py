"""
test_run.py - `s3mounts run -- CMD`: CMD starts when every mount is proven, as if its caller had started it; when it has ended
its files are in S3. Signals and process groups are in test_run_signals.py, terminals in test_run_terminal.py.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from support import fuse
from support.wire import Wire

SECRETS = ("S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_SESSION_TOKEN",
           "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
USAGE, NO_CREDENTIALS, REFUSED, UNREACHABLE, MOUNT, PENDING, FAULT = 2, 3, 4, 5, 6, 7, 8
USER, GROUP = 4711, 4712


def one(sandbox, options=""):
    """A single mount, as an option."""
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{options}"


def run(sandbox, *cmd, options=None, code=0, **more):
    """`run` with one mount, or with OPTIONS; it must exit with CODE, and nothing of it may be left."""
    result = sandbox.s3mounts("run", *(options or [one(sandbox)]), "--", *cmd, **more)
    assert result.code == code, result
    assert sandbox.mounts() == [] and sandbox.leftovers(patience=2) == [], result
    return result


def popen(sandbox, *cmd, options=(), **more):
    """As above, but only started, with its streams and the rest as MORE says."""
    return subprocess.Popen(sandbox.argv("run", one(sandbox), *options, "--", *cmd), **{
        "env": sandbox.env, "cwd": "/", "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        "text": True, **more})


def marker(sandbox):
    """A CMD that leaves a trace, and the trace."""
    trace = sandbox.folder / "CMD has run"
    return ["touch", trace], trace


# CMD as its caller would have started it


@pytest.mark.both
def test_what_it_writes_last_is_in_s3(sandbox):
    """It finds its three mounts at its start. Silence at the end is success."""
    sandbox.put(f"{sandbox.prefixes[1]}/there", b"a skill")
    script = 'cat "$2/there" && grep -c "$4.*fuse" /proc/self/mountinfo && echo first > "$1/first" && head -c 3M /dev/zero >"$3/last"'
    result = run(sandbox, "sh", "-c", script, "sh", *sandbox.targets, sandbox.mnt, options=sandbox.specs)
    assert result.out == "a skill3\n"
    assert re.fullmatch(r"s3mounts: 3 of 3 mounts up and proven, \d+ ms\n", result.err), result
    assert sandbox.get(f"{sandbox.prefixes[0]}/first") == b"first\n"
    assert sandbox.get(f"{sandbox.prefixes[2]}/last") == bytes(3 << 20)
    assert not (sandbox.run / "rclone.conf").exists() and not (sandbox.run / "control").exists()


PRINT_ENVIRONMENT = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


@pytest.mark.both
@pytest.mark.parametrize("keep", [False, True], ids=["default", "keep-env"])
def test_environment(sandbox, keep):
    """All of the caller's, nothing more, and the secrets absent: not empty."""
    sandbox.env.update({"S3_BUCKET": "no secret", "AWS_PROFILE": "x", "EMPTY": "", "LINES_": "a\nb",
                        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c",
                        "S3_SESSION_TOKEN": ""})
    result = run(sandbox, *PRINT_ENVIRONMENT, options=[one(sandbox), *(["--keep-env"] if keep else [])])
    expected = {name: value for name, value in sandbox.env.items() if keep or name not in SECRETS}
    seen = json.loads(result.out)
    seen.pop("LC_CTYPE", None)  # Python's own
    if keep:
        sandbox.history.clear()  # the secret is meant to be there
    assert seen == expected


def test_the_secret_is_not_beside_it_either(sandbox):
    """The program's own environment can be read by whoever has its uid."""
    result = run(sandbox, "sh", "-c", "cat /proc/$PPID/environ | tr '\\0' '\\n'")
    assert sandbox.server.secret not in result.out
    assert f"THREAD_ID={sandbox.thread}\n" in result.out, "this test cannot fail"


def test_folder_umask_and_streams(sandbox):
    (sandbox.folder / "in").write_text("line 1\nline 2\n")
    with open(sandbox.folder / "in") as stdin:
        child = popen(sandbox, "sh", "-c", "pwd; umask; cat; echo to stderr >&2", cwd=sandbox.folder, umask=0o027, stdin=stdin)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (0, f"{sandbox.folder}\n0027\nline 1\nline 2\n"), err
    assert re.fullmatch(r"s3mounts: 1 of 1 mounts .*\nto stderr\n", err), err


def test_it_inherits_no_descriptor_of_ours(sandbox):
    script = "import os; print(*[fd for fd in range(3, 256) if os.path.exists(f'/proc/self/fd/{fd}')])"
    result = run(sandbox, sys.executable, "-c", script)
    assert result.out == "\n"


def test_it_is_no_better_than_others_when_memory_runs_out(sandbox):
    """The drivers are spared (test_drivers.py), CMD is not."""
    score = pathlib.Path("/proc/self/oom_score_adj")
    child = popen(sandbox, "cat", score, preexec_fn=lambda: score.write_text("321"))
    assert child.communicate(timeout=30)[0] == "321\n"


def test_without_streams(sandbox):
    """A caller that has closed them: nothing of ours takes their places in CMD."""
    script = f"for n in 0 1 2; do readlink /proc/self/fd/$n || echo closed; done > {sandbox.folder}/seen"
    argv = " ".join(f"'{a}'" for a in sandbox.argv("run", one(sandbox), "--", "sh", "-c", "exec 7>&1; " + script))
    done = subprocess.run(["/bin/bash", "-c", f"exec {argv} <&- >&- 2>&-"], env=sandbox.env, timeout=30, check=False)
    seen = (sandbox.folder / "seen").read_text() if (sandbox.folder / "seen").exists() else ""
    assert "socket:" not in seen and "anon_inode:" not in seen and str(sandbox.run) not in seen, (seen, done.returncode)


def ignore_and_block():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGTERM])


@pytest.mark.parametrize("prepare", [None, ignore_and_block])
def test_signal_mask_and_dispositions(sandbox, prepare):
    """A caller that ignores SIGCHLD too: what is ignored stays so in CMD, and its end is seen all the same."""
    look = ["sh", "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status; exit 9"]
    plain = subprocess.run(look, preexec_fn=prepare, capture_output=True, text=True, check=False)
    child = popen(sandbox, *look, preexec_fn=prepare)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (9, plain.stdout), err


@pytest.mark.parametrize("words", [
    ["sh", "-c", 'echo "$@"', "sh"], ["--", "sh", "-c", 'echo "$@"', "sh"], ["--anyway", "sh", "-c", 'echo "$@"', "sh"]], ids=" ".join)
def test_options_end_at_the_first_word_that_is_none(sandbox, words):
    """The kernel takes the first "--" out of the arguments of an init. What follows is CMD's, also what `run` has a meaning for."""
    theirs = ["--json", "--stop-timeout=x", "--", "-h", "--help"]
    result = sandbox.s3mounts("run", one(sandbox), *words, *theirs)
    assert (result.code, result.out) == (0, " ".join(theirs) + "\n"), result


# How it ends


@pytest.mark.both
@pytest.mark.parametrize("status", [1, 7, 127, 255])
def test_exit_status(sandbox, status):
    result = run(sandbox, "sh", "-c", f"echo {status} > {sandbox.mnt}/one/file; exit {status}", code=status)
    assert result.err.count("\n") == 1 and sandbox.get(f"{sandbox.prefixes[0]}/file") == b"%d\n" % status


@pytest.mark.both
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT, signal.SIGPIPE])
def test_ended_by_a_signal(sandbox, number):
    run(sandbox, "sh", "-c", f"ulimit -c 0; echo > {sandbox.mnt}/one/file; kill -{number:d} $$", code=128 + number)
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"\n"


@pytest.mark.both
@pytest.mark.parametrize("kind, code", [
    ("no such command", 127), ("no such file", 127), ("empty name", 127),
    ("not executable", 126), ("a folder", 126), pytest.param("not a program", 126, marks=pytest.mark.shipped)])
def test_cmd_cannot_be_executed(sandbox, kind, code):
    junk = sandbox.folder / "junk"
    junk.write_bytes(b"\x7fELF and nothing that follows\n")
    junk.chmod(0o644 if kind == "not executable" else 0o755)
    name = {"no such command": "s3mounts-no-such-command", "no such file": sandbox.folder / "absent", "empty name": "",
            "a folder": sandbox.folder}.get(kind, junk)
    result = run(sandbox, name, code=code)
    assert "s3mounts: " in result.err and str(name) in result.err, result


def test_the_status_of_a_missing_cmd_without_stderr(sandbox):
    """What could not be said must not change it."""
    run(sandbox, "s3mounts-no-such-command", code=127, preexec_fn=lambda: os.close(2))


def test_cmd_is_found_in_the_callers_path(sandbox):
    """What may not be executed is passed over; a name with a slash is taken as it is, from the caller's folder."""
    for folder, mode in (("first", 0o644), ("second", 0o755)):
        (sandbox.folder / folder).mkdir()
        (sandbox.folder / folder / "tool").write_text(f"#!/bin/sh\necho {folder} $*\n")
        (sandbox.folder / folder / "tool").chmod(mode)
    sandbox.env["PATH"] = f"{sandbox.folder}/first:{sandbox.folder}/second:{sandbox.env['PATH']}"
    assert run(sandbox, "tool", "--json", "--", "--mount=x:y").out == "second --json -- --mount=x:y\n"
    child = popen(sandbox, "second/tool", cwd=sandbox.folder)
    assert child.communicate(timeout=30)[0] == "second\n" and child.returncode == 0


# Where a mount fails


def broken(sandbox, kind):
    """(options, variables, exit code) of what cannot come up."""
    (sandbox.mnt / "file").write_text("")
    bad = f"--mount=docs:{sandbox.mnt}/file"
    return {
        "wrong secret": (sandbox.specs, {"S3_ACCESS_SECRET": "wrong-wrong-wrong"}, REFUSED),
        "unreachable": (sandbox.specs, {"S3_ENDPOINT_URL": "http://127.0.0.1:1"}, UNREACHABLE),
        "no credentials": (sandbox.specs, {"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}, NO_CREDENTIALS),
        "no driver": (sandbox.specs, {"S3MOUNTS_RCLONE": f"{sandbox.folder}/absent"}, MOUNT),
        "bad variable": (sandbox.specs, {"THREAD_ID": "a/b"}, USAGE),
        "one of three": ([*sandbox.specs[:2], bad], {}, 1),
    }[kind]


KINDS = ["wrong secret", "unreachable", "no credentials", "no driver", "bad variable", "one of three"]


def without_numbers(text):
    return re.sub(r"\b(pid )?\d+( ms)?\b", "N", text)


@pytest.mark.both
@pytest.mark.parametrize("kind", KINDS)
def test_cmd_does_not_start(sandbox, kind):
    """The words and the code are those of `up`; what came up is gone again."""
    options, env, code = broken(sandbox, kind)
    cmd, trace = marker(sandbox)
    result = run(sandbox, *cmd, options=options, env=env, code=code)
    assert not trace.exists()
    up = sandbox.s3mounts("up", *options, env=env)
    assert up.code == code
    assert without_numbers(up.err).replace("up: ", "run: ") == without_numbers(result.err).replace("up: ", "run: ")
    if kind == "no credentials":
        assert all(target.is_dir() for target in sandbox.targets)


@pytest.mark.parametrize("kind", ["wrong secret", "unreachable", "no credentials", "one of three"])
def test_anyway(sandbox, kind):
    """It is told just so, and CMD starts; what did come up serves it."""
    options, env, code = broken(sandbox, kind)
    script = f"grep -c '{sandbox.mnt}.*fuse' /proc/self/mountinfo; echo > {sandbox.targets[0]}/file; exit 33"
    result = run(sandbox, "sh", "-c", script, options=[*options, "--anyway"], env=env, code=33)
    assert result.out == ("2\n" if kind == "one of three" else "0\n") and "hint" in result.err
    assert len(sandbox.keys(sandbox.prefixes[0])) == (kind == "one of three")


def test_nofail_is_told_but_does_not_count(sandbox):
    options, _, _ = broken(sandbox, "one of three")
    cmd, trace = marker(sandbox)
    result = run(sandbox, *cmd, options=[*options[:2], f"{options[2]}:nofail"])
    assert trace.exists() and f"failed    {sandbox.mnt}/file" in result.err


# Usage


@pytest.mark.parametrize("argv", [
    [], ["--"], ["-x"], ["-x", "touch", "x"], ["--no-such", "touch", "x"], ["--no-such", "--", "touch", "x"],
    ["--json", "--", "touch", "x"], ["--keep", "--", "touch", "x"], ["--timeout", "--", "touch", "x"],
    ["--timeout=x", "--", "touch", "x"],
    ["--stop-timeout=x", "--", "touch", "x"], ["--stop-timeout=-1", "--", "touch", "x"],
    *([f"--user={value}", "--", "touch", "x"] for value in
      ("", "user", "1:", ":1", "-1", "1:-1", "4294967295", "1:4294967295", "4294967296", "1:1:1", " 1", "1 ", "0x10", "1,2"))],
    ids=" ".join)
def test_usage_errors(sandbox, argv):
    child = subprocess.run(sandbox.argv("run", *sandbox.specs, *argv), env=sandbox.env, cwd=sandbox.folder, capture_output=True,
                           text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert child.returncode == USAGE and child.stdout == "" and "s3mounts: " in child.stderr, child
    assert not (sandbox.folder / "x").exists() and sandbox.mounts() == [] and sandbox.processes() == []


# Another user


@pytest.mark.both
@pytest.mark.parametrize("group", ["", f":{GROUP}"], ids=["uid", "uid and gid"])
def test_user(sandbox, group):
    """CMD's ids, no other group, no capability; the files are its own, but where the mount's options say otherwise."""
    other = sandbox.mnt / "other"
    gid = GROUP if group else USER
    script = ('id -u; id -g; id -G; grep CapEff /proc/self/status; stat -c %u:%g "$1" "$2"; '
              'echo mine > "$1/file"; stat -c %u:%g "$1/file"')
    sandbox.folder.chmod(0o711)
    child = subprocess.Popen(
        sandbox.argv("run", one(sandbox), f"--mount={sandbox.prefixes[2]}:{other}:uid=1,gid=2", f"--user={USER}{group}", "--",
                     "sh", "-c", script, "sh", sandbox.mnt / "one", other),
        env=sandbox.env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        extra_groups=[1, 20])
    out, err = child.communicate(timeout=30)
    assert out.split("\n") == [
        str(USER), str(gid), str(gid), "CapEff:\t0000000000000000", f"{USER}:{gid}", "1:2", f"{USER}:{gid}", ""], err
    assert child.returncode == 0 and sandbox.leftovers(patience=2) == []
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"mine\n"


def test_user_needs_root(sandbox):
    """Refused before anything is mounted, whoever it is to be."""
    cmd, trace = marker(sandbox)
    program = shutil.copy(sandbox.binary, sandbox.folder / "program")
    for folder in (sandbox.folder, sandbox.mnt):
        os.chown(folder, fuse.NOBODY, fuse.NOBODY)
    argv = [program, *sandbox.argv("run", one(sandbox), f"--user={fuse.NOBODY}", "--", *cmd)[1:]]
    done = subprocess.run(argv, env=sandbox.env, cwd="/", user=fuse.NOBODY, group=fuse.NOBODY, extra_groups=[],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert done.returncode == FAULT and "--user" in done.stderr and "root" in done.stderr, done
    assert not trace.exists() and sandbox.mounts() == [] and sandbox.processes() == []


# When the end takes longer


@pytest.fixture
def wire(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as one_wire:
        sandbox.env["S3_ENDPOINT_URL"] = one_wire.endpoint
        yield one_wire


@pytest.mark.parametrize("status, code", [(0, PENDING), (3, 3)])
def test_what_cannot_be_flushed_in_time_is_told_and_not_lost(sandbox, wire, status, code):
    script = f"ls {sandbox.mnt}/one; echo ready; read -r _; echo not lost > {sandbox.mnt}/one/late; exit {status}"
    child = popen(sandbox, "sh", "-c", script, options=["--stop-timeout=2"], stdin=subprocess.PIPE)
    assert child.stdout.readline() == "ready\n"
    wire.freeze()
    begin = time.monotonic()
    out, err = child.communicate("go on\n", timeout=40)
    assert child.returncode == code and "late" in err, err
    assert "more time (--stop-timeout)" in err and "(--timeout)" not in err
    assert time.monotonic() - begin < 12
    wire.thaw()
    sandbox.up(one(sandbox))
    sandbox.down("--timeout", "40")
    assert sandbox.get(f"{sandbox.prefixes[0]}/late") == b"not lost\n"
