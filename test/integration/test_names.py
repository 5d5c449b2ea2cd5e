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


UNFILLED = ["$THREAD_ID", "${THREAD_ID}", "${THREAD_ID", "$(echo id)", "{THREAD_ID}", "{thread_id}", "{{THREAD_ID}}", "{{ .thread }}",
            "%THREAD_ID%", "%(thread)s", "%s", "<THREAD_ID>", "<your-id>", "__THREAD_ID__", "@THREAD_ID@", ":thread_id", "{}", "{0}",
            "THREAD_ID", "user-$USER_ID", "user-{user_id}"]


@pytest.mark.parametrize("value", UNFILLED)
def test_what_was_not_filled_in_is_refused(sandbox, value):
    """Two users whose THREAD_ID is this would share one folder."""
    answer = sandbox.up(env={"THREAD_ID": value}, code=2)
    assert "variable THREAD_ID" in answer["error"]["message"] and value.removeprefix("user-") [:2] in answer["error"]["message"]
    assert sandbox.processes() == [] and list(sandbox.mnt.rglob("*")) == [], "something was made"


LITERALS = [value for value in UNFILLED if value not in ("${THREAD_ID}", "${THREAD_ID", "THREAD_ID", "%s", "{}", "{0}")]


@pytest.mark.parametrize("value", LITERALS)
@pytest.mark.parametrize("where", ["source", "target", "option"])
@pytest.mark.parametrize("how", ["mount", "fstab"])
def test_it_is_refused_where_a_mount_is_written_too(sandbox, value, where, how):
    fields = {"source": f"threads/{value}", "target": f"{sandbox.mnt}/{value}", "option": f"user_agent={value}"}
    source, target, option = (fields[name] if name == where else plain for name, plain in
                              (("source", "threads/x"), ("target", f"{sandbox.mnt}/x"), ("option", "rw")))
    if how == "mount":
        options = [f"--mount={source}:{target}:{option}".replace("/:thread_id", "/\\:thread_id")]
    else:
        fstab = sandbox.folder / "fstab"
        fstab.write_text(" ".join(field.replace(" ", "\\040") for field in (source, target, "auto", option)) + "\n")
        options = ["--fstab", fstab]
    answer = sandbox.up(*options, code=2)
    assert "looks like a variable that was not filled in" in answer["error"]["message"], answer
    assert "${THREAD_ID}" in answer["error"]["hint"]
    assert ("--mount" if how == "mount" else f"{fstab}:1: ") in answer["error"]["message"]


@pytest.mark.parametrize("value", ["undefined", "null", "None", "nil", "NaN", "[object Object]", "user-undefined"])
def test_what_stands_for_no_value_is_told(sandbox, value):
    """It may be a name; it hardly is one."""
    sandbox.env["THREAD_ID"] = value
    note = f'variable THREAD_ID is "{value}", which looks like a value that was not set: all who have it share one folder'
    assert sandbox.up()["warnings"] == [note]
    for command in ("up", "check"):
        result = sandbox.s3mounts(command, *sandbox.specs)
        assert result.code == 0 and result.err.startswith(f"s3mounts: note: {note}\n"), result
    assert sandbox.s3mounts("check", "--json", *sandbox.specs).json["warnings"] == [note]
    sandbox.down()
    result = sandbox.s3mounts("run", *sandbox.specs, "--", "true")
    assert result.code == 0 and f"s3mounts: note: {note}\n" in result.err, result
    start = sandbox.start("start", "--wait", *sandbox.specs)
    assert start.stderr.readline() == f"s3mounts: note: {note}\n"
    start.terminate()
    sandbox.finish(start)


def test_the_same_where_a_mount_is_written(sandbox):
    answer = sandbox.up(f"--mount=threads/undefined:{sandbox.mnt}/null")
    assert len(answer["warnings"]) == 2 and 'source "threads/undefined"' in answer["warnings"][0]
    assert f'target "{sandbox.mnt}/null"' in answer["warnings"][1]
    assert sandbox.up()["warnings"] == []


@pytest.mark.parametrize("name", ["S3_ACCESS_SECRET", "S3_ACCESS_KEY_ID", "S3_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY",
                                  "AWS_SECURITY_TOKEN"])
def test_no_credential_becomes_a_path(sandbox, name):
    sandbox.up(f"--mount=a/${{{name}}}:{sandbox.mnt}/x", code=2)


ODD = {
    "one letter": "a",
    "blank": "a b",
    "blanks around": " a ",
    "one blank": " ",
    "quotes": "it's \"quoted\"",
    "backticks": "`id>s3mounts-was-here`",
    "dollars": "ke$ha US$100 $",
    "percent": "100%",
    "percent escape": "%2e%2e%2f",
    "a URL's": "M%C3%BCller",
    "interpolation": "100%(net",
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
    "GUID": "{DF2504E0-4F89-11D3-9A0C-0305E82C3301}",
    "dunder": "__pycache__",
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
