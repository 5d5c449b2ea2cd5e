"""test_cli.py - the command line itself."""

import re
import subprocess

import pytest

COMMANDS = ["up", "check", "config", "status", "down"]


@pytest.mark.both
def test_version_and_help(sandbox):
    version = raw(sandbox, "--version")
    assert version.code == 0 and version.out.startswith("s3mounts ") and version.err == ""
    text = raw(sandbox, "--help")
    assert text.code == 0 and text.err == ""
    for command in COMMANDS:
        assert command in text.out


def raw(sandbox, *argv):
    """Without the options that every other test gives."""
    child = subprocess.Popen([sandbox.binary, *argv], env=sandbox.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    return sandbox.finish(child)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each(sandbox, command):
    result = raw(sandbox, command, "--help")
    assert result.code == 0 and result.out and not result.err, result
    assert "--json" in result.out
    told = {int(number) for number in re.findall(r"^ *(\d)\b", result.out, re.M)}
    assert told == set(range(9)), "not all exit codes are told"


@pytest.mark.parametrize("command", [[], *([name] for name in [*COMMANDS, "start", "ready", "run", "flush"])], ids=lambda words: " ".join(words) or "nothing")
def test_short_help(sandbox, command):
    short, long = raw(sandbox, *command, "-h"), raw(sandbox, *command, "--help")
    assert short.code == 0 and short.out == long.out and not short.err, short
    if command:
        assert re.search(r"^  -h, --help +this text$", short.out, re.M)
        assert raw(sandbox, *command, "-x").code == 2


def test_help_comes_whatever_else_is_wrong(sandbox):
    text = raw(sandbox, "up", "--help").out
    for argv in (["up", "--nonsense", "-h"], ["up", "-h", "argument"], ["up", "--timeout", "x", "--json", "--help"],
                 ["help", "up"], ["-h", "up"], ["--help", "up", "--nonsense"]):
        result = raw(sandbox, *argv)
        assert (result.code, result.out, result.err) == (0, text, ""), result
    assert raw(sandbox, "help").out == raw(sandbox, "help", "help").out == raw(sandbox, "--help").out
    assert raw(sandbox, "help", "nonsense").code == 2
    assert raw(sandbox, "run", "--nonsense", "--", "true", "-h").code == 2, "that -h is the command's"


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["--nonsense"], ["up", "--nonsense"], ["up", "argument"], ["up", "--mount"],
                                  ["up", "--timeout", "x"], ["up", "--timeout", "-1"], ["down", "--timeout="], ["status", "--mount", "a:/b"],
                                  ["up", "--mount", "no-target"]],
                         ids=lambda argv: " ".join(argv) or "nothing")
def test_usage_errors(sandbox, argv):
    result = raw(sandbox, *argv)
    assert result.code == 2 and result.out == "" and result.err, result
    if argv and argv != ["nonsense"]:
        assert result.err.startswith("s3mounts")


def test_usage_errors_in_json_too(sandbox):
    result = sandbox.s3mounts("up", "--json", "--mount", "no-target")
    assert result.code == 2 and result.json["error"]["code"] == 2, result


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_nobody_reads(sandbox, command):
    """stdout and stderr on /dev/full: no crash, no silence about a failed mount."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(sandbox.argv(command, "--json", *(sandbox.specs if command in ("up", "check", "config") else [])),
                              env=sandbox.env, stdin=subprocess.DEVNULL, stdout=full, stderr=full, timeout=30, check=False)
    assert 0 <= done.returncode <= 8
    assert done.returncode != 0, "the answer was lost and it says 0"


@pytest.mark.parametrize("command", ["up", "check", "status", "down"])
def test_closed_descriptors(sandbox, command):
    """Started without stdin, stdout and stderr: nothing may land in a file that took their numbers."""
    argv = " ".join(f"'{a}'" for a in sandbox.argv(command, *(sandbox.specs if command in ("up", "check") else [])))
    done = subprocess.run(["/bin/bash", "-c", f"exec {argv} <&- >&- 2>&-"], env=sandbox.env, timeout=30, check=False)
    assert 0 <= done.returncode <= 8
    for file in ("control", "lock"):
        path = sandbox.run / file
        if path.is_file():
            assert b"s3mounts:" not in path.read_bytes()
