"""A backend's part: a sandbox with its S3 directories, or an error that tells the cause."""

import json
import os

from e2b import AsyncSandbox, CommandExitException

S3 = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_BUCKET_NAME")


async def start_sandbox(thread_id, user_id):
    sandbox = await AsyncSandbox.create(
        template="agent", envs={"THREAD_ID": thread_id, "USER_ID": user_id}, timeout=3600)
    try:
        await sandbox.commands.run("s3mounts up --json", user="root", envs={name: os.environ[name] for name in S3})
    except CommandExitException as failure:
        error = json.loads(failure.stdout or "{}").get("error") or {"message": failure.stderr, "hint": "is s3mounts there?"}
        await sandbox.kill()
        raise RuntimeError(f"{error['message']} (exit code {failure.exit_code}; {error['hint']})") from failure
    return sandbox


async def stop_sandbox(sandbox):
    """Raises CommandExitException with exit code 7 where files are not in S3 yet: nothing is dropped, the sandbox lives on."""
    await sandbox.commands.run("s3mounts down", user="root")
    await sandbox.kill()
