// Stands in for E2B's JavaScript SDK (package e2b): each call goes to envd.py's platform behind the Unix socket E2B_STAND_IN,
// a line of JSON each way.

import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'

const socket = net.connect(process.env.E2B_STAND_IN)
const lines = readline.createInterface({ input: socket })[Symbol.asyncIterator]()
socket.unref()

async function ask(kind, values) {
  socket.ref()
  socket.write(JSON.stringify([kind, values]) + '\n')
  const { value } = await lines.next()
  socket.unref()
  return JSON.parse(value)
}

class TemplateBase {
  copies = []
  commands = null

  fromBaseImage() {
    return this
  }

  copy(source, target, { user, mode }) {
    this.copies.push([source, target, user, mode])
    return this
  }

  setStartCmd(start, ready) {
    this.commands = [start, ready]
    return this
  }
}

export const Template = () => new TemplateBase()
Template.build = (template, name) =>
  ask('build', { name, folder: path.dirname(process.argv[1]), copies: template.copies, commands: template.commands })
export const defaultBuildLogger = () => () => {}

export class CommandExitError extends Error {
  constructor(result) {
    super(`exit status ${result.exitCode}`)
    Object.assign(this, result)
  }
}

export class Sandbox {
  static async create(template, { envs }) {
    const sandbox = new Sandbox()
    sandbox.number = await ask('create', { template, envs })
    return sandbox
  }

  commands = {
    run: async (cmd, { user = 'user', envs = {} } = {}) => {
      const result = await ask('run', { number: this.number, cmd, user, envs })
      if (result.exitCode !== 0) throw new CommandExitError(result)
      return result
    }
  }

  files = {
    write: (path, data, { user = 'user' } = {}) => ask('write', { number: this.number, path, data, user })
  }

  kill() {
    return ask('kill', { number: this.number })
  }
}
