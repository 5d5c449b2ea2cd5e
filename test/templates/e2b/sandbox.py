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
    """Raises CommandExitException with exit code 7 where files are not in S3 yet: nothing is dropped, the sandbox lives on."""
    await sandbox.commands.run("s3mounts down", user="root")
    await sandbox.kill()
