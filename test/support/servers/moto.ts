import {launch, type IndependentServer, type Unavailable} from './independent-server.js'

/**
 * moto 5.2.5: an emulator of AWS, in Python. Answers conditions as S3 does, and decides races with one winner but for a rare few;
 * takes wrong checksums and every secret, and ignores the conditions on the source of UploadPartCopy.
 */
export function startMoto(): Promise<IndependentServer | Unavailable> {
  return launch({
    name: 'moto',
    program: 'moto/bin/python3',
    accessKeyId: 'motoaccesskey',
    secretAccessKey: 'moto-secret',
    arguments: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
  })
}
