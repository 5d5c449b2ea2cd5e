"""
test_names.py - THREAD_ID and USER_ID come from outside and decide whose data a sandbox sees: what is not one path component is refused
before anything starts; what is odd but allowed works end to end.
"""

import os

import pytest

HOSTILE = {
    "one dot": ".",
    "two dots": "..",
    "slash": "/",
    "absolute": "/etc",
    "two components": "a/b",
    "up and away": "../system",
    "up inside": "a/../../system",
    "slash at the end": "alice/",
    "slash at the start": "/alice",
    "newline": "a\nb",
    "newline at the end": "alice\n",
    "another section": "x\n[other]\ntype = local",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "bell": "\a",
    "escape sequence": "\x1b[2J",
    "unit separator": "a\x1fb",
    "delete": "a\x7fb",
    "129 bytes": "x" * 129,
    "129 bytes of 43 characters": "日" * 43,
    "a megabyte": "x" * 100000,
    "empty": "",
}


@pytest.mark.parametrize("variable", ["THREAD_ID", "USER_ID"])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_are_refused(sandbox, variable, value):
    answer = sandbox.up(env={variable: value}, code=2)
    assert variable in answer["error"]["message"] and answer["mounts"] == []
    assert sandbox.processes() == [] and sandbox.mounts() == []
    assert list(sandbox.mnt.rglob("*")) == [], "a folder was made"
    if len(value) > 8:
        assert value not in answer["error"]["message"]


@pytest.mark.parametrize("variable", ["THREAD_ID", "USER_ID"])
def test_absent_is_refused_too(sandbox, variable):
    del sandbox.env[variable]
    answer = sandbox.up(code=2)
    assert variable in answer["error"]["message"] and answer["mounts"] == []


def test_a_user_called_system_is_no_way_to_the_system_skills(sandbox):
    """Both would stand at the same target."""
    sandbox.up(env={"USER_ID": "system"}, code=2)
    assert sandbox.mounts() == [] and sandbox.drivers() == []


@pytest.mark.parametrize("value", ["..", "a/b", "a\nb"])
@pytest.mark.parametrize("command", ["check", "config"])
def test_other_commands_refuse_them_too(sandbox, command, value):
    result = sandbox.s3mounts(command, "--json", *sandbox.specs, env={"THREAD_ID": value})
    assert result.code == 2 and "THREAD_ID" in result.json["error"]["message"], result
    assert not (sandbox.run / "rclone.conf").exists()


@pytest.mark.parametrize("name", ["S3_ACCESS_SECRET", "S3_ACCESS_KEY_ID", "S3_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_no_credential_becomes_a_path(sandbox, name):
    sandbox.up(f"--mount=a/${{{name}}}:{sandbox.mnt}/x", code=2)


ODD = {
    "one letter": "a",
    "blank": "a b",
    "blanks around": " a ",
    "one blank": " ",
    "quotes": "it's \"quoted\"",
    "command substitution": "$(id>s3mounts-was-here)",
    "backticks": "`id`",
    "variable": "${HOME}$USER",
    "percent": "100%",
    "percent escape": "%2e%2e%2f",
    "interpolation": "%(name)s",
    "printf": "%s%n%d",
    "plus": "a+b",
    "latin": "Müller",
    "japanese": "日本語",
    "emoji": "🙂",
    "combining": "e\u0301",
    "leading dash": "-rf",
    "an option": "--config=x",
    "commas": "a,b,ro",
    "colon": "a:b",
    "a remote": "local:",
    "equals": "k=v",
    "backslash": "a\\b",
    "backslash at the end": "a\\",
    "octal escape": "a\\040b",
    "hash": "#a#",
    "semicolon": "a;b&c|d",
    "glob": "*?[a]{b}",
    "tilde": "~",
    "three dots": "...",
    "dots inside": "a..b",
    "hidden": ".hidden",
    "dot at the end": "a.",
    "angle brackets": "<a>&amp;",
    "question and fragment": "a?b#c&d=e",
    "128 bytes": "x" * 128,
    "128 bytes of unicode": "ü" * 64,
    "wide dots": "．．",
    "wide slash": "a／b",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_work_end_to_end(sandbox, name):
    """As thread and, with a letter before it, as user; seen by boto3."""
    value = ODD[name]
    sandbox.env.update(THREAD_ID=value, USER_ID=("u" + value) if len(value.encode()) < 128 else value)
    for prefix in sandbox.prefixes:
        sandbox.put(f"{prefix}/from-s3", value.encode())
    answer = sandbox.up(*(f"{spec}:vfs_write_back=0s" for spec in sandbox.specs))
    assert [m["target"] for m in answer["mounts"]] == list(map(str, sandbox.targets))
    for target in sandbox.targets:
        assert (target / "from-s3").read_bytes() == value.encode()
        (target / "from-sandbox").write_bytes(value.encode())
    sandbox.down()
    for prefix in sandbox.prefixes:
        assert sandbox.get(f"{prefix}/from-sandbox") == value.encode()
    assert not os.path.exists("/s3mounts-was-here")


@pytest.mark.parametrize("value", ["a␊b", "␀", "‛．", "‛"], ids=ascii)
def test_what_rclone_would_take_for_another_name_is_refused(sandbox, value):
    """It reads these characters as escapes: one user's name would become another's."""
    sandbox.up(env={"THREAD_ID": value}, code=2)
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_two_users_do_not_see_each_other(sandbox):
    """The same name but for what rclone could fold into one."""
    for user in ("alice", "alice ", "Alice", "alice\\", "alice．"):
        sandbox.put(f"skills/{user}/whose", user.encode())
    for user in ("alice", "alice ", "Alice", "alice\\", "alice．"):
        sandbox.env["USER_ID"] = user
        sandbox.up("--keep", f"--mount=skills/${{USER_ID}}:{sandbox.mnt}/${{USER_ID}}")
        assert (sandbox.mnt / user / "whose").read_text() == user
    assert len(sandbox.mounts()) == 5
