"""
envd.py - stands in for E2B: its Python SDK (package e2b; e2b.mjs is the JavaScript one), and the platform behind both, whose
templates and sandboxes are guests of this machine.

As the real one: a login shell runs a command as the user `user`, who may sudo, or as root; sandbox variables and the call's
own reach only that command; the call waits for end-of-file on stdout AND stderr; after TIMEOUT seconds (60) it kills the direct
child alone and raises; an exit code other than 0 raises CommandExitException. Each command is logged with the call's variables, as
they are (envd.log), a file that is written by its path alone; where it is new its mode is 0644. A template's start command is started when that
is built, without any of these variables; it is built when the ready command exits 0, and a sandbox then has that process in it.
(The first sandbox of a template is the guest that was built, for want of a clone.)
"""

import asyncio
import errno
import json
import os
import pathlib
import shutil
import sys
import types

from support import proc
from support.guest import Guest

HOMES = {"root": "/root", "user": "/tmp"}
IDS = {"root": 0, "user": 1000}
METADATA = "user.e2b."
ACCOUNTS = r"""
set -e
mkdir /run/etc
printf '%s\n' root:x:0:0::/root:/bin/bash user:x:1000:1000::/tmp:/bin/bash > /run/etc/passwd
printf '%s\n' root:x:0: user:x:1000: > /run/etc/group
printf '%s\n' 'root:*:19000:0:99999:7:::' 'user:*:19000:0:99999:7:::' > /run/etc/shadow
printf '%s\n' 'Defaults env_reset' 'user ALL=(ALL:ALL) NOPASSWD: ALL' > /run/etc/sudoers
chmod 440 /run/etc/sudoers
for file in passwd group shadow sudoers; do mount --bind /run/etc/$file /etc/$file; done
"""
# A base image has neither s3mounts nor rclone. /usr/bin becomes links to what was there, so that files can be copied into it.
BASE_IMAGE = r"""
set -e
mkdir /run/bin
mount --bind /usr/bin /run/bin
mount -t tmpfs -o mode=755 tmpfs /usr/bin
PATH=/run/bin
ln -s /run/bin/* /usr/bin/
rm -f /usr/bin/rclone /usr/bin/s3mounts
"""


class TimeoutException(Exception):
    """The command did not end in time, or something kept its stdout or stderr open."""


class CommandResult:
    def __init__(self, exit_code, stdout, stderr):
        self.exit_code, self.stdout, self.stderr, self.error = exit_code, stdout, stderr, None


class CommandExitException(Exception):
    def __init__(self, result):
        super().__init__(f"Command exited with code {result.exit_code} and error:\n{result.stderr}")
        self.exit_code, self.stdout, self.stderr, self.error = result.exit_code, result.stdout, result.stderr, None


def login(guest, user, cmd):
    """(argument list, variables) of a login shell of USER that runs CMD in GUEST."""
    become = [] if user == "root" else ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    return guest.enter([*become, "/bin/bash", "-l", "-c", cmd]), {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": HOMES[user], "USER": user,
        "LOGNAME": user, "E2B_SANDBOX": "true"}


class Log:
    """The daemon's, at the level debug, as its interceptor writes it: a line of JSON a request."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def write(self, method, **more):
        with self.path.open("a") as file:
            print(json.dumps({"level": "debug", "method": f"POST {method}", **more}), file=file)


class Commands:
    def __init__(self, guest, envs, log):
        self._guest, self._envs, self._log = guest, envs, log

    async def run(self, cmd, background=None, envs=None, user="user", cwd=None, timeout=60, **_):
        self._log.write("/process.Process/Start", request={"process": {
            "cmd": "/bin/bash", "args": ["-l", "-c", cmd], "envs": envs or {}, "cwd": cwd}})
        argv, home = login(self._guest, user, cmd)
        child = await asyncio.create_subprocess_exec(
            *argv, env={**home, **self._envs, **(envs or {})}, cwd=cwd or "/",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        try:
            out, err, _ = await asyncio.wait_for(
                asyncio.gather(child.stdout.read(), child.stderr.read(), child.wait()), timeout or None)
        except asyncio.TimeoutError:
            if child.returncode is None:
                child.kill()
            child._transport.close()  # else asyncio complains when the loop has gone
            raise TimeoutException(f"{cmd}: no end-of-file after {timeout} s") from None
        result = CommandResult(child.returncode, out.decode(), err.decode())
        if result.exit_code != 0:
            raise CommandExitException(result)
        return result


def write_metadata(place, metadata):
    """As `user.e2b.…`, in place of what was there. A file system without extended attributes is none the worse for it; any other error is one."""
    try:
        for name in os.listxattr(place):
            if name.startswith(METADATA):
                os.removexattr(place, name)
        for name, value in metadata.items():
            os.setxattr(place, METADATA + name, value.encode())
    except OSError as failure:
        if failure.errno != errno.ENOTSUP:
            raise


def write_file(place, data, owner, metadata=None):
    """As envd writes a file that is uploaded to it: the calls, in their order."""
    for folder in reversed(place.parents):
        if not folder.exists():
            folder.mkdir(0o755)
            os.chown(folder, owner, owner)
    known = place.exists()
    if known:
        os.chown(place, owner, owner)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "wb", buffering=0) as file:
        if not known:
            os.chown(place, owner, owner)
        file.write(data)
        write_metadata(place, metadata or {})


def compose_file(parts, place, owner):
    """As envd makes one file of PARTS: beside it, then in its place by rename(2)."""
    beside = place.with_name(f"{place.name}.e2b-compose.1.tmp")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "wb", buffering=0) as file:
        os.chown(beside, owner, owner)
        for part in parts:
            file.write(part.read_bytes())
    os.rename(beside, place)
    for part in parts:
        part.unlink()


class Files:
    def __init__(self, guest, log):
        self._guest, self._log = guest, log

    async def write(self, path, data, user="user", **_):
        """Folders that are missing are the user's, a file that is there keeps its mode and becomes the user's."""
        self._log.write("/files", path=path, username=user)
        write_file(self._guest.root / path[1:], data.encode() if isinstance(data, str) else data, IDS[user])


class Platform:
    """`log` is what its daemons have logged; `made` lists the sandboxes; close() ends them, and the templates of which there is none."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.guests, self.templates, self.starters, self.made = [], {}, [], []
        self.log = Log(self.folder / "envd.log")

    def _guest(self, *scripts):
        guest = Guest(self.binary, self.folder / f"guest{len(self.guests)}")
        self.guests.append(guest)
        for script in scripts:
            proc.run(guest.enter(["sh", "-c", script]))
        return guest

    def build(self, name, folder, copies, commands):
        """Copies [(source in FOLDER, target, owner, mode)], and runs (start command, ready command) unless that is None."""
        guest = self._guest(ACCOUNTS, BASE_IMAGE)
        for source, target, owner, mode in copies:
            place = guest.root / target[1:]
            shutil.copyfile(pathlib.Path(folder) / source, place)
            place.chmod(mode)
            if owner != "root":
                shutil.chown(place, 1000, 1000)
        if commands:
            (start, env), (ready, _) = (login(guest, "user", cmd) for cmd in commands)
            self.starters.append(proc.spawn(start, env=env, log=self.folder / f"{name}.log"))
            proc.wait_for(lambda: proc.run(ready, env=env, check=False).returncode == 0, 30, f"ready: {commands}", every=0.2)
        self.templates[name] = guest

    def create(self, template):
        """The guest of TEMPLATE; where that was not built, one that has s3mounts and rclone all the same."""
        return self.templates.pop(template, None) or self._guest(ACCOUNTS)

    def close(self):
        for guest in self.guests:
            guest.stop()
        for starter in self.starters:
            proc.stop(starter)


def module(platform):
    """A module to be put into sys.modules as "e2b"."""
    e2b = types.ModuleType("e2b")

    class Template:
        def __init__(self):
            self._folder = pathlib.Path(sys._getframe(1).f_code.co_filename).parent  # the sources are beside the caller's file
            self._copies, self._commands = [], None

        def from_base_image(self):
            return self

        def copy(self, src, dest, user=None, mode=None):
            self._copies.append((src, dest, user, mode))
            return self

        def set_start_cmd(self, start_cmd, ready_cmd):
            self._commands = start_cmd, ready_cmd
            return self

        @staticmethod
        def build(template, name, cpu_count=2, memory_mb=1024, on_build_logs=None):
            platform.build(name, template._folder, template._copies, template._commands)

    class AsyncSandbox:
        made = platform.made

        def __init__(self, template, envs):
            self.guest = platform.create(template)
            platform.log.write("/init", keys=sorted(envs))  # their names alone
            self.commands = Commands(self.guest, envs, platform.log)
            self.files = Files(self.guest, platform.log)
            self.made.append(self)

        @classmethod
        async def create(cls, template=None, timeout=None, envs=None, **_):
            return cls(template, envs or {})

        async def kill(self):
            self.guest.stop()
            return True

        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            await self.kill()

    e2b.Template, e2b.default_build_logger = Template, lambda: print
    e2b.AsyncSandbox, e2b.CommandExitException, e2b.TimeoutException = AsyncSandbox, CommandExitException, TimeoutException
    e2b.CommandResult = CommandResult
    return e2b


async def serve(platform, path):
    """Answers e2b.mjs at the Unix socket PATH; gives the asyncio server."""
    sandboxes = module(platform).AsyncSandbox

    async def answer(kind, values):
        if kind == "build":
            return platform.build(**values)
        if kind == "create":
            await sandboxes.create(**values)
            return len(platform.made) - 1
        sandbox = platform.made[values.pop("number")]
        if kind == "kill":
            return await sandbox.kill()
        if kind == "write":
            return await sandbox.files.write(**values)
        try:
            result = await sandbox.commands.run(**values)
        except CommandExitException as failure:
            result = failure
        return {"exitCode": result.exit_code, "stdout": result.stdout, "stderr": result.stderr}

    async def talk(reader, writer):
        try:
            async for line in reader:
                writer.write(json.dumps(await answer(*json.loads(line))).encode() + b"\n")
        finally:
            writer.close()  # a failure of ours ends the caller too

    return await asyncio.start_unix_server(talk, path)
