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

export async function startSandbox(threadId, userId) {
  const variables = S3.map(variable).join('') // one that is missing is told before anything runs
  const sandbox = await Sandbox.create('agent', { envs: { THREAD_ID: threadId, USER_ID: userId }, timeoutMs: 3_600_000 })
  try {
    // Not by `envs`: the sandbox's daemon logs the variables of a command. What is written into a file it does not log.
    await sandbox.commands.run(`install -d -m 700 ${FOLDER} && install -m 600 /dev/null ${FILE}`, { user: 'root' })
    await sandbox.files.write(FILE, variables, { user: 'root' })
    await sandbox.commands.run(`s3mounts up --json --env-file ${FILE} --env-file-remove`, { user: 'root' })
  } catch (failure) {
    await sandbox.kill()
    throw failure instanceof CommandExitError ? new Error(cause(failure), { cause: failure }) : failure
  }
  return sandbox
}

// Throws CommandExitError with exit code 7 where files are not in S3 yet: nothing is dropped, the sandbox lives on.
export async function stopSandbox(sandbox) {
  await sandbox.commands.run('s3mounts down', { user: 'root' })
  await sandbox.kill()
}
