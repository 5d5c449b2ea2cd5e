// Builds the E2B template "agent". Beside this file lie s3mounts and rclone, both static.

import { Template, defaultBuildLogger } from 'e2b'

const template = Template()
  .fromBaseImage()
  .copy('s3mounts', '/usr/bin/s3mounts', { user: 'root', mode: 0o755 })
  .copy('rclone', '/usr/bin/rclone', { user: 'root', mode: 0o755 })
  // Both run as the template's user, hence sudo. Without this line `s3mounts up` starts the supervisor itself.
  .setStartCmd('sudo s3mounts start', 'sudo s3mounts ready')

await Template.build(template, 'agent', { cpuCount: 2, memoryMB: 2048, onBuildLogs: defaultBuildLogger() })
