import {spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {access, constants, mkdtemp, rm} from 'node:fs/promises'
import {createServer, type AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {CreateBucketCommand, S3Client} from '@aws-sdk/client-s3'

/** An S3 server that is not ours, on the loopback, with one empty bucket. */
export interface IndependentServer {
  readonly name: string
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly bucket: string
  /** Ends the process and removes what it stored. Idempotent. */
  close(): Promise<void>
}

/** Why a server cannot be had here; `endpoint` tells the two apart. */
export interface Unavailable {
  readonly name: string
  readonly endpoint: undefined
  readonly reason: string
}

export interface Launch {
  readonly name: string
  /** Below the tools' directory. */
  readonly program: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  arguments(port: number, directory: string): readonly string[]
}

const START_MS = 30_000
const STOP_MS = 5_000
const REGION = 'us-east-1'
const BUCKET = 'test-bucket'

const toolsDirectory = (): string =>
  process.env['REPRISE_TEST_TOOLS'] ?? fileURLToPath(new URL('../../../.cache/tools', import.meta.url))

/** Starts a server that `scripts/install-test-servers.sh` has installed. */
export async function launch(plan: Launch): Promise<IndependentServer | Unavailable> {
  const {name, accessKeyId, secretAccessKey} = plan
  const program = join(toolsDirectory(), plan.program)
  const missing = await access(program, constants.X_OK).then(
    () => false,
    () => true,
  )
  if (missing) {
    return {name, endpoint: undefined, reason: `${program} is not there; scripts/install-test-servers.sh installs it`}
  }
  const directory = await mkdtemp(join(tmpdir(), `reprise-${name}-`))
  const port = await freePort()
  const child = spawn(program, plan.arguments(port, directory), {
    cwd: directory,
    // Nothing of this machine's configuration: these programs read AWS and rclone settings of their own.
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      PYTHONNOUSERSITE: '1',
      RCLONE_CONFIG: join(directory, 'rclone.conf'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said = lastWords(child)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= stop(child).then(() => rm(directory, {recursive: true, force: true})))
  const endpoint = `http://127.0.0.1:${port}`
  try {
    await listening(child, endpoint)
    await createBucket({endpoint, accessKeyId, secretAccessKey})
  } catch (error) {
    await close()
    const message = error instanceof Error ? error.message : String(error)
    return {name, endpoint: undefined, reason: `${message}: ${said()}`}
  }
  return {name, endpoint, accessKeyId, secretAccessKey, region: REGION, bucket: BUCKET, close}
}

/** Free when it was asked for; a program that takes no port 0 leaves no better way. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const {port} = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

function lastWords(child: ChildProcess): () => string {
  let tail = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-2000)
  })
  return () => tail.trim().split('\n').at(-1) ?? ''
}

async function listening(child: ChildProcess, endpoint: string): Promise<void> {
  let failed: Error | undefined
  child.once('error', (error) => {
    failed = error
  })
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline) {
    if (failed) throw failed
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode} before it listened`)
    const answered = await fetch(endpoint).then(
      async (response) => {
        await response.arrayBuffer()
        return true
      },
      () => false,
    )
    if (answered) return
    await delay(50)
  }
  throw new Error(`did not listen within ${START_MS} ms`)
}

async function createBucket(at: {endpoint: string; accessKeyId: string; secretAccessKey: string}): Promise<void> {
  const {endpoint, ...credentials} = at
  const client = new S3Client({endpoint, region: REGION, credentials, forcePathStyle: true})
  try {
    await client.send(new CreateBucketCommand({Bucket: BUCKET}))
  } finally {
    client.destroy()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(killer)
}
