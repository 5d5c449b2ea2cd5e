"""test_options.py - options of a mount, and where the list of mounts comes from: --mount, --fstab."""

import errno
import os
import stat

import pytest

from support import procfs

pytestmark = pytest.mark.both


def test_ro(sandbox):
    sandbox.put(f"{sandbox.prefixes[0]}/there", b"read me")
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/x:ro")
    assert (sandbox.mnt / "x/there").read_bytes() == b"read me"
    for action in (lambda: (sandbox.mnt / "x/new").write_text(""), lambda: os.mkdir(sandbox.mnt / "x/dir"),
                   lambda: os.unlink(sandbox.mnt / "x/there")):
        with pytest.raises(OSError) as failure:
            action()
        assert failure.value.errno == errno.EROFS
    sandbox.down()
    assert sandbox.keys(sandbox.prefixes[0] + "/") == [f"{sandbox.prefixes[0]}/there"]


@pytest.mark.parametrize("option, says", [("no_such_thing", "option no_such_thing is not known"), ("vfs_cache_mode=off", "option vfs_cache_mode=off"),
                                          ("type=native", "native"), ("s3_force_path_style=false", "option s3_force_path_style=false")])
def test_what_a_driver_refuses_is_said_with_its_place(sandbox, option, says):
    path = sandbox.folder / "fstab"
    path.write_text(f"docs {sandbox.mnt}/a auto ro\n# more\nother {sandbox.mnt}/b auto {option}\n")
    for options, place in ((["--fstab", path], f"{path}:3: "), ([f"--mount=docs:{sandbox.mnt}/b:{option}"], f"--mount docs:{sandbox.mnt}/b:{option}: ")):
        message = sandbox.s3mounts("up", "--json", *options).json["error"]["message"]
        assert message.startswith(place) and says in message, message


def test_owner_and_umask(sandbox):
    sandbox.put(f"{sandbox.prefixes[0]}/folder/file", b"")
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/x:uid=1234,gid=2345,umask=027")
    for name, mode in (("x", 0o750), ("x/folder", 0o750), ("x/folder/file", 0o640)):
        found = (sandbox.mnt / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, mode)


def test_allow_other(sandbox):
    """Another user can enter: that is the default, and no_allow_other takes it away."""
    for folder in (sandbox.folder, sandbox.mnt):
        os.chmod(folder, 0o755)
    sandbox.put(f"{sandbox.prefixes[0]}/file", b"seen")
    sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/open", f"--mount=docs:{sandbox.mnt}/closed:no_allow_other")
    assert as_nobody(lambda: (sandbox.mnt / "open/file").read_bytes() == b"seen")
    assert as_nobody(lambda: not os.access(sandbox.mnt / "closed", os.R_OK))


def as_nobody(question):
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            os._exit(0 if question() else 1)
        except BaseException:  # noqa: B902 - the child must end here
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_options_for_rclone_reach_it(sandbox):
    mount, = sandbox.up(f"--mount=docs:{sandbox.mnt}/x:vfs_cache_mode=writes,dir-cache-time=9s")["mounts"]
    arguments = procfs.command_line(mount["pid"]).decode().split("\0")
    for name, value in (("--vfs-cache-mode", "writes"), ("--dir-cache-time", "9s")):
        assert [a for a in arguments if a.startswith(name)][-1] == f"{name}={value}", "the last one counts"


@pytest.mark.parametrize("option", ["config=/etc/passwd", "daemon", "cache_dir=/", "rc", "password-command=id", "password_command=id",
                                    "log_file=/x", "--vfs-cache-mode=off", "vfs cache=1", "s3_secret_access_key=x", "devname=x", "no_such_thing=1",
                                    "uid=root", "uid=-1", "umask=999", "umask=8"])
def test_options_that_are_refused(sandbox, option):
    answer = sandbox.up(f"--mount=docs:{sandbox.mnt}/x:{option}", code=2)
    assert option.split("=")[0] in answer["error"]["message"]
    assert sandbox.mounts() == [] and sandbox.drivers() == []


@pytest.mark.parametrize("option, why", [
    ("vfs_cache_mode=off", "what is not in S3 yet"), ("vfs-cache-mode=OFF", "what is not in S3 yet"), ("vfs_cache_mode=minimal", "what is not in S3 yet"),
    ("vfs_cache_mode=full,vfs_cache_mode=off", "what is not in S3 yet"), ("vfs_fast_fingerprint=false", "wrong bytes"),
    ("vfs_cache_poll_interval=0s", "hang for good"), ("vfs_cache_max_size=off", "hang for good"), ("vfs_write_back=off", "ever be uploaded"),
    ("s3_list_chunk=0", "look empty"), ("log_level=EMERGENCY", "why a file does not arrive"), ("use_json_log", "reads the log")])
def test_options_that_would_make_us_lie(sandbox, option, why):
    answer = sandbox.up(f"--mount=docs:{sandbox.mnt}/x:{option}", code=2)
    assert why in answer["error"]["message"] and option.split(",")[-1].split("=")[0] in answer["error"]["message"]
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_a_read_only_mount_may_have_no_cache(sandbox, rclone):
    sandbox.put("docs/file", b"read")
    sandbox.up(f"--mount=docs:{sandbox.mnt}/x:ro,vfs_cache_mode=off")
    assert (sandbox.mnt / "x/file").read_bytes() == b"read"
    assert sandbox.status()["mounts"][0]["pending_files"] == 0
    assert sandbox.s3mounts("flush").code == 0
    sandbox.down()


def test_fstab(sandbox):
    table = sandbox.folder / "fstab"
    table.write_text(f"""\
# a comment, and an empty line

docs/a\\040b         {sandbox.mnt}/x\\040y\\134z   auto    rw,umask=077  0 0
s3://{sandbox.server.bucket}/${{THREAD_ID}}\t{sandbox.mnt}/${{USER_ID}}\trclone\tro
/                    {sandbox.mnt}/whole           rclone  ro
""")
    sandbox.put("docs/a b/file", b"octal")
    sandbox.put(f"{sandbox.thread}/file", b"variable")
    answer = sandbox.up("--fstab", table)
    assert [m["target"] for m in answer["mounts"]] == [f"{sandbox.mnt}/x y\\z", f"{sandbox.mnt}/{sandbox.user}", f"{sandbox.mnt}/whole"]
    assert [m["source"] for m in answer["mounts"]] == [
        f"s3mounts:{sandbox.server.bucket}/docs/a b", f"s3mounts:{sandbox.server.bucket}/{sandbox.thread}",
        f"s3mounts:{sandbox.server.bucket}"]
    assert sorted(m[0] for m in sandbox.mounts()) == sorted(m["target"] for m in answer["mounts"])
    assert (sandbox.mnt / "x y\\z/file").read_bytes() == b"octal"
    assert (sandbox.mnt / sandbox.user / "file").read_bytes() == b"variable"
    assert (sandbox.mnt / "whole/docs/a b/file").read_bytes() == b"octal"
    assert stat.S_IMODE((sandbox.mnt / "x y\\z/file").stat().st_mode) == 0o600


@pytest.mark.parametrize("line", [
    "docs", "docs /mnt/x", "docs relative auto rw 0 0", "docs /mnt/x nfs rw 0 0", "docs /mnt/../x auto rw 0 0", "docs / auto rw 0 0",
    "docs /mnt/\\04 auto rw 0 0", "docs /mnt/${NO_SUCH_VARIABLE} auto rw", "docs /mnt/x auto rw 0 0 0", "../docs /mnt/x auto rw 0 0",
    "docs /mnt/${S3_ACCESS_SECRET} auto rw 0 0", "docs /mnt/${THREAD_ID auto rw 0 0", "s3:// /mnt/x auto rw", "docs /mnt/x auto rw a b"])
def test_a_bad_line_is_named(sandbox, line):
    table = sandbox.folder / "fstab"
    table.write_text(f"# the fault is in line 3\ngood {sandbox.mnt}/good auto rw 0 0\n{line}\n")
    answer = sandbox.up("--fstab", table, code=2)
    assert f"{table}:3" in answer["error"]["message"]
    assert sandbox.mounts() == [] and not (sandbox.mnt / "good").exists()


def test_no_such_fstab(sandbox):
    answer = sandbox.up("--fstab", sandbox.folder / "none", code=2)
    assert str(sandbox.folder / "none") in answer["error"]["message"]


@pytest.mark.parametrize("second", ["{mnt}/x", "{mnt}/x/", "{mnt}//x", "{mnt}/./x"])
def test_a_target_twice(sandbox, second):
    sandbox.up(f"--mount=a:{sandbox.mnt}/x", f"--mount=b:{second.format(mnt=sandbox.mnt)}", code=2)
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_escapes_in_mount(sandbox):
    sandbox.put("esc/a:b\\c/file", b"escaped")
    sandbox.up(f"--mount=esc/a\\:b\\\\c:{sandbox.mnt}/t\\:u:ro")
    assert (sandbox.mnt / "t:u/file").read_bytes() == b"escaped"


def test_thirty_mounts(sandbox):
    answer = sandbox.up(*(f"--mount=many/{n}:{sandbox.mnt}/{n}" for n in range(30)), timeout=90)
    assert len(sandbox.mounts()) == 30 and {m["state"] for m in answer["mounts"]} == {"up"}
    sandbox.down(timeout=90)
    assert sandbox.mounts() == []
