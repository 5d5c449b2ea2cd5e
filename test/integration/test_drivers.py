"""test_drivers.py - rclone that is missing, dies at once, never mounts: told within the time, nothing left."""

import os
import pathlib
import subprocess
import time

import pytest

from support import proc, procfs
from support.sandbox import PATH

HEAD = """#!/bin/sh
case " $* " in *" version "*|*" --version "*) echo "rclone v1.60.1-DEV"; exit 0;; esac
"""
FAKES = {
    "dies at once": ("echo '2026/01/01 00:00:00 Fatal error: the flux capacitor broke' >&2\nexit 1\n", "flux capacitor"),
    "dies without a word": ("exit 1\n", ""),
    "dies with status 0": ("exit 0\n", ""),
    "is killed": ("kill -9 $$\n", ""),
    "talks too much": ("head -c 3000000 /dev/zero | tr '\\0' x >&2\nexit 1\n", ""),
    "never mounts": ("exec sleep 1000\n", ""),
    "never mounts and will not go": ("trap '' TERM INT\nwhile :; do sleep 0.2; done\n", ""),
    "leaves a child behind": ("sleep 1000 &\nexit 1\n", ""),
}


@pytest.fixture
def fake(sandbox):
    def make(body, head=HEAD):
        path = sandbox.folder / "fake-rclone"
        path.write_text(head + body)
        path.chmod(0o755)
        return path
    return make


def assert_failed(sandbox, answer):
    for mount in answer["mounts"]:
        assert mount["state"] == "failed" and mount["error"]["code"] == 6, mount
        assert len(mount["error"]["message"]) < 1000
    assert sandbox.mounts() == [] and sandbox.drivers() == []


@pytest.mark.parametrize("kind", FAKES)
def test_a_driver_that_fails(sandbox, fake, kind):
    body, words = FAKES[kind]
    begin = time.monotonic()
    answer = sandbox.up("--rclone", fake(body), "--timeout", "2", *sandbox.specs, code=6)
    assert time.monotonic() - begin < (8 if "never" in kind else 3)
    assert_failed(sandbox, answer)
    assert words in answer["mounts"][0]["error"]["message"]


def test_a_driver_that_cannot_be_run(sandbox):
    for path in (sandbox.folder / "none", sandbox.folder):
        answer = sandbox.up("--rclone", path, *sandbox.specs, code=6)
        assert str(path) in str(answer)
        assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_no_rclone_in_the_path(sandbox):
    answer = sandbox.up("--mount=" + f"docs:{sandbox.mnt}/x", env={"PATH": "/nonexistent"}, code=6)
    assert "rclone" in str(answer)
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_rclone_by_variable(sandbox, fake):
    """S3MOUNTS_RCLONE names it; PATH then has none."""
    path = fake('exec /usr/bin/rclone "$@"\n', head="#!/bin/sh\n")
    answer = sandbox.up(env={"S3MOUNTS_RCLONE": str(path), "PATH": "/nonexistent"})
    assert {m["driver"] for m in answer["mounts"]} == {"rclone"} and len(sandbox.mounts()) == 3


def test_what_a_driver_is_given(sandbox, fake):
    """Its command line, environment and descriptors, written down by a fake that then dies."""
    out = sandbox.folder / "seen"
    body = f"""
tr '\\0' '\\n' < /proc/$$/environ > {out}.env
printf '%s\\n' "$@" > {out}.args
ls -l /proc/$$/fd > {out}.fds
readlink /proc/$$/cwd > {out}.cwd
for helper in fusermount3 fusermount; do command -v $helper; done > {out}.helpers
grep ^SigBlk /proc/$$/status > {out}.signals
exit 1
"""
    sandbox.up("--rclone", fake(body), f"--mount=docs:{sandbox.mnt}/x", code=6,
               env={"AWS_CA_BUNDLE": "/dev/null", "RCLONE_VFS_CACHE_MODE": "off", "RCLONE_VFS_HANDLE_CACHING": "9s", "AWS_PROFILE": "p", "OTHER": "kept"})
    seen = {kind: pathlib.Path(f"{out}.{kind}").read_text() for kind in ("env", "args", "fds", "cwd", "signals", "helpers")}
    names = {line.split("=")[0] for line in seen["env"].splitlines()}
    assert not [n for n in names if n.startswith(("AWS_", "S3_"))] and not names & {"THREAD_ID", "USER_ID"}
    settings = [line for line in seen["env"].splitlines() if line.startswith("RCLONE_")]
    assert "RCLONE_VFS_HANDLE_CACHING=0" in settings
    assert {line.split("=")[0] for line in settings} <= {"RCLONE_VFS_HANDLE_CACHING", "RCLONE_VFS_CACHE_MIN_FREE_SPACE"}
    path = next(line for line in seen["env"].splitlines() if line.startswith("PATH=")).split("=")[1].split(":")
    assert path[0] == str(sandbox.run / "bin") and path[1:] == PATH.split(":")
    assert seen["helpers"].split() == [str(sandbox.run / "bin" / helper) for helper in ("fusermount3", "fusermount")]
    args = seen["args"].splitlines()
    assert args[0] == "mount" and "--daemon" not in args
    assert sandbox.server.secret not in seen["args"] + seen["env"] and sandbox.server.key_id not in seen["args"] + seen["env"]
    assert seen["cwd"].strip() == "/"
    assert int(seen["signals"].split()[1], 16) == 0, "signals are blocked in the driver"
    descriptors = [line.split(" -> ")[1] for line in seen["fds"].splitlines() if " -> " in line]
    assert not [d for d in descriptors if "socket" in d or "control" in d or "/lock" in d], descriptors


def test_helper_by_its_own_name(sandbox):
    """The program is fusermount3 when it is called so; and its own message is what rclone reads."""
    link = sandbox.folder / "fusermount3"
    link.symlink_to(sandbox.binary)
    done = subprocess.run([link, "-V"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "fusermount3" in done.stdout + done.stderr
    done = subprocess.run([link, "-u", sandbox.mnt], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and str(sandbox.mnt) in done.stderr
    done = subprocess.run([sandbox.binary, "fusermount3", "-V"], capture_output=True, text=True, check=False)
    assert done.returncode == 0


def test_a_driver_that_keeps_dying_is_not_started_for_ever(sandbox, fake):
    """It mounts once; after that every start fails. The supervisor tells the state, waits longer each time, and goes down in order."""
    once = sandbox.folder / "once"
    body = f'[ -e {once} ] && {{ echo start >> {once}; exit 1; }}\necho start > {once}\nexec /usr/bin/rclone "$@"\n'
    mount, = sandbox.up("--rclone", fake(body), f"--mount=docs:{sandbox.mnt}/x")["mounts"]
    os.kill(mount["pid"], 9)
    time.sleep(4)
    status = sandbox.s3mounts("status", "--json").json
    assert status["mounts"][0]["state"] != "up"
    assert 2 <= once.read_text().count("start") <= 12
    assert procfs.alive(status["supervisor"]["pid"])
    sandbox.down()


def oom_score(pid):
    return int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text())


def be_disposable():
    """For preexec_fn: the score that a sandbox's platform gives to the commands in it, if not worse."""
    pathlib.Path("/proc/self/oom_score_adj").write_text(str(max(100, oom_score("self"))))


def lowest_oom_score(under):
    """The first of what the program may want that is allowed to whoever was called so; else what he was called with."""
    tries = "for i in -500 0; do echo $i > /proc/$$/oom_score_adj && break; done 2> /dev/null; cat /proc/$$/oom_score_adj"
    return int(proc.run([*under, "sh", "-c", tries], preexec_fn=be_disposable).stdout)


POWERLESS = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]


@pytest.mark.parametrize("under", [[], POWERLESS], ids=["root", "without CAP_SYS_RESOURCE"])
def test_out_of_memory_others_go_first(sandbox, under):
    """Whatever in a sandbox takes all memory: the mounts shall not end for it. Where that is not allowed, they work all the same."""
    answer = sandbox.up(under=under, preexec_fn=be_disposable)
    scores = {oom_score(pid) for pid in [answer["supervisor"]["pid"], *(mount["pid"] for mount in answer["mounts"])]}
    assert scores == {lowest_oom_score(under)}
