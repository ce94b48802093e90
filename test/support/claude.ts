import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {projectKeyFor} from '../../src/transcript/project-key.js'

/** The real `claude` that the development dependency brings for this platform. */
export function claudeBinary(): string {
  const {path, reason} = findClaude()
  if (path === undefined) throw new Error(reason)
  return path
}

/** Where it is, or in one sentence why it is not there: for tests that must say why they check less. */
export function findClaude(): {path?: string; reason?: string} {
  const name = `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`
  const reason = `There is no real claude here: ${name} is not installed (npm ci installs it where there is one for the platform).`
  try {
    const require = createRequire(import.meta.url)
    // The platform package lies beside the SDK, whose exports do not show its package.json.
    const sdk = dirname(require.resolve('@anthropic-ai/claude-agent-sdk'))
    const path = join(sdk, '..', name.slice('@anthropic-ai/'.length), 'claude')
    return existsSync(path) ? {path} : {reason}
  } catch {
    return {reason}
  }
}

/** A machine of its own as far as claude can see: home, working directory, and nothing of this one's environment. */
export interface Worker {
  readonly home: string
  readonly cwd: string
  readonly configDir: string
  readonly env: Readonly<Record<string, string>>
}

export interface WorkerOptions {
  /** A directory that the test removes; home and cwd are made below it. */
  readonly root: string
  /** The model server. */
  readonly modelUrl: string
  /** Below `root`. Default `work`. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export async function newWorker({root, modelUrl, cwd = 'work', env = {}}: WorkerOptions): Promise<Worker> {
  const home = join(root, 'home')
  await mkdir(home, {recursive: true})
  await mkdir(join(root, cwd), {recursive: true})
  return {
    home,
    cwd: join(root, cwd),
    configDir: env['CLAUDE_CONFIG_DIR'] ?? join(home, '.claude'),
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: home,
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: 'loopback',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      ...env,
    },
  }
}

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningClaude {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/** Starts claude and returns at once. Its stdin is empty. */
export function startClaude(worker: Worker, args: readonly string[], {timeout = 30_000} = {}): RunningClaude {
  const options = {cwd: worker.cwd, env: worker.env, timeout, killSignal: 'SIGKILL'} as const
  const child = spawn(claudeBinary(), args, {...options, stdio: ['ignore', 'pipe', 'pipe']})
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString()}),
    )
  })
  return {child, finished}
}

/** Runs claude to its end, which has to come within `timeout` ms. Any exit code is a result. */
export async function runClaude(
  worker: Worker,
  args: readonly string[],
  options?: {timeout?: number},
): Promise<Finished> {
  return startClaude(worker, args, options).finished
}

/** The path of a session's transcript, under the key of the worker's own cwd. */
export async function transcriptOf(worker: Worker, sessionId: string): Promise<string> {
  return join(worker.configDir, 'projects', await projectKeyFor(worker.cwd), `${sessionId}.jsonl`)
}

/** A transcript's whole lines, parsed. */
export async function entriesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
