// A backend's part: a sandbox with its S3 directories, or an error that tells the cause.

import { CommandExitError, Sandbox } from 'e2b'

const S3 = ['S3_ENDPOINT_URL', 'S3_ACCESS_KEY_ID', 'S3_ACCESS_SECRET', 'S3_BUCKET_NAME']
const FOLDER = '/run/keys'
const FILE = `${FOLDER}/s3.env`

function variable(name) {
  if (!process.env[name]) throw new Error(`${name} is not set`)
  return `${name}='${process.env[name]}'\n`
}

// As s3mounts tells it: its JSON is the last line, whatever a login shell has printed before that.
function cause({ stdout, stderr, exitCode }) {
  try {
    const { message, hint } = JSON.parse(stdout.trimEnd().split('\n').at(-1)).error
    return `${message} (exit code ${exitCode}; ${hint})`
  } catch {
    return `${stderr || stdout || 'no answer'} (exit code ${exitCode}; is s3mounts there?)`
  }
}

function explained(failure) {
  return failure instanceof CommandExitError ? new Error(cause(failure), { cause: failure }) : failure
}

export async function startSandbox(threadId, userId) {
  const variables = S3.map(variable).join('') // one that is missing is told before anything runs
  const sandbox = await Sandbox.create('agent', { envs: { THREAD_ID: threadId, USER_ID: userId }, timeoutMs: 3_600_000 })
  try {
    // Not by `envs`: the sandbox's daemon logs the variables of a command. What is written into a file it does not log.
    await sandbox.commands.run(`install -d -m 700 ${FOLDER} && install -m 600 /dev/null ${FILE}`, { user: 'root' })
    await sandbox.files.write(FILE, variables, { user: 'root' })
    await sandbox.commands.run(`s3mounts up --json --env-file ${FILE} --env-file-remove`, { user: 'root' })
  } catch (failure) { // a time-out, too, leaves no sandbox behind
    await sandbox.kill()
    throw explained(failure)
  }
  return sandbox
}

// Ends it once all of it is in S3. Where that is not so, or not known, it throws and the sandbox lives on: nothing is dropped.
export async function stopSandbox(sandbox) {
  try {
    await sandbox.commands.run('s3mounts down --json', { user: 'root' }).catch((failure) => {
      if (!(failure instanceof CommandExitError) || failure.exitCode === 7) throw failure // files wait
      // A mount could not go: somebody works in it, who ends with the sandbox. What counts is that nothing waits.
      return sandbox.commands.run('s3mounts flush --json', { user: 'root' })
    })
  } catch (failure) {
    throw explained(failure)
  }
  await sandbox.kill()
}
