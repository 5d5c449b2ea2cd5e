"""test_demo.py - `./build.sh demo` shows what it promises, in under a minute, and leaves nothing, also when it is interrupted."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from support import proc, procfs

DEMO = pathlib.Path(__file__).resolve().parents[1] / "demo/demo.sh"


@pytest.fixture
def demo(binary, tmp_path):
    """Starts it, its temporary files below tmp_path; at the end nothing that knows this folder may run, and the folder must be empty."""
    started = subprocess.Popen([DEMO], env={**os.environ, "S3MOUNTS_BIN": str(binary), "TMPDIR": str(tmp_path)}, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    yield started
    with_it = procfs.of_folder(tmp_path)
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    assert with_it == [] and os.listdir(tmp_path) == []


def test_all_of_it(demo):
    begin = time.monotonic()
    out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0 and time.monotonic() - begin < 60, out
    for words in ("(exit code 4)", "SignatureDoesNotMatch", "3 of 3", "STATE", "skills/alice/note.txt: Hello from outside",
                  "threads/thread-42/hello.txt: Hello from a sandbox"):
        assert words in out, out


@pytest.mark.parametrize("heading", ["1. An S3 server", "4. Up", "7. Down"])
def test_interrupted(demo, heading):
    """As by Ctrl-C: the signal goes to all of the terminal's foreground."""
    for line in demo.stdout:
        if heading in line:
            break
    time.sleep(0.2)
    os.killpg(demo.pid, signal.SIGINT)
    demo.communicate(timeout=20)
    assert demo.returncode == 130
    proc.wait_for(lambda: demo.poll() is not None, 5, "its end")
