"""test_rc.py - what our client of rclone's remote control gets from a real one, on a Unix socket (which rclone has from 1.61 on)."""

import json
import os
import pathlib
import time

import pytest

from support import fuse, proc

TOOL = pathlib.Path(os.environ.get("S3MOUNTS_HOST", "out/host")) / "rclone_rc_tool"


class Mount:
    """rclone itself, with a write-back time that no test waits for."""

    def __init__(self, sandbox, program):
        server, self.sandbox = sandbox.server, sandbox
        self.folder, self.socket = sandbox.mnt / "rc", sandbox.folder / "rc"
        self.folder.mkdir()
        config = sandbox.folder / "rclone.conf"
        config.write_text(f"[r]\ntype = s3\nprovider = Ceph\naccess_key_id = {server.key_id}\nsecret_access_key = {server.secret}\n"
                          f"endpoint = {server.endpoint}\nno_check_bucket = true\n")
        self.child = proc.spawn(
            [program, "mount", f"r:{server.bucket}/{sandbox.prefixes[0]}/", self.folder, "--config", config, "--cache-dir", sandbox.cache,
             "--vfs-cache-mode", "full", "--vfs-write-back", "60s", "--rc", "--rc-addr", f"unix://{self.socket}", "--rc-no-auth"],
            log=sandbox.folder / "rclone.log", env={"PATH": "/usr/bin:/bin", "HOME": str(sandbox.folder)})
        proc.wait_for(lambda: self.folder.is_mount() and self.socket.exists(), 10, "the mount")

    def ask(self, what, code=0):
        done = proc.run([TOOL, what, self.socket], check=False)
        assert done.returncode == code, done
        return json.loads(done.stdout) if done.stdout else done.stderr

    def keys(self):
        return [key.rsplit("/", 1)[1] for key in self.sandbox.keys(self.sandbox.prefixes[0])]

    def close(self):
        fuse.detach(self.folder)
        proc.stop(self.child)


pytestmark = pytest.mark.parametrize("rclone", ["current"], indirect=True)


@pytest.fixture
def mount(sandbox, rclone):
    one = Mount(sandbox, rclone)
    yield one
    one.close()


def test_it_tells_what_waits_and_uploads_it_at_once(mount):
    assert mount.ask("stats") == {"uploading": 0, "queued": 0, "errored": 0, "full": False}
    assert mount.ask("upload-now") == ""
    for i in range(50):
        (mount.folder / f"file-{i}").write_text(f"content {i}")
    with open(mount.folder / "open", "w") as file:
        file.write("still open")
        file.flush()
        assert mount.ask("stats") == {"uploading": 0, "queued": 50, "errored": 0, "full": False}
        assert mount.keys() == []
        begin = time.monotonic()
        mount.ask("upload-now")
        proc.wait_for(lambda: mount.ask("stats")["queued"] + mount.ask("stats")["uploading"] == 0, 10, "the uploads")
        assert sorted(mount.keys()) == sorted(f"file-{i}" for i in range(50))
        assert time.monotonic() - begin < 10
    proc.wait_for(lambda: mount.ask("stats")["queued"] == 1, 5, "the file in the queue once it is closed")
    mount.ask("upload-now")
    proc.wait_for(lambda: "open" in mount.keys(), 10, "its upload")


def test_one_that_has_gone_is_unknown(mount):
    mount.child.kill()
    mount.child.wait()
    assert "connect" in mount.ask("stats", code=1)
    assert "connect" in mount.ask("upload-now", code=1)
