"""
test_readme.py - the Python snippet of README.md, taken out of the page and run as it stands. The package e2b is a stand-in (envd.py) that
waits for end-of-file and kills at 60 s as the real one does; the S3 server is real.
"""

import ast
import asyncio
import inspect
import os
import pathlib
import re
import sys
import time

import pytest

from support import envd, proc

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def snippet():
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    found = [block for block in blocks if "s3mounts up --json" in block]
    assert len(found) == 1, "README.md has no python block, or more than one, with `s3mounts up --json`"
    return found[0]


@pytest.fixture
def e2b(binary, server, tmp_path, monkeypatch):
    """The stand-in as the module e2b, and the variables of a backend that knows its S3 keys."""
    platform = envd.Platform(binary, tmp_path)
    module = envd.module(platform)
    monkeypatch.setitem(sys.modules, "e2b", module)
    for name, value in {**server.environment(), "THREAD_ID": "readme", "USER_ID": "reader"}.items():
        monkeypatch.setenv(name, value)
    yield module
    platform.close()


async def run(source):
    """Runs SOURCE, which may await at its top; where it only defines functions, calls the last one, its parameters by their names."""
    scope = {"__name__": "readme", "os": os, "thread_id": "readme", "user_id": "reader"}
    code = compile(source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, scope)  # noqa: S307 - our own page
    if inspect.isawaitable(result):
        await result
    made = [value for value in scope.values() if inspect.iscoroutinefunction(value)]
    if made and not scope["AsyncSandbox"].made:
        given = {"thread_id": "readme", "user_id": "reader"}
        result = await made[-1](**{name: given[name] for name in inspect.signature(made[-1]).parameters if name in given})
    return scope


def test_the_snippet_mounts(e2b, server):
    asyncio.run(run(snippet()))
    sandbox, = e2b.AsyncSandbox.made
    mounts = {target for target, _, _ in sandbox.guest.mounts()}
    if sandbox.guest.child.poll() is None:
        assert len(mounts) == 3 and any(target.endswith("/skills/system") for target in mounts)


def test_the_snippet_tells_a_wrong_secret(e2b, monkeypatch):
    """Its except branch reads the JSON that the exception carries: whatever it then raises or prints names the cause."""
    monkeypatch.setenv("S3_ACCESS_SECRET", "wrong-wrong-wrong-wrong")
    said = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
    try:
        asyncio.run(run(snippet()))
    except Exception as failure:  # noqa: B902 - any that the page chooses
        said.append(str(failure))
    assert re.search("secret", " ".join(said)) and "wrong-wrong-wrong-wrong" not in " ".join(said)
    assert [s.guest.mounts() for s in e2b.AsyncSandbox.made] == [[]]


def test_commands_run_returns_while_the_drivers_run_on(e2b, server):
    """What the stand-in is for: `nohup … &` hangs such a call for 60 s; `up` must not."""
    async def scenario():
        sandbox = await e2b.AsyncSandbox.create(template="t", envs={**server.environment(), "THREAD_ID": "envd", "USER_ID": "envd"})
        begin = time.monotonic()
        result = await sandbox.commands.run("s3mounts up --json", user="root", timeout=20)
        seconds = time.monotonic() - begin
        assert result.exit_code == 0 and seconds < 5
        assert len(sandbox.guest.mounts()) == 3 and len(sandbox.guest.processes()) >= 4
        (sandbox.guest.root / "mnt/r2/threads/envd/file").write_text("kept")
        await sandbox.commands.run("s3mounts down", user="root")
        assert sandbox.guest.mounts() == []
        proc.wait_for(lambda: not sandbox.guest.processes(), 2, "the end of the supervisor")
    asyncio.run(scenario())
    assert server.client().get_object(Bucket=server.bucket, Key="threads/envd/file")["Body"].read() == b"kept"


def test_variables_of_the_call_alone(e2b, server):
    """Keys given to one command: the next one has none, and needs none."""
    async def scenario():
        sandbox = await e2b.AsyncSandbox.create(envs={"THREAD_ID": "call", "USER_ID": "call"})
        with pytest.raises(e2b.CommandExitException) as failure:
            await sandbox.commands.run("s3mounts up --json", user="root")
        assert failure.value.exit_code == 3
        await sandbox.commands.run("s3mounts up --json", user="root", envs=server.environment())
        await sandbox.commands.run("s3mounts status", user="root")
        await sandbox.commands.run("s3mounts down", user="root")
    asyncio.run(scenario())


def test_the_stand_in_hangs_where_the_real_one_does(e2b):
    async def scenario():
        sandbox = await e2b.AsyncSandbox.create()
        with pytest.raises(e2b.TimeoutException):
            await sandbox.commands.run("sleep 30 & echo started", user="root", timeout=1)
    asyncio.run(scenario())
