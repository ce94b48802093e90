import {launch, type IndependentServer, type Unavailable} from './independent-server.js'

/** rclone's `serve s3`, in Go: stands for the stores that ignore conditions. */
export function startRclone(): Promise<IndependentServer | Unavailable> {
  const accessKeyId = 'rcloneaccesskey'
  const secretAccessKey = 'rclone-secret'
  return launch({
    name: 'rclone',
    program: 'rclone/bin/rclone',
    accessKeyId,
    secretAccessKey,
    arguments: (port, directory) => [
      'serve',
      's3',
      '--addr',
      `127.0.0.1:${port}`,
      '--auth-key',
      `${accessKeyId},${secretAccessKey}`,
      '--vfs-cache-mode',
      'off',
      directory,
    ],
  })
}
