#!/usr/bin/python3
"""memcheck.py PROGRAM - valgrind over a sandbox's life: up, status, flush, a driver killed, down; the supervisor and every child included."""

import os
import pathlib
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import procfs  # noqa: E402
from support.s3server import S3Server  # noqa: E402
from support.sandbox import Sandbox  # noqa: E402

WRAPPER = """#!/bin/sh
exec valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 --log-file={logs}/%p {program} "$@"
"""


def life(sandbox):
    answer = sandbox.up("--timeout", "60", timeout=120)
    (sandbox.targets[0] / "file").write_bytes(b"v" * 70000)
    sandbox.status()
    assert sandbox.s3mounts("flush", timeout=120).code == 0
    os.kill(answer["mounts"][0]["pid"], signal.SIGKILL)
    time.sleep(2)
    sandbox.status()
    sandbox.down(timeout=120)
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"v" * 70000


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="s3memcheck-") as folder:
        folder = pathlib.Path(folder)
        logs, wrapper = folder / "logs", folder / "s3mounts"
        logs.mkdir()
        wrapper.write_text(WRAPPER.format(logs=logs, program=program))
        wrapper.chmod(0o755)
        server = S3Server(folder / "s3").start()
        sandbox = Sandbox(wrapper, server, "memcheck")
        try:
            life(sandbox)
        finally:
            left = sandbox.close()
            server.stop()
        assert not left, left
        said = [log.read_text() for log in logs.iterdir()]
        assert len(said) > 5 and procfs.mounts(folder) == []
        print("\n".join(text for text in said if text))
        print(f"memcheck: {len(said)} processes, {sum(map(bool, said))} with something to say")
        sys.exit(any(said))


if __name__ == "__main__":
    main()
