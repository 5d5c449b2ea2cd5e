// A backend's part: a sandbox with its S3 directories, or an error that tells the cause.

import { CommandExitError, Sandbox } from 'e2b'

const S3 = ['S3_ENDPOINT_URL', 'S3_ACCESS_KEY_ID', 'S3_ACCESS_SECRET', 'S3_BUCKET_NAME']

export async function startSandbox(threadId, userId) {
  const sandbox = await Sandbox.create('agent', { envs: { THREAD_ID: threadId, USER_ID: userId }, timeoutMs: 3_600_000 })
  try {
    const envs = Object.fromEntries(S3.map((name) => [name, process.env[name]]))
    await sandbox.commands.run('s3mounts up --json', { user: 'root', envs })
  } catch (failure) {
    if (!(failure instanceof CommandExitError)) throw failure
    const error = JSON.parse(failure.stdout || '{}').error ?? { message: failure.stderr, hint: 'is s3mounts there?' }
    await sandbox.kill()
    throw new Error(`${error.message} (exit code ${failure.exitCode}; ${error.hint})`, { cause: failure })
  }
  return sandbox
}

// Throws CommandExitError with exit code 7 where files are not in S3 yet: nothing is dropped, the sandbox lives on.
export async function stopSandbox(sandbox) {
  await sandbox.commands.run('s3mounts down', { user: 'root' })
  await sandbox.kill()
}
