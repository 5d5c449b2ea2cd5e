"""
test_env_file.py - variables from a file or a descriptor: for platforms that log the environment of a command. What is refused, what
wins, who gets to see them, and that the file is gone afterwards whatever came of it.
"""

import asyncio
import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys

import pytest

from support import envd, proc, procfs
from support.sandbox import PATH
from test_templates import SUPPORT, TEMPLATES

KEYS = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_BUCKET_NAME")
PRINT_ENVIRONMENT = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


@pytest.fixture
def file(sandbox):
    """All of the sandbox's variables, in a private file and nowhere else."""
    path = sandbox.folder / "s3.env"
    names = (*KEYS, "THREAD_ID", "USER_ID")
    put(path, "".join(f"{name}='{sandbox.env.pop(name)}'\n" for name in names))
    sandbox.env["S3_ACCESS_SECRET"] = ""  # absent; what looks for leaks takes the server's then
    sandbox.names = {"THREAD_ID": sandbox.thread, "USER_ID": sandbox.user}
    return path


def put(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def targets(sandbox):
    return sorted(target for target, _, _ in sandbox.mounts())


def expected(sandbox):
    return sorted(f"{sandbox.mnt}/{part}" for part in (f"threads/{sandbox.thread}", "skills/system", f"skills/{sandbox.user}"))


# Who takes it


def many(sandbox, file):
    """
    Three hundred copies of the secret, and between them, of the same length, a setting that is kept: what is given back beside it without
    being wiped can still be read.
    """
    copies = [f"COPY_{n}='{sandbox.server.secret}'\n" for n in range(100, 400)]
    kept = "XDG_CACHE_HOME='/"
    return put(file, "".join(copies[:150]) + kept + "x" * (len(copies[0]) - len(kept) - 2) + "'\n" + "".join(copies[150:]) + file.read_text())


@pytest.mark.both
@pytest.mark.shipped
def test_up(sandbox, file):
    many(sandbox, file)
    sandbox.up("--env-file", file)
    assert targets(sandbox) == expected(sandbox) and file.exists()
    for pid in sandbox.processes():
        assert sandbox.server.secret.encode() not in procfs.environment(pid)
        if pid not in sandbox.drivers():
            assert not procfs.memory_holds(pid, sandbox.server.secret.encode()), procfs.command_line(pid)
    assert sandbox.up("--env-file", file)["mounts"][0]["ms"] == 0, "mounted again"


@pytest.mark.parametrize("command", ["check", "config"])
def test_other_commands(sandbox, file, command):
    result = sandbox.s3mounts(command, "--json", *sandbox.specs, "--env-file", file, "--env-file-remove")
    assert result.code == 0 and not file.exists(), result


@pytest.mark.shipped
def test_start(sandbox, file):
    many(sandbox, file)
    child = sandbox.start("start", *sandbox.specs, "--env-file", file, "--env-file-remove")
    try:
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "20").code == 0
        assert targets(sandbox) == expected(sandbox) and not file.exists()
        assert not procfs.memory_holds(child.pid, sandbox.server.secret.encode())
    finally:
        child.terminate()
        assert child.wait(30) == 0
        child.stdout.close()
        child.stderr.close()


def test_descriptor_and_stdin(sandbox, file):
    for option in (["--env-file", "-"], ["--env-fd", "0"]):
        with open(file) as stdin:
            done = subprocess.run(sandbox.argv("check", "--json", *sandbox.specs, *option), env=sandbox.env, stdin=stdin,
                                  capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done
    reader, writer = os.pipe()
    os.write(writer, file.read_bytes())
    os.close(writer)
    result = sandbox.s3mounts("check", "--json", *sandbox.specs, "--env-fd", str(reader), pass_fds=[reader])
    os.close(reader)
    assert result.code == 0, result
    for number in ("1", "2", "x", "-1", "99999999999"):
        assert sandbox.s3mounts("check", "--json", "--env-fd", number).code == 2
    result = sandbox.s3mounts("check", "--json", "--env-fd", "99")
    assert result.code == 2 and "--env-fd 99: no such descriptor is open" in result.json["error"]["message"], result


def test_commands_without_variables_do_not_know_it(sandbox, file):
    for command in ("status", "down", "ready"):
        assert sandbox.s3mounts(command, "--json", "--env-file", file).code == 2
    assert sandbox.s3mounts("check", "--json", "--env-file-remove").code == 2


# What is refused, by name


def refused(sandbox, path, *options):
    result = sandbox.s3mounts("up", "--json", *sandbox.specs, "--env-file", path, *options)
    assert result.code == 2 and result.json["mounts"] == [] and str(path) in result.json["error"]["message"], result
    assert sandbox.processes() == [] and not (sandbox.run / "rclone.conf").exists()
    return result.json["error"]["message"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_read(sandbox, file, mode):
    file.chmod(mode)
    assert f"mode {mode:03o}" in refused(sandbox, file)
    assert file.exists()
    refused(sandbox, file, "--env-file-remove")
    assert not file.exists(), "refused, and with its keys still there"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_taken(sandbox, file, mode):
    file.chmod(mode)
    assert sandbox.s3mounts("check", "--json", *sandbox.specs, "--env-file", file).code == 0


def test_what_is_no_file_of_ours(sandbox, file):
    link, fifo, other = (sandbox.folder / name for name in ("link", "fifo", "other"))
    link.symlink_to(file)
    os.mkfifo(fifo, 0o600)
    put(other, file.read_text())
    os.chown(other, 65534, 65534)
    assert "symbolic link" in refused(sandbox, link)
    assert "not a regular file" in refused(sandbox, fifo)
    assert "belongs to user 65534" in refused(sandbox, other)
    assert "no such file" in refused(sandbox, sandbox.folder / "none")
    refused(sandbox, link, "--env-file-remove")
    refused(sandbox, other, "--env-file-remove")
    assert link.is_symlink() and file.exists() and other.exists(), "these are not the caller's to remove"


FORMS = {
    "blank at its end": ("S3_ACCESS_SECRET=SeCrEtSeCrEt ", 1, "S3_ACCESS_SECRET"),
    "backslash": ("\n\nS3_ACCESS_SECRET=SeC\\rEtSeCrEt", 3, "S3_ACCESS_SECRET"),
    "goes on": ("S3_ACCESS_SECRET=SeCrEtSeCrEt\\\nSeCrEtSeCrEt", 1, "S3_ACCESS_SECRET"),
    "open quote": ("S3_ACCESS_SECRET=\"SeCrEtSeCrEt", 1, "S3_ACCESS_SECRET"),
    "behind the quote": ("A=1\nS3_ACCESS_SECRET='SeCrEtSeCrEt'SeCrEt", 2, "S3_ACCESS_SECRET"),
    "no name": ("A=1\n=SeCrEtSeCrEt", 2, ""),
    "YAML": ("S3_ACCESS_SECRET: SeCrEtSeCrEt", 1, ""),
    "JSON": ('{"S3_ACCESS_SECRET": "SeCrEtSeCrEt"}', 1, ""),
    "control byte": ("S3_ACCESS_SECRET=SeCrEt\x1bSeCrEt", 1, "S3_ACCESS_SECRET"),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(sandbox, file, form):
    text, line, name = FORMS[form]
    message = refused(sandbox, put(file, text), "--env-file-remove")
    assert f"{file}:{line}: " in message and name in message
    assert "SeC" not in sandbox.history[-1].out + sandbox.history[-1].err and not file.exists()


def test_its_size_is_limited(sandbox, file):
    put(file, file.read_text() + "#" * (1 << 20))
    assert "larger than 1048576 bytes" in refused(sandbox, file)


# How it is read


@pytest.mark.parametrize("value", ["plain", "a b", "it's", 'say "x"', "$HOME", "${HOME}", "`id`", "$(id)", "a#b", "a=b==", "ü", "%s"])
@pytest.mark.parametrize("form", ["{0}", "'{0}'", '"{0}"', "export", "crlf"])
def test_rclone_gets_the_very_value(sandbox, file, value, form):
    """Without a shell's eyes, in each form that can hold it."""
    quote = form[0] if form[0] in "'\"" else ""
    line = {"export": "export S3_ACCESS_SECRET={0}\n", "crlf": "S3_ACCESS_SECRET={0}\r\n"}.get(form, f"S3_ACCESS_SECRET={form}\n")
    put(file, "\ufeff# mine\n; mine\n\n" + file.read_text() + line.format(value))
    result = sandbox.s3mounts("config", "--json", *sandbox.specs, "--env-file", file)
    if quote and quote in value:
        assert result.code == 2 and f"{file}:10: variable S3_ACCESS_SECRET" in result.json["error"]["message"], result
        return
    assert result.code == 0, result
    conf = proc.run(["rclone", "config", "dump", "--config", sandbox.run / "rclone.conf"], env={"PATH": PATH, "HOME": "/"})
    assert json.loads(conf.stdout)["s3mounts"]["secret_access_key"] == value


def key_id(sandbox, *options, env=None):
    """Of the config that these options make, with its token."""
    result = sandbox.s3mounts("config", "--json", *sandbox.specs, *options, env=env)
    assert result.code == 0, result
    conf = proc.run(["rclone", "config", "dump", "--config", sandbox.run / "rclone.conf"], env={"PATH": PATH, "HOME": "/"})
    ours = json.loads(conf.stdout)["s3mounts"]
    return ours["access_key_id"], ours.get("session_token"), ours["endpoint"]


def test_who_wins(sandbox, file):
    """The file over the environment, the later file over the earlier, and a set of keys as a whole."""
    old = {"S3_ACCESS_KEY_ID": "old", "S3_ACCESS_SECRET": "old", "S3_SESSION_TOKEN": "old", "S3_ENDPOINT_URL": "http://old:1"}
    server = sandbox.server
    assert key_id(sandbox, "--env-file", file, env=old) == (server.key_id, None, server.endpoint)
    aws = put(sandbox.folder / "aws", "AWS_ACCESS_KEY_ID=aws\nAWS_SECRET_ACCESS_KEY=aws\nAWS_SECURITY_TOKEN=token\n"
              "AWS_ENDPOINT_URL=http://aws:2\nTHREAD_ID=t\nUSER_ID=u\nS3_BUCKET_NAME=bucket\n")
    assert key_id(sandbox, "--env-file", aws, env=old) == ("aws", "token", "http://aws:2")
    later = put(sandbox.folder / "later", "S3_ACCESS_KEY_ID=later\nS3_ACCESS_SECRET\n")
    assert key_id(sandbox, "--env-file", file, f"--env-file={later}", env={"S3_ACCESS_SECRET": "x"})[0] == "later"
    assert key_id(sandbox, "--env-file", later, "--env-file", file)[0] == server.key_id


def test_half_a_set_is_not_mended_by_the_environment(sandbox, file):
    put(file, "S3_ACCESS_KEY_ID=new\n")
    result = sandbox.s3mounts("check", "--json", *sandbox.specs, "--env-file", file, env={
        **sandbox.names, "S3_ACCESS_KEY_ID": "old", "S3_ACCESS_SECRET": "old", "S3_BUCKET_NAME": "bucket"})
    assert result.code == 2 and "S3_ACCESS_SECRET is not set" in result.json["error"]["message"], result


def test_settings_of_ours_count_too(sandbox, file):
    """S3MOUNTS_RUN_DIR and others, which are asked for later than the keys."""
    conf = sandbox.folder / "by-file.conf"
    put(file, file.read_text() + f"RCLONE_CONFIG={conf}\nS3MOUNTS_CACHE_DIR={sandbox.folder}/other\n")
    result = sandbox.finish(subprocess.Popen(
        [sandbox.binary, "up", "--json", "--run-dir", sandbox.run, *sandbox.specs, "--env-file", file], env=sandbox.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    assert result.code == 0 and conf.exists() and (sandbox.folder / "other").is_dir(), result


def test_an_authority_counts_too(sandbox, file, tls):
    """In the command, and in the supervisor, also in one that another file has started."""
    put(file, file.read_text() + f"AWS_CA_BUNDLE={sandbox.folder}/none\n")
    sandbox.up("--env-file", file)
    good = put(sandbox.folder / "good", file.read_text() + f"S3_ENDPOINT_URL={tls.url('good')}\nAWS_CA_BUNDLE=\n"
               f"SSL_CERT_FILE={tls.authority.certificate}\n")
    sandbox.up("--env-file", good)
    put(good, good.read_text() + f"SSL_CERT_FILE={sandbox.folder}/none\n")
    assert str(sandbox.folder / "none") in sandbox.up("--env-file", good, code=2)["error"]["message"]


# It is removed, whatever comes of it


OUTCOMES = {
    "a path that is none": (2, ["--mount=a:relative"]),
    "an option that is none": (2, ["--no-such-option", "x"]),
    "an option that is none, behind": (2, ["--env-file-remove", "--timeout"]),
    "no rclone": (6, ["--rclone=/nonexistent"]),
    "a config that is none": (2, ["--config=/proc/self/status"]),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_removed_where_the_command_fails(sandbox, file, outcome):
    code, options = OUTCOMES[outcome]
    specs = [] if "--mount" in options[0] else sandbox.specs
    result = sandbox.s3mounts("up", "--json", *options[:1], *specs, "--env-file", file, "--env-file-remove", *options[1:])
    assert result.code == code and not file.exists(), result
    assert sandbox.mounts() == []


def test_removed_where_s3_refuses(sandbox, file):
    put(file, file.read_text() + "S3_ACCESS_SECRET=wrong-wrong-wrong\n")
    sandbox.up("--env-file", file, "--env-file-remove", code=4)
    assert not file.exists()


def test_each_of_them_is_removed(sandbox, file):
    """Also where the first one is refused."""
    other = put(sandbox.folder / "other", "A=1\n")
    file.chmod(0o644)
    refused(sandbox, file, "--env-file", other, "--env-file-remove")
    assert not file.exists() and not other.exists()


def test_not_removed_by_help(sandbox, file):
    result = sandbox.s3mounts("up", "--env-file", file, "--env-file-remove", "--help")
    assert result.code == 0 and file.exists() and "--env-file FILE" in result.out, result


def test_a_file_that_stays_is_told(sandbox, file):
    """Nothing is mounted then: the keys would stay behind."""
    proc.run(["mount", "--bind", file, file])  # cannot be removed
    try:
        result = sandbox.s3mounts("up", "--json", *sandbox.specs, "--env-file", file, "--env-file-remove")
    finally:
        proc.run(["umount", file])
    assert result.code == 8 and "it is still there" in result.json["error"]["message"], result
    assert sandbox.mounts() == [] and sandbox.processes() == []


# CMD of `run`


def environment_of_cmd(sandbox, *options, env=None):
    result = sandbox.s3mounts("run", *sandbox.specs, *options, "--", *PRINT_ENVIRONMENT, env=env)
    assert result.code == 0, result
    seen = json.loads(result.out)
    seen.pop("LC_CTYPE", None)
    return seen


def test_cmd_gets_nothing_of_it(sandbox, file):
    put(file, file.read_text() + "OTHER=x\n")
    seen = environment_of_cmd(sandbox, "--env-file", file, "--env-file-remove")
    assert seen == {name: value for name, value in sandbox.env.items() if name != "S3_ACCESS_SECRET"}


def test_cmd_gets_all_of_it_where_that_is_asked_for(sandbox, file):
    put(file, file.read_text() + "OTHER=x\n")
    seen = environment_of_cmd(sandbox, "--env-file", file, "--keep-env")
    sandbox.history.clear()  # the secret is meant to be there
    assert seen == {**sandbox.env, **sandbox.names, **sandbox.server.environment(), "OTHER": "x"}


def test_cmd_gets_no_descriptor_of_it(sandbox, file):
    reader, writer = os.pipe()
    os.write(writer, file.read_bytes())
    os.close(writer)
    script = "import os; print(*[fd for fd in range(3, 256) if os.path.exists(f'/proc/self/fd/{fd}')], os.read(0, 9))"
    result = sandbox.s3mounts("run", *sandbox.specs, "--env-fd", str(reader), "--", sys.executable, "-c", script, pass_fds=[reader])
    os.close(reader)
    assert result.code == 0 and result.out == "b''\n", result
    script = "import os; os.lseek(0, 0, os.SEEK_SET); print(os.read(0, 9))"
    with open(file) as stdin:
        child = subprocess.run(sandbox.argv("run", *sandbox.specs, "--env-file", "-", "--", sys.executable, "-c", script),
                               env=sandbox.env, stdin=stdin, capture_output=True, text=True, timeout=30, check=False)
    assert (child.returncode, child.stdout) == (0, "b''\n"), child


def test_cmd_gets_no_credential_by_any_name(sandbox):
    """One list of names, for the plan, for what is filled in, and for CMD."""
    names = ["S3_SECRET_ACCESS_KEY", "S3_SECRET_KEY", "AWS_SECURITY_TOKEN", "AWS_SECRET_KEY", "AWS_ACCESS_KEY", "RCLONE_CONFIG_PASS", "RCLONE_S3_SECRET_ACCESS_KEY",
             "AWS_CONTAINER_AUTHORIZATION_TOKEN", "S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"]
    given = {name: "" if name == "S3_SESSION_TOKEN" else "top-secret" for name in names}
    seen = environment_of_cmd(sandbox, env=given)
    assert not set(seen) & set(names) and "top-secret" not in seen.values()
    for name in names:
        result = sandbox.s3mounts("check", "--json", f"--mount=a/${{{name}}}:/m", env={name: "x"})
        assert result.code == 2 and "a credential cannot be part of a mount" in result.json["error"]["message"], result


# What a sandbox's daemon logs


@pytest.fixture
def platform(binary, tmp_path):
    one = envd.Platform(binary, tmp_path)
    yield one
    one.close()


def secrets(server):
    return [server.key_id, server.secret]


def logged(platform, server):
    text = platform.log.path.read_text()
    assert "s3mounts up" in text, "this test cannot fail"
    return [secret for secret in secrets(server) if secret in text]


def test_python_snippet_leaves_no_key_in_the_log(platform, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "e2b", envd.module(platform))
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    backend = runpy.run_path(TEMPLATES / "e2b" / "sandbox.py")

    async def life():
        sandbox = await backend["start_sandbox"]("logged", "reader")
        assert len(sandbox.guest.mounts()) == 3
        keys = sandbox.guest.root / "run/keys"
        assert list(keys.iterdir()) == [] and stat.S_IMODE(keys.stat().st_mode) == 0o700
        await backend["stop_sandbox"](sandbox)
        monkeypatch.setenv("S3_ACCESS_SECRET", server.secret[::-1])
        with pytest.raises(RuntimeError, match="the secret key does not belong to this key id .exit code 4; .+"):
            await backend["start_sandbox"]("logged", "reader")
    asyncio.run(life())
    assert logged(platform, server) == []
    assert [sandbox.guest.mounts() for sandbox in platform.made] == [[], []]


def test_variables_of_a_command_are_logged(platform, server):
    """What the stand-in is for: the way that the snippets went before."""
    async def life():
        sandbox = await envd.module(platform).AsyncSandbox.create(envs={"THREAD_ID": "logged", "USER_ID": "reader"})
        await sandbox.commands.run("s3mounts up --json", user="root", envs=server.environment())
        await sandbox.commands.run("s3mounts down", user="root")
    asyncio.run(life())
    assert logged(platform, server) == secrets(server)


def test_javascript_snippet_leaves_no_key_in_the_log(platform, server, tmp_path):
    package = tmp_path / "app" / "node_modules" / "e2b"
    package.mkdir(parents=True)
    shutil.copy(SUPPORT / "e2b.mjs", package / "index.mjs")
    (package / "package.json").write_text('{"name": "e2b", "main": "index.mjs"}')
    shutil.copy(TEMPLATES / "e2b" / "sandbox.mjs", tmp_path / "app")
    (tmp_path / "app" / "life.mjs").write_text("""
        import { startSandbox, stopSandbox } from './sandbox.mjs'
        await stopSandbox(await startSandbox('logged', 'reader'))
        delete process.env.S3_ACCESS_SECRET
        await startSandbox('logged', 'reader').catch((failure) => console.log(failure.message))
    """)

    async def life():
        async with await envd.serve(platform, tmp_path / "socket"):
            child = await asyncio.create_subprocess_exec(
                "node", str(tmp_path / "app" / "life.mjs"), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                env={"PATH": os.environ["PATH"], "E2B_STAND_IN": str(tmp_path / "socket"), **server.environment()})
            out, _ = await asyncio.wait_for(child.communicate(), 60)
            return child.returncode, out.decode()
    assert asyncio.run(life()) == (0, "S3_ACCESS_SECRET is not set\n")
    assert logged(platform, server) == [] and len(platform.made) == 1


# A snippet that fails leaves no sandbox behind


def backend_of(platform, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "e2b", envd.module(platform))
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(TEMPLATES / "e2b" / "sandbox.py")["start_sandbox"]


def test_a_variable_that_is_not_set_starts_no_sandbox(platform, server, monkeypatch):
    start = backend_of(platform, server, monkeypatch)
    monkeypatch.delenv("S3_ACCESS_SECRET")
    with pytest.raises(KeyError, match="S3_ACCESS_SECRET"):
        asyncio.run(start("t", "u"))
    assert platform.made == []


class Scripted(envd.Commands):
    """`up` ends as the test says."""

    outcome = None

    async def run(self, cmd, **more):
        if "s3mounts up" not in cmd:
            return await super().run(cmd, **more)
        raise self.outcome


FAILURES = {
    "garbage before": ('motd\n{"error": {"message": "no", "hint": "do"}}\n', "", re.escape("no (exit code 6; do)")),
    "garbage alone": ("motd\n", "bash: s3mounts: not found", "not found .exit code 6; is s3mounts there"),
    "no error": ('{"error": null}\n', "odd", "odd .exit code 6"),
    "no object": ("[1]\n", "odd", "odd .exit code 6"),
    "nothing": ("", "", "no answer .exit code 6"),
}


@pytest.mark.parametrize("failure", [*FAILURES, "time-out", "cancelled"])
def test_a_failure_leaves_no_sandbox(platform, server, monkeypatch, failure):
    start = backend_of(platform, server, monkeypatch)
    monkeypatch.setattr(envd, "Commands", Scripted)
    kind, match = {"time-out": (envd.TimeoutException, "late"), "cancelled": (asyncio.CancelledError, None)}.get(
        failure, (RuntimeError, FAILURES[failure][2] if failure in FAILURES else None))
    Scripted.outcome = (envd.CommandExitException(envd.CommandResult(6, *FAILURES[failure][:2])) if failure in FAILURES
                        else kind("late"))
    with pytest.raises(kind, match=match):
        asyncio.run(start("t", "u"))
    sandbox, = platform.made
    assert sandbox.guest.child.poll() is not None, "it runs on"
