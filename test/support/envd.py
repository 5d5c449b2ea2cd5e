"""
envd.py - stands in for E2B's SDK (package e2b) and the daemon behind its `commands.run`, in a guest of this machine.

As the real one: a login shell runs the command; sandbox variables and the call's own reach only that command; the call waits for
end-of-file on stdout AND stderr; after TIMEOUT seconds (60) it kills the direct child alone and raises; an exit code other than 0
raises CommandExitException.
"""

import asyncio
import types

from support.guest import Guest


class TimeoutException(Exception):
    """The command did not end in time, or something kept its stdout or stderr open."""


class CommandResult:
    def __init__(self, exit_code, stdout, stderr):
        self.exit_code, self.stdout, self.stderr, self.error = exit_code, stdout, stderr, None


class CommandExitException(Exception):
    def __init__(self, result):
        super().__init__(f"Command exited with code {result.exit_code} and error:\n{result.stderr}")
        self.exit_code, self.stdout, self.stderr, self.error = result.exit_code, result.stdout, result.stderr, None


class Commands:
    def __init__(self, guest, envs):
        self._guest, self._envs = guest, envs

    async def run(self, cmd, background=None, envs=None, user="user", cwd=None, timeout=60, **_):
        assert user == "root", "this stand-in has only root"
        home = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root",
                "LOGNAME": "root", "E2B_SANDBOX": "true"}
        child = await asyncio.create_subprocess_exec(
            *self._guest.enter(["/bin/bash", "-l", "-c", cmd]), env={**home, **self._envs, **(envs or {})}, cwd=cwd or "/",
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


def module(binary, folder):
    """A module to be put into sys.modules as "e2b". Its sandboxes run BINARY; `made` lists them, so that they can be stopped."""
    e2b = types.ModuleType("e2b")

    class AsyncSandbox:
        made = []

        def __init__(self, envs):
            self.guest = Guest(binary, f"{folder}/guest{len(self.made)}")
            self.commands = Commands(self.guest, envs)
            self.made.append(self)

        @classmethod
        async def create(cls, template=None, timeout=None, envs=None, **_):
            return cls(envs or {})

        async def kill(self):
            self.guest.stop()
            return True

        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            await self.kill()

    e2b.AsyncSandbox, e2b.CommandExitException, e2b.TimeoutException = AsyncSandbox, CommandExitException, TimeoutException
    e2b.CommandResult = CommandResult
    return e2b
