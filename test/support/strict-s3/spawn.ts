import {execFile, spawn, type ChildProcess} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {CONTROL_PREFIX, type ControlMessages} from './control.js'
import type {FaultRule} from './faults.js'
import type {Operation} from './operations.js'
import type {StrictS3, StrictS3Options} from './options.js'
import type {LoggedRequest, RequestStats} from './request-log.js'

/** A strict server in a process of its own, so that its work is not counted as the client's. */
export interface SpawnedStrictS3 extends Pick<
  StrictS3,
  | 'endpoint'
  | 'virtualEndpoint'
  | 'port'
  | 'bucket'
  | 'buckets'
  | 'region'
  | 'accessKeyId'
  | 'secretAccessKey'
  | 'close'
> {
  readonly pid: number
  stats(): Promise<RequestStats>
  log(): Promise<LoggedRequest[]>
  resetLog(): Promise<void>
  memory(): Promise<NodeJS.MemoryUsage>
  set(settings: ControlMessages['settings']): Promise<void>
  addFault(rule: FaultRule & {readonly when?: Exclude<FaultRule['when'], (...args: never) => unknown>}): Promise<void>
  deny(operation: Operation, keyPrefix?: string, accessKeyId?: string): Promise<void>
  clearFaults(): Promise<void>
}

/** Options travel as JSON: no `now`. */
export async function spawnStrictS3(options: Omit<StrictS3Options, 'now'> = {}): Promise<SpawnedStrictS3> {
  const child = spawn(process.execPath, [await compiledMain(), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const facts = await firstLine(child)
  const {endpoint} = facts
  const send = async (method: string, path: string, message?: unknown): Promise<unknown> => {
    const response = await fetch(endpoint + CONTROL_PREFIX + path, {
      method,
      ...(message === undefined ? {} : {body: JSON.stringify(message)}),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    ...facts,
    stats: async () => (await send('GET', 'stats')) as RequestStats,
    log: async () => (await send('GET', 'log')) as LoggedRequest[],
    resetLog: async () => void (await send('POST', 'reset')),
    memory: async () => (await send('GET', 'memory')) as NodeJS.MemoryUsage,
    set: async (settings) => void (await send('POST', 'settings', settings)),
    addFault: async (rule) => void (await send('POST', 'faults', rule)),
    deny: async (operation, keyPrefix, accessKeyId) =>
      void (await send('POST', 'deny', {operation, keyPrefix, accessKeyId})),
    clearFaults: async () => void (await send('DELETE', 'faults')),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.stdin?.end()
      await exited
    },
  }
}

async function firstLine(child: ChildProcess): Promise<Omit<SpawnedStrictS3, 'close'>> {
  const lines = createInterface({input: child.stdout!})
  const failed = once(child, 'exit').then(([code]: unknown[]) => {
    throw new Error(`the strict S3 server ended with code ${String(code)} before it listened`)
  })
  const line = once(lines, 'line') as Promise<[string]>
  const [text] = await Promise.race([line, failed])
  failed.catch(() => {})
  return JSON.parse(text) as Omit<SpawnedStrictS3, 'close'>
}

/**
 * Node 20 runs no TypeScript, so the server's sources are compiled once, into `.cache/strict-s3/<digest of the sources>`.
 * Several processes may do so at a time: each compiles aside, and the first rename wins.
 */
async function compiledMain(): Promise<string> {
  const source = dirname(fileURLToPath(import.meta.url))
  const files = (await readdir(source)).filter((name) => name.endsWith('.ts')).toSorted()
  const digest = createHash('sha256')
  for (const name of files) digest.update(name).update(await readFile(join(source, name)))
  const cache = join(source, '../../../.cache/strict-s3')
  const target = join(cache, digest.digest('hex').slice(0, 16))
  const main = join(target, 'main.js')
  if (await exists(main)) return main
  await mkdir(cache, {recursive: true})
  const aside = await mkdtemp(join(cache, 'compile-'))
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const settings = ['--module', 'nodenext', '--target', 'es2023', '--noCheck', '--ignoreConfig', '--types', 'node']
  await promisify(execFile)(
    process.execPath,
    [join(typescript, 'bin/tsc'), join(source, 'main.ts'), ...settings, '--rootDir', source, '--outDir', aside],
    {cwd: join(source, '../../..')},
  )
  await writeFile(join(aside, 'package.json'), '{"type":"module"}\n')
  await rename(aside, target).catch(async (error: unknown) => {
    await rm(aside, {recursive: true, force: true})
    if (!(await exists(main))) throw error
  })
  return main
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
