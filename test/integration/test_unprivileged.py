"""
test_unprivileged.py - s3mounts as a user other than root: the system's set-uid fusermount3 mounts for it. In a mount namespace of its own, in
which /dev/fuse has the mode that udev gives it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

NOBODY = 65534
LIFE = """
mknod -m 666 fuse c 10 229 && mount --bind fuse /dev/fuse || exit 99
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$@"; }
as_nobody "$BINARY" up --json --run-dir "$PWD/run" --cache-dir "$PWD/cache" --mount "threads/x:$PWD/mnt/x"
echo "up $?"
as_nobody sh -c 'echo mine > mnt/x/nobody.txt'
as_nobody stat -c 'owner %u' mnt/x/nobody.txt
as_nobody "$BINARY" down --run-dir "$PWD/run" --timeout 20 2>&1
echo "down $?"
grep -c "$PWD" /proc/self/mountinfo | sed 's/^/left /'
"""


def life(binary, server, folder):
    os.chmod(folder, 0o755)
    for part in [folder, folder / "mnt"]:
        part.mkdir(exist_ok=True)
        os.chown(part, NOBODY, NOBODY)
    shutil.copy(binary, folder / "s3mounts")
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "BINARY": str(folder / "s3mounts"), **server.environment()}
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", LIFE], cwd=folder, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.stdout.splitlines(), done.stderr


def test_the_systems_helper_mounts(binary, server):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="s3m-nobody-", dir="/tmp"))  # pytest's own folders let nobody else in
    try:
        lines, err = life(binary, server, folder)
        answer = json.loads(lines[0])
        assert lines[1:3] == ["up 0", f"owner {NOBODY}"], (lines, err)
        assert [mount["state"] for mount in answer["mounts"]] == ["up"]
        assert any("user_allow_other" in note for note in answer["mounts"][0]["notes"])
        assert "down 0" in lines and "left 1" in lines, (lines, err)  # the bind mount of the device itself
        body = server.client().get_object(Bucket=server.bucket, Key="threads/x/nobody.txt")["Body"].read()
        assert body == b"mine\n"
    finally:
        shutil.rmtree(folder)
