"""
test_run_terminal.py - `s3mounts run -- CMD` typed at a shell's prompt: CMD has the terminal while it runs, as if the shell had
started it, and the shell has it back whenever CMD stops or ends.
"""

import os
import signal
import sys

import pytest

from support import proc, procfs
from support.terminal import Terminal

PROMPT = "next> "
# Tells of the terminal, of each signal, and of each line that it reads, which it does not before the file `go` is there.
# The line "end N" ends it.
CMD = """
import os, pathlib, signal, sys, time
go = pathlib.Path(sys.argv[0]).with_name("go")
def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # print() may not be called within itself, as a handler would
def told(number, _):
    tell("GOT", signal.Signals(number).name, *(os.get_terminal_size() if number == signal.SIGWINCH else ""))
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), told)
mine = "mine" if os.tcgetpgrp(0) == os.getpgrp() == os.getpid() else "not mine"
tell("READY", os.getpid(), "terminal", mine, os.isatty(1))
while not go.exists():
    time.sleep(0.05)
while True:
    words = sys.stdin.readline().split()
    if words[:1] == ["end"]:
        sys.exit(int(words[1]))
    tell("READ", *words)
"""


@pytest.fixture
def go(sandbox):
    """The file that CMD waits for: there from the start, where a test does not remove it."""
    file = sandbox.folder / "go"
    file.touch()
    return file


@pytest.fixture(params=["bash", "sh"])
def shell(sandbox, request, go):
    """An interactive shell in which `run_it WORDS` is `run` with one mount around CMD WORDS, and `run` around anything."""
    (sandbox.folder / "cmd.py").write_text(CMD)
    programs = sandbox.folder / "bin"
    programs.mkdir()
    arguments = [f"'{a}'" for a in sandbox.argv("run", f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one")]
    for name, more in (("run", ""), ("run_it", f"{sys.executable} {sandbox.folder}/cmd.py")):
        (programs / name).write_text(f"#!/bin/sh\nexec {' '.join(arguments)} -- {more} \"$@\"\n")
        (programs / name).chmod(0o755)
    env = {**sandbox.env, "PATH": f"{programs}:{sandbox.env['PATH']}", "PS1": PROMPT, "TERM": "dumb", "ENV": "", "HISTFILE": ""}
    argv = ["bash", "--norc", "--noediting", "-i"] if request.param == "bash" else ["dash", "-i"]
    with Terminal(argv, env=env, cwd=sandbox.folder) as terminal:
        terminal.expect(PROMPT)
        yield terminal
    assert sandbox.leftovers(patience=5) == []


def begin(shell, line):
    """Types LINE, waits for CMD and gives its pid. It has the terminal."""
    shell.line(line)
    pid, mine, both = shell.expect(r"READY (\d+) terminal (mine|not mine) (\w+)").groups()
    assert (mine, both) == ("mine", "True") and shell.foreground() == int(pid)
    return int(pid)


def code(shell, expected):
    """What $? is at the prompt, which has the terminal."""
    shell.expect(PROMPT)
    assert shell.foreground() == shell.child.pid
    shell.line("echo code=$?")
    assert shell.expect(r"code=(\d+)").group(1) == str(expected)
    shell.expect(PROMPT)


def test_cmd_has_the_terminal_and_reads_it(shell):
    begin(shell, "run_it")
    shell.line("some words")
    shell.expect("READ some words")
    shell.line("end 3")
    code(shell, 3)


def test_end_of_input(shell):
    begin(shell, "run_it")
    shell.type("\x04")
    shell.expect("READ")
    shell.line("end 0")
    code(shell, 0)


@pytest.mark.parametrize("key, number", [("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)], ids=["Ctrl-C", "Ctrl-backslash"])
def test_a_key_ends_cmd(shell, sandbox, key, number):
    """CMD alone: `run` goes on, flushes, and has its status."""
    shell.line("ulimit -c 0")
    shell.line(f"run sh -c 'echo file > {sandbox.mnt}/one/file; echo REA\"\"DY; exec sleep 60'")
    shell.expect("READY")
    shell.type(key)
    code(shell, 128 + number)
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"file\n" and sandbox.mounts() == []


def test_a_key_reaches_cmd_once(shell):
    begin(shell, "run_it SIGINT SIGQUIT")
    for key, name in (("\x03", "SIGINT"), ("\x1c", "SIGQUIT"), ("\x03", "SIGINT")):
        shell.type(key)
        shell.expect(f"GOT {name}")
        shell.line("after")
        assert "GOT" not in shell.text[:shell.expect("READ after").start()]
    shell.line("end 4")
    code(shell, 4)


def stopped(shell, pid):
    """CMD has stopped and `run` with it: the prompt is back."""
    shell.expect(r"[Ss]topped")
    shell.line("")
    shell.expect(PROMPT)
    assert procfs.state(pid) == "T" and shell.foreground() == shell.child.pid


def test_stop_and_continue(shell):
    pid = begin(shell, "run_it SIGCONT")
    for _ in range(2):
        shell.type("\x1a")
        stopped(shell, pid)
        shell.line("fg")
        shell.expect("GOT SIGCONT")
        proc.wait_for(lambda: shell.foreground() == pid, 5, "the terminal for CMD")
        shell.line("more words")
        shell.expect("READ more words")
    shell.line("end 5")
    code(shell, 5)


def test_stopped_by_kill(shell):
    """Not from the keyboard, and not to be caught."""
    pid = begin(shell, "run_it SIGCONT")
    os.kill(pid, signal.SIGSTOP)
    stopped(shell, pid)
    shell.line("fg")
    shell.expect("GOT SIGCONT")
    shell.line("end 6")
    code(shell, 6)


def in_background(shell, pid):
    """CMD runs, and the terminal is the shell's."""
    proc.wait_for(lambda: procfs.state(pid) in ("S", "R"), 10, "CMD in the background")
    shell.line("echo still $((40 + 2))")
    shell.expect("still 42")
    assert shell.foreground() == shell.child.pid
    shell.expect(PROMPT)


def test_continued_in_the_background(shell, go):
    """`bg` takes nothing from the shell; after `fg` CMD reads the terminal."""
    go.unlink()
    pid = begin(shell, "run_it")
    shell.type("\x1a")
    stopped(shell, pid)
    shell.line("bg")
    in_background(shell, pid)
    shell.line("fg")
    go.touch()
    shell.line("words")
    shell.expect("READ words")
    shell.line("end 7")
    code(shell, 7)


def test_started_in_the_background(shell, go):
    """The terminal stays with the shell; CMD that reads from it stops, and `run` with it, until `fg`."""
    go.unlink()
    shell.line("run_it &")
    pid = int(shell.expect(r"READY (\d+) terminal not mine").group(1))
    in_background(shell, pid)
    go.touch()
    proc.wait_for(lambda: procfs.state(pid) == procfs.state(procfs.parent(pid)) == "T", 10, "their stop")
    shell.line("fg")
    shell.line("words")
    shell.expect("READ words")
    assert shell.foreground() == pid
    shell.line("end 8")
    code(shell, 8)


def test_a_key_after_fg_reaches_it(shell, go):
    """Started in the background and never stopped: no shell tells it that it is in the foreground now."""
    go.unlink()
    shell.line("run_it SIGINT &")
    pid = int(shell.expect(r"READY (\d+) terminal not mine").group(1))
    in_background(shell, pid)
    shell.line("fg")
    proc.wait_for(lambda: shell.foreground() != shell.child.pid, 10, "the foreground")
    shell.type("\x03")
    shell.expect("GOT SIGINT")
    go.touch()
    shell.line("end 9")
    code(shell, 9)


def test_the_window_changes_its_size(shell):
    begin(shell, "run_it SIGWINCH")
    for rows, columns in ((40, 100), (10, 20)):
        shell.size(rows, columns)
        shell.expect(f"GOT SIGWINCH {columns} {rows}")
    shell.line("end 0")
    code(shell, 0)


def test_the_window_is_closed(shell, sandbox):
    """SIGHUP ends CMD; `run` outlives the terminal and brings all to S3."""
    trap = f'trap "echo hung up > {sandbox.mnt}/one/file; exit" HUP'
    shell.line(f"run bash -c '{trap}; echo REA\"\"DY; while :; do sleep 0.1; done'")
    shell.expect("READY")
    shell.hang_up()
    proc.wait_for(lambda: not sandbox.leftovers(), 20, "the end of all")
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"hung up\n"


def test_without_job_control(shell, sandbox):
    """In a script all have one process group: what comes after `run` can read the terminal again."""
    (sandbox.folder / "script").write_text("run_it\necho status=$?\nread -r line\necho line=$line\n")
    begin(shell, "sh script")
    shell.line("end 9")
    shell.expect("status=9")
    shell.line("words")
    shell.expect("line=words")
    code(shell, 0)


def test_stopped_in_a_script(shell, sandbox):
    """The interactive shell looks at the script, not at `run`: all of them stop, and go on."""
    (sandbox.folder / "script").write_text("run_it SIGCONT\necho status=$?\n")
    pid = begin(shell, "sh script")
    shell.type("\x1a")
    stopped(shell, pid)
    shell.line("fg")
    shell.expect("GOT SIGCONT")
    shell.line("end 9")
    shell.expect("status=9")
    code(shell, 0)


def test_in_a_pipeline(shell):
    shell.line("run sh -c 'read -r x; echo READ $x' | tr a-z A-Z")
    shell.line("words")
    shell.expect("READ WORDS")
    code(shell, 0)
