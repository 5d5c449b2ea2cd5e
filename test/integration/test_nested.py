"""
test_nested.py - mounts inside mounts: in which order they come and go, what lies where in S3, and what is said of an inner one whose outer one is
not there.
"""

import contextlib
import os
import signal
import subprocess

import pytest

from support import proc, procfs

SOME, MOUNT = 1, 6
OUTER, MIDDLE, INNER = "t", "t/skills", "t/skills/own/deep"


def prefix_of(sandbox, name):
    """None lies in another's, nor in one that other tests use."""
    return f"{sandbox.prefixes[0]}-{name.replace('/', '-')}"


def spec(sandbox, name, options=""):
    return f"--mount={prefix_of(sandbox, name)}:{sandbox.mnt}/{name}{options}"


def specs(sandbox, *names):
    return [spec(sandbox, name) for name in names]


def states(answer):
    return [mount["state"] for mount in answer["mounts"]]


def pids(answer):
    """By their targets: what lies in another one comes behind it."""
    return [mount["pid"] for mount in sorted(answer["mounts"], key=lambda mount: mount["target"])]


def order(sandbox):
    """The drivers' mounts, in the order in which they were mounted."""
    return [os.path.relpath(target, sandbox.mnt) for target, fstype, _ in sandbox.mounts() if fstype == "fuse.rclone"]


def write_each(sandbox, names, file):
    for name in names:
        (sandbox.mnt / name / file).write_text(f"{name} {file}")


def assert_in_s3(sandbox, files, names=(OUTER, MIDDLE, INNER)):
    """Exactly these are below each prefix: no folder's marker, and nothing of the one in the other's."""
    for name in names:
        prefix = prefix_of(sandbox, name)
        assert sandbox.keys(f"{prefix}/") == sorted(f"{prefix}/{file}" for file in files)
        for file in files:
            assert sandbox.get(f"{prefix}/{file}").decode() == f"{name} {file}"


def test_three_levels(sandbox, rclone):
    wrong = specs(sandbox, INNER, OUTER, MIDDLE)
    assert states(sandbox.up(*wrong)) == ["up"] * 3
    assert order(sandbox) == [OUTER, MIDDLE, INNER]
    write_each(sandbox, (OUTER, MIDDLE, INNER), "first")
    os.kill(next(m["pid"] for m in sandbox.status()["mounts"] if m["target"] == f"{sandbox.mnt}/t"), signal.SIGKILL)
    proc.wait_for(lambda: states(sandbox.s3mounts("status", "--json").json) == ["up"] * 3, 20, "all to be up again")
    assert order(sandbox) == [OUTER, MIDDLE, INNER]
    write_each(sandbox, (OUTER, MIDDLE, INNER), "second")
    assert sandbox.s3mounts("flush").code == 0
    assert_in_s3(sandbox, ["first", "second"])
    write_each(sandbox, (OUTER, MIDDLE, INNER), "third")
    assert states(sandbox.down()) == ["down"] * 3
    assert procfs.all_mounts(sandbox.mnt) == []
    assert_in_s3(sandbox, ["first", "second", "third"])


def test_while_the_outer_driver_is_away(sandbox):
    """Each is told as what it is, and nothing is written into a folder that is not in S3."""
    broken = sandbox.folder / "rclone"
    broken.symlink_to("/usr/bin/rclone")
    answer = sandbox.up(*specs(sandbox, OUTER, MIDDLE), env={"S3MOUNTS_RCLONE": str(broken)})
    (sandbox.mnt / MIDDLE / "file").write_text("waits")
    broken.unlink()
    os.kill(answer["mounts"][0]["pid"], signal.SIGKILL)
    proc.wait_for(lambda: order(sandbox) == [], 10, "both to go")
    assert "up" not in states(sandbox.s3mounts("status", "--json").json)
    with pytest.raises(OSError):
        (sandbox.mnt / MIDDLE / "lost").write_text("nowhere")
    broken.symlink_to("/usr/bin/rclone")
    proc.wait_for(lambda: states(sandbox.s3mounts("status", "--json").json) == ["up"] * 2, 30, "both to be up again")
    sandbox.down()
    assert sandbox.get(f"{prefix_of(sandbox, MIDDLE)}/file") == b"waits"


def test_a_folder_in_a_read_only_one(sandbox):
    outer = spec(sandbox, OUTER, ":ro")
    result = sandbox.up(outer, spec(sandbox, MIDDLE), code=SOME)
    assert states(result) == ["up", "failed"]
    assert f"{sandbox.mnt}/{MIDDLE}: there is no such folder in {sandbox.mnt}/t" in result["mounts"][1]["error"]["message"]
    sandbox.down()
    sandbox.put(f"{prefix_of(sandbox, OUTER)}/skills/there", b"covered")
    assert states(sandbox.up(outer, spec(sandbox, MIDDLE))) == ["up", "up"]
    write_each(sandbox, [MIDDLE], "file")
    sandbox.down()
    assert_in_s3(sandbox, ["file"], [MIDDLE])
    assert sandbox.keys(f"{prefix_of(sandbox, OUTER)}/") == [f"{prefix_of(sandbox, OUTER)}/skills/there"]


def test_a_file_is_in_its_place(sandbox):
    sandbox.put(f"{prefix_of(sandbox, OUTER)}/skills", b"a file")
    result = sandbox.up(*specs(sandbox, INNER, MIDDLE, OUTER), code=SOME)
    assert states(result) == ["failed", "failed", "up"]
    assert "not a directory" in result["mounts"][1]["error"]["message"]
    assert f"it lies in {sandbox.mnt}/{MIDDLE}, which is not up" in result["mounts"][0]["error"]["message"]


def test_another_supervisor_and_another_plan(sandbox):
    two = specs(sandbox, OUTER, MIDDLE)
    before = sandbox.up(*two)
    os.kill(before["supervisor"]["pid"], signal.SIGKILL)
    after = sandbox.up(*two)
    assert states(after) == ["up", "up"] and pids(after) == pids(before)
    assert pids(sandbox.up(two[0])) == pids(before)[:1] and order(sandbox) == [OUTER]
    assert pids(sandbox.up(*two))[0] == pids(before)[0] and order(sandbox) == [OUTER, MIDDLE]
    write_each(sandbox, [OUTER, MIDDLE], "file")
    new = sandbox.up(spec(sandbox, OUTER, ":umask=002"), two[1])
    assert states(new) == ["up", "up"] and pids(new)[0] != pids(before)[0] and order(sandbox) == [OUTER, MIDDLE]
    assert sandbox.up(two[1])["mounts"][0]["state"] == "up" and order(sandbox) == [MIDDLE]
    assert states(sandbox.up(*two)) == ["up", "up"] and order(sandbox) == [OUTER, MIDDLE]
    assert_in_s3(sandbox, ["file"], [OUTER, MIDDLE])
    sandbox.down()
    assert procfs.all_mounts(sandbox.mnt) == []


@contextlib.contextmanager
def somebody_in(folder):
    inside = subprocess.Popen(["sleep", "60"], cwd=folder)
    try:
        yield
    finally:
        inside.kill()
        inside.wait()


def test_somebody_is_inside(sandbox):
    sandbox.up(*specs(sandbox, OUTER, MIDDLE))
    with somebody_in(sandbox.mnt / MIDDLE):
        result = sandbox.down(code=MOUNT)
        assert states(result) == ["up", "up"]
        assert f"{sandbox.mnt}/{MIDDLE} stands in it" in result["mounts"][0]["error"]["message"]
    with somebody_in(sandbox.mnt / OUTER):
        assert states(sandbox.down(code=SOME)) == ["up", "down"]
        with pytest.raises(OSError):  # the layer is there again: it would be in the outer one's prefix
            (sandbox.mnt / MIDDLE / "lost").write_text("nowhere")
        assert states(sandbox.down("--lazy")) == ["down", "down"]


def test_a_hung_outer_driver(sandbox):
    """The inner one can be reached no more, though its own driver is well: that is kept until what it has is in S3."""
    answer = sandbox.up(*specs(sandbox, OUTER, MIDDLE))
    write_each(sandbox, [MIDDLE], "file")
    os.kill(answer["mounts"][0]["pid"], signal.SIGSTOP)
    assert states(sandbox.down()) == ["down", "down"]
    assert_in_s3(sandbox, ["file"], [MIDDLE])


def test_a_link_tells_another_order(sandbox):
    """It is refused before anything is mounted; and what stands by a link is not mounted in by another name."""
    (sandbox.mnt / "real").mkdir()
    (sandbox.mnt / "link").symlink_to(sandbox.mnt / "real")
    link, inner = f"--mount={prefix_of(sandbox, OUTER)}:{sandbox.mnt}/link", f"--mount={prefix_of(sandbox, MIDDLE)}:{sandbox.mnt}/real/skills"
    result = sandbox.up(link, inner, code=SOME)
    assert states(result) == ["failed", "up"]
    assert "by symbolic links" in result["mounts"][0]["error"]["message"]
    sandbox.down()
    # A folder that is not there yet cannot be made in the layer of the other one: of several, some come when that is laid.
    inside = [f"--mount={prefix_of(sandbox, MIDDLE)}/{name}:{sandbox.mnt}/link/{name}" for name in "abcdef"]
    result = sandbox.up(f"--mount={prefix_of(sandbox, OUTER)}:{sandbox.mnt}/real", *inside, code=SOME)
    for error in [m["error"] for m in result["mounts"][1:]]:
        assert "by symbolic links" in error["message"] and "name both targets without links" in error["hint"], error
    sandbox.down()
    assert states(sandbox.up(link)) == ["up"]
    result = sandbox.up(link, inner, code=SOME)
    assert states(result) == ["up", "failed"]
    assert "by symbolic links" in result["mounts"][1]["error"]["message"]
    sandbox.down()
    assert states(sandbox.up(link, f"--mount={prefix_of(sandbox, MIDDLE)}:{sandbox.mnt}/link/skills")) == ["up", "up"]
    assert procfs.mounts(sandbox.mnt)[-1][0] == f"{sandbox.mnt}/real/skills"
