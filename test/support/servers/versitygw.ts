import {launch, type IndependentServer, type Unavailable} from './independent-server.js'

/** versitygw 1.8.0: a gateway to a file system, in Go. Checks signatures, checksums and conditions. */
export function startVersitygw(): Promise<IndependentServer | Unavailable> {
  const accessKeyId = 'versityaccesskey'
  const secretAccessKey = 'versity-secret'
  return launch({
    name: 'versitygw',
    program: 'bin/versitygw',
    accessKeyId,
    secretAccessKey,
    arguments: (port, directory) => [
      '--port',
      `127.0.0.1:${port}`,
      '--access',
      accessKeyId,
      '--secret',
      secretAccessKey,
      '--region',
      'us-east-1',
      'posix',
      directory,
    ],
  })
}
