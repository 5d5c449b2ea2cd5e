"""A backend's part: a sandbox with its S3 directories, or an error that tells the cause."""

import json
import os

from e2b import AsyncSandbox, CommandExitException

S3 = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_BUCKET_NAME")
FOLDER, FILE = "/run/keys", "/run/keys/s3.env"


def cause(failure):
    """As s3mounts tells it: its JSON is the last line, whatever a login shell has printed before that."""
    try:
        error = json.loads(failure.stdout.splitlines()[-1])["error"]
        return f"{error['message']} (exit code {failure.exit_code}; {error['hint']})"
    except (ValueError, LookupError, TypeError):
        return f"{failure.stderr or failure.stdout or 'no answer'} (exit code {failure.exit_code}; is s3mounts there?)"


async def start_sandbox(thread_id, user_id):
    variables = "".join(f"{name}='{os.environ[name]}'\n" for name in S3)  # one that is missing is told before anything runs
    sandbox = await AsyncSandbox.create(
        template="agent", envs={"THREAD_ID": thread_id, "USER_ID": user_id}, timeout=3600)
    try:
        # Not by envs=: the sandbox's daemon logs the variables of a command. What is written into a file it does not log.
        await sandbox.commands.run(f"install -d -m 700 {FOLDER} && install -m 600 /dev/null {FILE}", user="root")
        await sandbox.files.write(FILE, variables, user="root")
        await sandbox.commands.run(f"s3mounts up --json --env-file {FILE} --env-file-remove", user="root")
    except BaseException as failure:  # a time-out or a cancelled task, too, leaves no sandbox behind
        await sandbox.kill()
        if isinstance(failure, CommandExitException):
            raise RuntimeError(cause(failure)) from failure
        raise
    return sandbox


async def stop_sandbox(sandbox):
    """Ends it once all of it is in S3. Where that is not so, or not known, it raises and the sandbox lives on: nothing is dropped."""
    try:
        try:
            await sandbox.commands.run("s3mounts down --json", user="root")
        except CommandExitException as failure:
            if failure.exit_code == 7:  # files wait
                raise
            # A mount could not go: somebody works in it, who ends with the sandbox. What counts is that nothing waits.
            await sandbox.commands.run("s3mounts flush --json", user="root")
    except CommandExitException as failure:
        raise RuntimeError(cause(failure)) from failure
    await sandbox.kill()
