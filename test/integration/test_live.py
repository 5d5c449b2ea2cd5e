"""test_live.py - on a terminal the mounts are shown while they are waited for; elsewhere not one control sequence is written."""

import os
import pty
import subprocess

from support.wire import Wire


def on_a_terminal(sandbox, *argv):
    """What the command writes to stderr when that is a terminal."""
    here, there = pty.openpty()
    child = subprocess.Popen([sandbox.binary, *argv, "--run-dir", str(sandbox.run)], env=sandbox.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=there)
    os.close(there)
    said = b""
    while True:
        try:
            piece = os.read(here, 65536)
        except OSError:  # EIO: the last writer has closed it
            break
        if not piece:
            break
        said += piece
    os.close(here)
    return child.wait(timeout=30), said.decode()


def test_down_shows_what_is_left(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(env={"S3_ENDPOINT_URL": wire.endpoint})
        os.listdir(sandbox.targets[0])
        wire.freeze()
        (sandbox.targets[0] / "slow").write_bytes(b"s" * 12345)
        code, said = on_a_terminal(sandbox, "down", "--timeout", "2")
        assert code == 7
        assert said.count(f"stopping   {sandbox.targets[0]}  1 file, 12345 bytes left") >= 3
        assert "\x1b[3A" in said and said.rindex("\x1b[J") < said.rindex("not in S3 yet")
        wire.thaw()
        sandbox.down("--timeout", "40")


def test_a_pipe_gets_plain_lines(sandbox):
    sandbox.up()
    (sandbox.targets[0] / "file").write_bytes(b"x" * 1000)
    assert "\x1b" not in (sandbox.s3mounts("down").err)
