"""test_config.py - `s3mounts config`: an rclone.conf that rclone reads as it was meant, and that nobody else can read."""

import json
import os
import stat

import pytest

from support import proc

OTHERS = (b"# mine\r\n[other]\ntype = local   \n\n;comment\n[s3mounts-not]\ntype=alias\nremote = /tmp\n\n[last]\ntype = memory")


def dump(sandbox, path):
    """The file as rclone itself reads it."""
    return json.loads(proc.run(["rclone", "config", "dump", "--config", path], env={"PATH": sandbox.env["PATH"], "HOME": "/"}).stdout)


def config(sandbox, *options, code=0, **more):
    result = sandbox.s3mounts("config", "--json", *sandbox.specs, *options, **more)
    assert result.code == code, result
    return result.json


def test_written_for_rclone_alone(sandbox):
    answer = config(sandbox)
    path = sandbox.run / "rclone.conf"
    assert answer == {"command": "config", "ok": True, "code": 0, "path": str(path), "warnings": [], "error": None}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(sandbox.run.stat().st_mode) == 0o700
    remote = dump(sandbox, path)["s3mounts"]
    assert remote["type"] == "s3" and remote["endpoint"] == sandbox.server.endpoint
    assert remote["access_key_id"] == sandbox.server.key_id and remote["secret_access_key"] == sandbox.server.secret
    assert remote["env_auth"] == "false" and remote["no_check_bucket"] == "true"


def test_rclone_can_use_it(sandbox):
    sandbox.put(f"{sandbox.prefixes[0]}/file", b"")
    path = sandbox.folder / "own" / "rclone.conf"
    path.parent.mkdir(mode=0o700)
    assert config(sandbox, "--config", path)["path"] == str(path)
    listing = proc.run(["rclone", "lsf", "--config", path, f"s3mounts:{sandbox.server.bucket}/{sandbox.prefixes[0]}"],
                       env={"PATH": sandbox.env["PATH"], "HOME": "/"})
    assert listing.stdout == "file\n"


def test_path_by_variable(sandbox):
    path = sandbox.folder / "by-variable.conf"
    assert config(sandbox, env={"RCLONE_CONFIG": str(path)})["path"] == str(path)
    assert path.exists() and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_others_stay_byte_for_byte(sandbox):
    path = sandbox.folder / "rclone.conf"
    path.write_bytes(OTHERS)
    config(sandbox, "--config", path)
    first = path.read_bytes()
    assert first.startswith(OTHERS) and b"[s3mounts]" in first[len(OTHERS):]
    config(sandbox, "--config", path)
    assert path.read_bytes() == first
    assert set(dump(sandbox, path)) == {"other", "s3mounts-not", "last", "s3mounts"}


def test_up_and_down_leave_others_as_they_were(sandbox):
    path = sandbox.folder / "rclone.conf"
    path.write_bytes(OTHERS)
    sandbox.up("--config", path, *sandbox.specs)
    assert path.read_bytes().startswith(OTHERS)
    sandbox.down()
    assert path.read_bytes() == OTHERS


NO_CONF = {
    "passwd": (b"root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/sh\n", "line 1 stands before any [section]"),
    "environment": (b"# of the system\nPATH=/usr/bin\n", "line 2 stands before any [section]"),
    "script": (b"#!/bin/sh\nset -e\n", "line 1 makes it a script"),
    "JSON": (b'{\n  "a": 1\n}\n', "line 1 is neither"),
    "YAML": (b"[a]\ntype = local\n- item\n", "line 3 is neither"),
    "binary": (b"\x7fELF\x02\x01\x01\0\0\n[a]\ntype = local\n", "line 1 holds a control byte"),
    "AWS's own": (b"[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n", "no section of it has a type"),
    "unit": (b"[Unit]\nDescription=x\n[Service]\nType=simple\n", "no section of it has a type"),
}


@pytest.mark.parametrize("kind", NO_CONF)
@pytest.mark.parametrize("command", ["config", "up"])
def test_a_file_that_is_no_rclone_conf_is_refused_untouched(sandbox, command, kind):
    text, why = NO_CONF[kind]
    path = sandbox.folder / "file"
    path.write_bytes(text)
    path.chmod(0o644)
    os.chown(path, -1, 4711)
    before = path.stat()
    result = sandbox.s3mounts(command, "--json", *sandbox.specs, env={"RCLONE_CONFIG": str(path)})
    assert result.code == 2 and f"write {path}: it is no rclone.conf: {why}" in result.json["error"]["message"], result
    after = path.stat()
    assert path.read_bytes() == text
    assert [getattr(after, name) for name in ("st_mode", "st_uid", "st_gid", "st_ino", "st_mtime_ns")] == [
        getattr(before, name) for name in ("st_mode", "st_uid", "st_gid", "st_ino", "st_mtime_ns")]
    assert sandbox.mounts() == [] and os.listdir(sandbox.folder).count("file") == 1


@pytest.mark.parametrize("mode, meanwhile", [(0o644, 0o600), (0o640, 0o600), (0o600, 0o600), (0o400, 0o400)])
@pytest.mark.parametrize("text", [OTHERS, OTHERS + b"\n", b"", b"# mine\n"], ids=["open line", "closed line", "empty", "comment"])
def test_down_gives_the_file_back(sandbox, text, mode, meanwhile):
    """Its bytes, mode, owner and group. While our keys are in it nobody else may read it."""
    path = sandbox.folder / "rclone.conf"
    path.write_bytes(text)
    path.chmod(mode)
    os.chown(path, -1, 4711)
    sandbox.up("--config", path, *sandbox.specs)
    assert stat.S_IMODE(path.stat().st_mode) == meanwhile and path.stat().st_gid == 4711
    assert "s3mounts" in dump(sandbox, path)
    sandbox.up("--config", path, *sandbox.specs, "--mount=x:%s/x" % sandbox.mnt)
    sandbox.down()
    assert path.read_bytes() == text
    now = path.stat()
    assert (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) == (mode, 0, 4711)


def test_another_users_file_is_refused(sandbox):
    """Its owner could read the keys."""
    path = sandbox.folder / "rclone.conf"
    path.write_bytes(OTHERS)
    os.chown(path, 65534, 65534)
    result = sandbox.s3mounts("config", "--json", "--config", path, *sandbox.specs)
    assert result.code == 8 and "user 65534, who could read the keys" in result.json["error"]["message"], result
    assert path.read_bytes() == OTHERS


def test_an_old_section_of_ours_is_replaced_in_its_place(sandbox):
    path = sandbox.folder / "rclone.conf"
    path.write_bytes(b"[a]\ntype = local\n[s3mounts]\ntype = s3\nsecret_access_key = old\nx = y\n[b]\ntype = local\n")
    config(sandbox, "--config", path)
    text = path.read_bytes()
    assert text.startswith(b"[a]\ntype = local\n[s3mounts]\n") and text.endswith(b"[b]\ntype = local\n")
    assert b"old" not in text and b"x = y" not in text


@pytest.mark.parametrize("command", ["config", "up"])
def test_a_link_is_refused(sandbox, command):
    victim, link = sandbox.folder / "victim", sandbox.folder / "link.conf"
    victim.write_text("untouched")
    link.symlink_to(victim)
    result = sandbox.s3mounts(command, "--json", "--config", link, *sandbox.specs)
    assert result.code == 8 and str(link) in str(result.json), result
    assert victim.read_text() == "untouched" and link.is_symlink()
    assert sandbox.mounts() == [] and sandbox.drivers() == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_what_is_no_file_is_refused_at_once(sandbox, make):
    make(sandbox.folder / "thing")
    result = sandbox.s3mounts("config", "--json", "--config", sandbox.folder / "thing", *sandbox.specs, timeout=10)
    assert result.code == 8, result


def test_print_masks_the_secret(sandbox):
    sandbox.env["S3_SESSION_TOKEN"] = "token-that-nobody-may-see"
    result = sandbox.s3mounts("config", "--print", *sandbox.specs)
    assert result.code == 0 and "[s3mounts]" in result.out and sandbox.server.endpoint in result.out, result
    assert "****" in result.out and not sandbox.secret_leaks() and "nobody-may-see" not in result.out
    assert sandbox.server.secret[:8] not in result.out and sandbox.server.secret[-8:] not in result.out
    assert not (sandbox.run / "rclone.conf").exists()


def test_print_as_json(sandbox):
    text = sandbox.s3mounts("config", "--print", *sandbox.specs).out
    answer = config(sandbox, "--print")
    assert answer == {"command": "config", "ok": True, "code": 0, "error": None, "config": text, "warnings": []}


VALUES = ["plain", "with blank", "tick`inside", "quote\"inside", "'single'", "a#b;c", "k=v:w", "back\\slash", "per%cent",
          "${HOME}", "ends`", "[section]", "; comment", "\"quoted\"", "ü"]


@pytest.mark.parametrize("secret", VALUES)
def test_rclone_reads_the_very_secret(sandbox, secret):
    config(sandbox, env={"S3_ACCESS_SECRET": secret})
    assert dump(sandbox, sandbox.run / "rclone.conf")["s3mounts"]["secret_access_key"] == secret


@pytest.mark.parametrize("variable", ["S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_SESSION_TOKEN"])
@pytest.mark.parametrize("value", ["x\n[evil]\ntype = local", "x\ry", "%(type)s", "x" * 5000, " pasted", "pasted "],
                         ids=["newline", "return", "interpolation", "long", "blank before", "blank behind"])
def test_what_cannot_be_written_is_refused_by_name(sandbox, variable, value):
    answer = config(sandbox, env={variable: value}, code=2)
    assert variable in answer["error"]["message"] and value not in str(answer)
    assert not (sandbox.run / "rclone.conf").exists()


def test_no_half_file_is_left(sandbox):
    path = sandbox.folder / "own" / "rclone.conf"
    path.parent.mkdir(mode=0o700)
    config(sandbox, "--config", path)
    assert os.listdir(path.parent) == ["rclone.conf"]
