"""
test_xattrs.py - extended attributes, which no rclone has: what says so (ENOTSUP) is written to by everybody; Debian's says EIO, on which `cp -a`
and E2B's file writes fail. That is noted of the version that is known for it, and else of what is seen to do it.
"""

import errno
import os
import shutil

import pytest

from support import envd, proc

WORDS = "extended attributes"
OWNER = 1000
FAILS = {"debian": True, "current": False}  # each question for an extended attribute of a file


def error_of(action, *arguments):
    """The errno of what it raises; 0: nothing."""
    try:
        action(*arguments)
    except OSError as failure:
        return failure.errno
    return 0


def said(lines):
    return [line for line in lines if WORDS in line]


def test_files_are_written_as_envd_does(sandbox, rclone):
    fails = FAILS[rclone.name]
    answer = sandbox.up(f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/x:uid={OWNER}")
    assert len(said(answer["rclone"]["known_losses"])) == fails, answer
    folder = sandbox.mnt / "x/new"
    expected = errno.EIO if fails else 0
    for _ in range(2):  # a file that is new, and one that is there
        assert error_of(envd.write_file, folder / "one", b"12", OWNER, {"author": "me"}) == expected
    (folder / "two").write_bytes(b"34")
    envd.compose_file([folder / "one", folder / "two"], folder / "whole", OWNER)
    assert proc.run(["cp", "-a", folder / "whole", folder / "copy"], check=False).returncode == fails
    assert error_of(shutil.copy2, folder / "whole", folder / "again") == expected
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/new/whole") == b"1234", "the bytes themselves have arrived"


def test_what_is_not_known_of_a_version_is_asked(sandbox, rclone):
    """Another builder's, or a wrapper, whose version tells nothing: a file in its root is asked. Where there is none nothing is said."""
    program = sandbox.folder / "rclone"
    program.write_text(f'#!/bin/sh\n[ "$1" != version ] || {{ echo "rclone v1.60.1-other"; exit; }}\nexec {rclone} "$@"\n')
    program.chmod(0o755)
    sandbox.put(f"{sandbox.prefixes[0]}/file", b"x")
    answer = sandbox.up("--rclone", program, f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one", f"--mount={sandbox.prefixes[2]}:{sandbox.mnt}/none")
    one, none = answer["mounts"]
    assert answer["rclone"]["known_losses"] == [] and none["notes"] == []
    assert len(said(one["notes"])) == FAILS[rclone.name], answer
    again = sandbox.up("--rclone", program, f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one", "--keep")["mounts"][0]
    assert said(again["notes"]) == said(one["notes"]), "once"
    assert error_of(os.getxattr, sandbox.mnt / "one/file", "user.x") == (errno.EIO if FAILS[rclone.name] else errno.ENOTSUP)
