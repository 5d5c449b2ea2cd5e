"""
test_rclone_versions.py - what versions of rclone lose, each test with Debian's and with a current one. Aimed by the clock: none of
these was met by chance.

The witness is boto3. Reading back through the mount proves nothing.
"""

import contextlib
import errno
import os
import subprocess
import time

import pytest

from support import fuse, proc
from support.proc import wait_for

pytestmark = pytest.mark.usefixtures("rclone")

RELISTED = 2.5  # seconds: with dir_cache_time=1s the folder is listed again, and what is then taken for stale leaves the cache
PART = 5 << 20  # the smallest that S3 takes
PENDING = 7


def flush(sandbox):
    result = sandbox.s3mounts("flush")
    assert result.code == 0, result


def test_a_file_that_replaces_one_read_just_before(sandbox):
    """
    From 1.74 on an item of the cache outlives its close by 5 s, and then says "clean" in the name of the file that has its name by then:
    at that moment `flush` must still see the new one.
    """
    folder, prefix = sandbox.mnt / "x", sandbox.prefixes[0]
    sandbox.up(f"--mount={prefix}:{folder}")
    for name in ("moved", "made"):
        (folder / name).write_text("old")
    flush(sandbox)
    for name in ("moved", "made"):
        assert (folder / name).read_text() == "old"
    read = time.monotonic()
    (folder / "new").write_text("new")
    time.sleep(max(0, read + 4.5 - time.monotonic()))  # its upload begins a second later
    (folder / "new").write_text("new, moved")
    os.rename(folder / "new", folder / "moved")
    os.unlink(folder / "made")
    (folder / "made").write_text("new, made")
    time.sleep(max(0, read + 5.05 - time.monotonic()))
    flush(sandbox)
    assert {name: sandbox.get(f"{prefix}/{name}") for name in ("moved", "made")} == {"moved": b"new, moved", "made": b"new, made"}


def replace_in_parts(sandbox, key, byte):
    """Puts an object as tools do from 8 MiB on: it has no hash that a listing would show."""
    client, where = sandbox.server.client(), {"Bucket": sandbox.server.bucket, "Key": key}
    upload = client.create_multipart_upload(**where)["UploadId"]
    parts = [{"PartNumber": n, "ETag": client.upload_part(**where, UploadId=upload, PartNumber=n, Body=byte * PART)["ETag"]} for n in (1, 2)]
    client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})


def test_after_the_folder_was_listed_again(sandbox):
    """
    A file of the mount's own can be made shorter (up to 1.75 it would keep 65,536 bytes, were it not in the cache any more); on a read-only
    mount, what others have replaced is seen, also by its time alone.
    """
    own, theirs = sandbox.prefixes[0], sandbox.prefixes[2]
    replace_in_parts(sandbox, f"{theirs}/model", b"1")
    sandbox.up(f"--mount={own}:{sandbox.mnt}/own:dir_cache_time=1s", f"--mount={theirs}:{sandbox.mnt}/theirs:ro,dir_cache_time=1s")
    (sandbox.mnt / "own/file").write_bytes(b"x" * 400000)
    flush(sandbox)
    with open(sandbox.mnt / "theirs/model", "rb") as model:
        assert model.read(1) == b"1"
    replace_in_parts(sandbox, f"{theirs}/model", b"2")
    time.sleep(RELISTED)
    assert os.listdir(sandbox.mnt / "own") == ["file"] and os.listdir(sandbox.mnt / "theirs") == ["model"]
    os.truncate(sandbox.mnt / "own/file", 1000)
    flush(sandbox)
    assert sandbox.get(f"{own}/file") == b"x" * 1000
    with open(sandbox.mnt / "theirs/model", "rb") as model:
        assert model.read(1) == b"2"


WRITE = """
import os, sys
with open(sys.argv[1], "wb", buffering=0) as file:
    for _ in range(32):
        file.write(os.urandom(65536))
"""


def write_2_mib(path):
    """In a process of its own, which is left behind where the mount hangs: it cannot even be killed. Did the write succeed?"""
    child = subprocess.Popen(["/usr/bin/python3", "-c", WRITE, path], stderr=subprocess.DEVNULL)
    try:
        return child.wait(timeout=10) == 0
    except subprocess.TimeoutExpired:
        child.kill()
        pytest.fail(f"writing {path} hangs")


@contextlib.contextmanager
def small_disk(path):
    path.mkdir()
    fuse.mount("none", path, "tmpfs", data=b"size=8m")
    try:
        yield path
    finally:
        fuse.detach(path)


def flush_or_told(sandbox):
    """Where rclone has taken a file that it could not open out of its cache, nobody knows whether it was in S3 already."""
    result = sandbox.s3mounts("flush")
    assert result.code == 0 or (result.code == PENDING and "may have dropped it" in result.err), result


def test_a_full_cache_disk_hangs_nothing(sandbox):
    """Its limit makes rclone drop what is in S3 already. Without one, 1.60 hangs for good, and newer ones refuse every file from then on."""
    folder = sandbox.mnt / "x"
    with small_disk(sandbox.cache):
        sandbox.up(f"--mount={sandbox.prefixes[0]}:{folder}")
        done = [n for n in range(6) if write_2_mib(folder / f"{n}")]
        assert len(done) < 6, "the disk was not full"
        proc.run(["ls", folder], timeout=5)
        flush_or_told(sandbox)
        wait_for(lambda: write_2_mib(folder / "again"), 10, "room for a file")
        flush_or_told(sandbox)
        sizes = {name: len(sandbox.get(f"{sandbox.prefixes[0]}/{name}")) for name in (*done, "again")}
        assert set(sizes.values()) == {2 << 20}, sizes
        sandbox.s3mounts("up", "--cache-dir", sandbox.cache, f"--mount={sandbox.prefixes[0]}:{folder}")
        sandbox.down()


def test_empty_folders_are_not_kept(sandbox):
    """As README says; and no marker is left in the bucket, which an rclone that does not know it could not remove."""
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/x")
    os.makedirs(sandbox.mnt / "x/empty/inside")
    (sandbox.mnt / "x/folder").mkdir()
    (sandbox.mnt / "x/folder/file").write_text("kept")
    sandbox.down()
    assert sandbox.keys(sandbox.prefixes[0] + "/") == [f"{sandbox.prefixes[0]}/folder/file"]


def as_nobody(action):
    """The errno of ACTION, done as a user who owns nothing; 0 where it succeeds."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            action()
            os._exit(0)
        except OSError as failure:
            os._exit(failure.errno)
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("options, read, write", [
    ("uid=0,gid=0,umask=077", errno.EACCES, errno.EACCES),
    ("uid=0,gid=0", 0, errno.EACCES),
    ("uid=0,gid=0,umask=0", 0, 0),
    ("uid=65534,umask=077", 0, 0),
    ("uid=0,gid=65534,umask=07", 0, 0),
])
def test_owner_and_mode_keep_others_out(sandbox, options, read, write):
    os.chmod(sandbox.folder, 0o755)
    sandbox.put(f"{sandbox.prefixes[0]}/file", b"secret")
    folder = sandbox.mnt / "x"
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{folder}:{options}")
    assert as_nobody((folder / "file").read_bytes) == read
    assert as_nobody(lambda: (folder / "file").write_text("changed")) == write
    assert as_nobody(lambda: (folder / "new").write_text("made")) == write
