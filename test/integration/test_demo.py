"""test_demo.py - `./build.sh demo` shows what it promises, in under a minute, and leaves nothing, also when it is interrupted."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from support import proc, procfs

DEMO = pathlib.Path(__file__).resolve().parents[1] / "demo/demo.sh"
BUILD = DEMO.parents[2] / "build.sh"
IN_A_GUEST = """
import subprocess, sys
from support.guest import Guest
guest = Guest(*sys.argv[1:])
print(subprocess.run(guest.enter(["ls", "/srv/inside"]), stdout=subprocess.PIPE, text=True).stdout, end="")
guest.stop()
"""


CHROOT = """
mount --rbind / "$1" && mount -t tmpfs tmpfs "$1/srv" && : > "$1/srv/inside" && cd / && shift && exec chroot "$@"
"""


def chroot(folder):
    """What leads the argument list of a command, to run it in a plain chroot: FOLDER, onto which the machine's root is mounted. There /srv/inside is."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", CHROOT, "sh", folder, folder]


@pytest.fixture
def demo(request, binary, tmp_path, tmp_path_factory):
    """Starts it, its temporary files below tmp_path; at the end nothing that knows this folder may run, and the folder must be empty."""
    under = chroot(tmp_path_factory.mktemp("root")) if getattr(request, "param", None) == "chroot" else []
    started = subprocess.Popen([*under, DEMO], env={**os.environ, "S3MOUNTS_BIN": str(binary), "TMPDIR": str(tmp_path)}, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    yield started
    with_it = procfs.of_folder(tmp_path)
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    assert with_it == [] and os.listdir(tmp_path) == []


@pytest.mark.parametrize("demo", ["chroot"], indirect=True)
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


def test_a_guest_of_a_chroot(binary, tmp_path, tmp_path_factory):
    """What the tests do in a guest is not done to the root outside."""
    done = proc.run([*chroot(tmp_path_factory.mktemp("root")), sys.executable, "-c", IN_A_GUEST, binary, tmp_path],
                    env={**os.environ, "PYTHONPATH": str(DEMO.parents[1])})
    assert done.stdout == "/srv/inside\n"


@pytest.mark.parametrize("user, root, words", [(65534, "plain", "demo mounts, and needs root"), (0, "folder", "/ is none here")])
def test_what_it_cannot_do_is_said_at_once(tmp_path, user, root, words):
    """Before anything is installed or built; a folder that is no mount cannot be made the root of mounts."""
    script = f'cd {BUILD.parent} && exec setpriv --reuid={user} ./build.sh demo'
    argv = ["sh", "-c", script]
    if root == "folder":
        (tmp_path / "root").mkdir()
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                'mount -t tmpfs tmpfs "$1" && mkdir "$1/in" && for d in /*; do mkdir "$1/in$d" && mount --rbind "$d" "$1/in$d" || :; done'
                ' 2>/dev/null; cd / && exec chroot "$1/in" sh -c "$2"', "sh", tmp_path / "root", script]
    done = proc.run(argv, check=False)
    assert done.returncode == 1 and words in done.stderr and "install" not in done.stdout, done
