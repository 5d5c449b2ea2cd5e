"""
test_driver_table.py - the supervisor with another driver than rclone (test/driver/tmpfs.c), by the drivers' table alone: mounted, asked, flushed,
healed, given new keys, taken down.

The two tests of new keys by `renew` (test_new_keys_...) want the supervisor's path that calls child_renew(): whoever writes that wires them.
"""

import os
import pathlib
import signal

import pytest

from support import proc, procfs


@pytest.fixture
def binary():
    path = pathlib.Path(os.environ.get("S3MOUNTS_HOST") or pathlib.Path(__file__).parents[2] / "out/host") / "s3mounts-tmpfs"
    assert path.is_file(), f"there is no {path}: run ./build.sh test"
    return path


@pytest.fixture
def control(sandbox):
    folder = sandbox.folder / "control"
    (folder / "queue").mkdir(parents=True)
    yield folder
    for file in (folder / "queue").iterdir():
        file.unlink()


@pytest.fixture
def spec(sandbox, control):
    return f"--mount=docs:{sandbox.mnt}/docs:control={control}"


@pytest.fixture
def wait_in(control):
    """Files that are not in S3 yet."""
    def make(*names):
        for name in names:
            (control / "queue" / name).touch()
    return make


def mount_id(target):
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if line.split()[4] == str(target) and " - tmpfs test:" in line:
            return line.split()[0]
    return None


def only(answer):
    mount, = answer["mounts"]
    return mount


def test_up_status_down(sandbox, spec):
    mount = only(sandbox.up(spec))
    assert (mount["state"], mount["driver"], mount["source"]) == ("up", "tmpfs", f"test:{sandbox.server.bucket}/docs/")
    assert sandbox.mounts() == [(f"{sandbox.mnt}/docs", "tmpfs", mount["source"])]
    (sandbox.mnt / "docs" / "file").write_text("x")
    pid = mount["pid"]
    assert only(sandbox.up(spec))["pid"] == pid
    assert only(sandbox.status())["pending_files"] == 0
    sandbox.down()
    assert sandbox.mounts() == [] and procfs.state(pid) in (None, "Z")
    assert not (sandbox.run / "rclone.conf").exists() and not (sandbox.run / "control").exists()


@pytest.mark.parametrize("kind", ["auto", "rclone", "native"])
def test_the_type_chooses(sandbox, control, kind):
    """The program has one driver, which takes each."""
    assert only(sandbox.up(f"--mount=docs:{sandbox.mnt}/docs:type={kind},control={control}"))["driver"] == "tmpfs"


def test_its_options_are_its_own(sandbox):
    answer = sandbox.up(f"--mount=docs:{sandbox.mnt}/docs:vfs_write_back=1s", code=2)
    assert "the test's driver has none" in answer["error"]["message"]


def test_flush_has_it_upload(sandbox, control, spec, wait_in):
    sandbox.up(spec)
    wait_in("one", "two", "three")
    mount = only(sandbox.status())
    assert mount["pending_files"] == 3 and sorted(mount["pending_names"]) == ["one", "three", "two"]
    assert sandbox.s3mounts("flush", "--timeout", "10").code == 0
    assert (control / "flushed").exists() and not list((control / "queue").iterdir())
    assert only(sandbox.status())["pending_files"] == 0


def test_what_does_not_go_is_told(sandbox, control, spec, wait_in):
    sandbox.up(spec)
    (control / "queue" / "stays").mkdir()  # unlink(2) takes no folder
    result = sandbox.s3mounts("flush", "--json", "--timeout", "1")
    assert result.code == 7 and "stays" in result.out, result
    result = sandbox.s3mounts("down", "--json", "--timeout", "1")
    assert result.code == 7 and only(sandbox.status())["pending_files"] == 1, result
    (control / "queue" / "stays").rmdir()
    assert sandbox.s3mounts("flush").code == 0


def test_what_cannot_be_asked_is_unknown(sandbox, control, spec):
    sandbox.up(spec)
    (control / "queue").rename(control / "away")
    assert only(sandbox.s3mounts("status", "--json").json)["pending_files"] == -1
    assert sandbox.s3mounts("flush", "--timeout", "1").code != 0
    (control / "away").rename(control / "queue")
    assert sandbox.s3mounts("flush").code == 0


def test_down_flushes(sandbox, control, spec, wait_in):
    sandbox.up(spec)
    wait_in("one")
    sandbox.down()
    assert (control / "flushed").exists() and not list((control / "queue").iterdir())


def test_a_driver_that_was_killed_is_started_again(sandbox, spec):
    pid = only(sandbox.up(spec))["pid"]
    os.kill(pid, signal.SIGKILL)
    proc.wait_for(lambda: only(sandbox.s3mounts("status", "--json").json)["pid"] not in (0, pid), 15, "another driver", every=0.2)
    proc.wait_for(lambda: sandbox.s3mounts("status").code == 0, 15, "a mount that is well", every=0.2)
    assert only(sandbox.status())["restarts"] == 1
    assert [m[1] for m in procfs.all_mounts(sandbox.folder) if m[2].startswith("test:")] == ["tmpfs"]


def test_a_later_supervisor_takes_it_over(sandbox, spec, wait_in):
    answer = sandbox.up(spec)
    pid, before = only(answer)["pid"], answer["supervisor"]["pid"]
    os.kill(before, signal.SIGKILL)
    wait_in("one")
    answer = sandbox.up(spec)
    assert answer["supervisor"]["pid"] != before and only(answer)["pid"] == pid
    assert sandbox.s3mounts("flush").code == 0


def test_a_mount_that_nobody_serves_is_known_by_the_table(sandbox, spec):
    """Another run directory's: its source tells that it is a driver's."""
    sandbox.up(spec)
    elsewhere = sandbox.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    result = sandbox.finish(sandbox.start("status", "--json", "--run-dir", elsewhere))
    assert result.code == 6 and f"test:{sandbox.server.bucket}/docs/" in result.out, result


def test_new_keys_without_a_remount(sandbox, control, spec):
    pid = only(sandbox.up(spec))["pid"]
    mounted = mount_id(sandbox.mnt / "docs")
    sandbox.env.update(sandbox.server.renewed())
    mount = only(sandbox.up(spec))
    assert mount["state"] == "up" and mount["pid"] == pid and mount_id(sandbox.mnt / "docs") == mounted, mount
    assert (control / "renewed").read_text() == sandbox.env["S3_ACCESS_KEY_ID"] + "\n"
    # It is known by them: the same keys again are nothing new.
    assert only(sandbox.up(spec))["pid"] == pid and (control / "renewed").read_text().count("\n") == 1


def test_new_keys_that_it_does_not_take(sandbox, control, spec):
    pid = only(sandbox.up(spec))["pid"]
    (control / "renew-fails").touch()
    sandbox.env.update(sandbox.server.renewed())
    mount = only(sandbox.up(spec))
    assert mount["state"] == "up" and mount["pid"] != pid, mount
    assert "new credentials" in str(mount["notes"])
    assert not (control / "renewed").exists()
