"""
test_backend.py - the backend's part of the E2B templates (test/templates/e2b/sandbox.*), each path that fails: it leaves no sandbox behind, tells the
cause, and ends none whose files are not in S3. The platform is scripted here: what each call answers. test_templates.py has the real s3mounts.
"""

import asyncio
import json
import os
import pathlib
import runpy
import shutil
import sys
import types

import pytest

from support import proc

TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / "templates/e2b"
VARIABLES = {"S3_ENDPOINT_URL": "https://s3.test", "S3_ACCESS_KEY_ID": "AKID", "S3_ACCESS_SECRET": "secret", "S3_BUCKET_NAME": "bucket"}
TOLD = json.dumps({"command": "up", "ok": False, "code": 4, "error": {"code": 4, "message": "S3 refuses", "hint": "compare"}}) + "\n"
LATE, CANCELLED = "late", "cancelled"  # of the SDK

# name: (what fails, by the beginning of its command or "write": an exit code and stdout, or an exception; what is said; is the sandbox killed?)
START = {
    "all is well": ({}, None, False),
    "refused": ({"s3mounts up": (4, TOLD)}, "S3 refuses (exit code 4; compare)", True),
    "refused, behind what the shell prints": ({"s3mounts up": (4, "Welcome\n{}\n" + TOLD)}, "S3 refuses (exit code 4; compare)", True),
    "garbage alone": ({"s3mounts up": (127, "Welcome\n")}, "Welcome\n (exit code 127; is s3mounts there?)", True),
    "no words": ({"s3mounts up": (127, "")}, "no answer (exit code 127; is s3mounts there?)", True),
    "json that is none of ours": ({"s3mounts up": (1, "[1]\n")}, "[1]\n (exit code 1; is s3mounts there?)", True),
    "json without an error": ({"s3mounts up": (1, '{"error": null}\n')}, '{"error": null}\n (exit code 1; is s3mounts there?)', True),
    "no folder": ({"install": (1, "")}, "no answer (exit code 1; is s3mounts there?)", True),
    "the file is not written": ({"write": LATE}, LATE, True),
    "time-out": ({"s3mounts up": LATE}, LATE, True),
    "time-out of the first command": ({"install": LATE}, LATE, True),
    "cancelled": ({"s3mounts up": CANCELLED}, CANCELLED, True),
}
# by stop_sandbox(): what fails; what is said; is the sandbox killed?
STOP = {
    "all is well": ({}, None, True),
    "files wait": ({"s3mounts down": (7, TOLD)}, "S3 refuses (exit code 7; compare)", False),
    "busy, and nothing waits": ({"s3mounts down": (6, TOLD)}, None, True),
    "some are busy, and nothing waits": ({"s3mounts down": (1, TOLD)}, None, True),
    "busy, and files wait": ({"s3mounts down": (6, TOLD), "s3mounts flush": (7, TOLD)}, "S3 refuses (exit code 7; compare)", False),
    "unknown": ({"s3mounts down": (8, TOLD), "s3mounts flush": (8, TOLD)}, "S3 refuses (exit code 8; compare)", False),
    "time-out": ({"s3mounts down": LATE}, LATE, False),
    "time-out of the flush": ({"s3mounts down": (6, TOLD), "s3mounts flush": LATE}, LATE, False),
}
BOTH = [(kind, name) for kind, cases in (("start", START), ("stop", STOP)) for name in cases]


class Failed(Exception):
    def __init__(self, exit_code, stdout):
        super().__init__(f"exit code {exit_code}")
        self.exit_code, self.stdout, self.stderr = exit_code, stdout, ""


class Late(Exception):
    pass


def scripted(answers):
    """(a module e2b whose calls answer as ANSWERS tell, the list of what was asked)"""
    asked = []

    def answer(what):
        asked.append(what)
        for begin, how in answers.items():
            if not what.startswith(begin):
                continue
            raise Late(LATE) if how == LATE else asyncio.CancelledError(CANCELLED) if how == CANCELLED else Failed(*how)

    class AsyncSandbox:
        @classmethod
        async def create(cls, **_):
            answer("create")
            one = cls()
            one.commands = one.files = one
            return one

        async def run(self, cmd, user):
            assert user == "root"
            answer(cmd)

        async def write(self, path, data, user):
            assert user == "root" and data == "".join(f"{name}='{value}'\n" for name, value in VARIABLES.items())
            answer("write")

        async def kill(self):
            answer("kill")
    e2b = types.ModuleType("e2b")
    e2b.AsyncSandbox, e2b.CommandExitException = AsyncSandbox, Failed
    return e2b, asked


def python(kind, answers, monkeypatch):
    """(what was raised, as text, or None; what was asked)"""
    e2b, asked = scripted(answers)
    monkeypatch.setitem(sys.modules, "e2b", e2b)
    backend = runpy.run_path(TEMPLATES / "sandbox.py")

    async def life():
        if kind == "start":
            await backend["start_sandbox"]("t", "u")
        else:
            await backend["stop_sandbox"](await e2b.AsyncSandbox.create())
    try:
        asyncio.run(life())
    except BaseException as failure:  # as it is caught there
        return str(failure), asked
    return None, asked


NODE = """
import { life } from 'e2b'
import { startSandbox, stopSandbox } from './sandbox.mjs'
const results = []
for (const [kind, answers] of JSON.parse(process.argv[2])) results.push(await life(kind, answers, startSandbox, stopSandbox))
console.log(JSON.stringify(results))
"""
E2B = """
export class CommandExitError extends Error {}
let asked, answers
function answer(what) {
  asked.push(what)
  for (const [begin, how] of Object.entries(answers)) {
    if (!what.startsWith(begin)) continue
    if (typeof how === 'string') throw new Error(how)
    throw Object.assign(new CommandExitError(), { exitCode: how[0], stdout: how[1], stderr: '' })
  }
}
export class Sandbox {
  static async create() { answer('create'); return new Sandbox() }
  commands = { run: async (cmd, { user }) => answer(user === 'root' ? cmd : 'not as root') }
  files = { write: async (path, data, { user }) => answer(user === 'root' && data.includes("S3_ACCESS_SECRET='secret'") ? 'write' : 'wrong') }
  async kill() { answer('kill') }
}
export async function life(kind, how, startSandbox, stopSandbox) {
  [asked, answers] = [[], how]
  try {
    await (kind === 'start' ? startSandbox('t', 'u') : stopSandbox(await Sandbox.create()))
  } catch (failure) {
    return [failure.message, asked]
  }
  return [null, asked]
}
"""


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """What became of all of them, in one run: {(kind, name): as python() gives it}."""
    folder = tmp_path_factory.mktemp("backend")
    package = folder / "node_modules/e2b"
    package.mkdir(parents=True)
    shutil.copy(TEMPLATES / "sandbox.mjs", folder)
    (package / "index.mjs").write_text(E2B)
    (package / "package.json").write_text('{"name": "e2b", "main": "index.mjs"}')
    (folder / "all.mjs").write_text(NODE)
    cases = [(kind, (START if kind == "start" else STOP)[name][0]) for kind, name in BOTH]
    done = proc.run(["node", folder / "all.mjs", json.dumps(cases)], env={"PATH": os.environ["PATH"], **VARIABLES})
    return dict(zip(BOTH, json.loads(done.stdout)))


@pytest.mark.parametrize("kind, name", BOTH)
def test_each_path(monkeypatch, javascript, kind, name):
    answers, words, killed = (START if kind == "start" else STOP)[name]
    for variable, value in VARIABLES.items():
        monkeypatch.setenv(variable, value)
    for said, asked in python(kind, answers, monkeypatch), javascript[kind, name]:
        assert said == words
        assert asked.count("kill") == killed and asked[0] == "create", asked
        assert not [what for what in asked if "secret" in what or "AKID" in what]
    if kind == "start" and not answers:
        assert asked[-1].startswith("s3mounts up --json")


def test_a_variable_that_is_not_set(monkeypatch):
    for variable, value in VARIABLES.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("S3_BUCKET_NAME")
    assert python("start", {}, monkeypatch) == ("'S3_BUCKET_NAME'", []), "nothing was created"
