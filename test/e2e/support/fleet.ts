import {randomUUID} from 'node:crypto'
import {spawn} from 'node:child_process'
import {mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, relative, sep} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {findClaude, newWorker, transcriptOf, type Finished, type Worker} from '../../support/claude.js'
import {startModelServer, type ModelServer} from '../../support/model-server.js'
import {loadReference} from '../../support/reference-adapter.js'
import {openPlace, type Place, type PlaceName, textOf} from './places.js'

const PROGRAM = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))
const PRELOAD = fileURLToPath(new URL('hostname.cjs', import.meta.url))

/** Why there is no real claude here; undefined when there is one. */
export const noClaude = findClaude().reason

export interface FleetOptions {
  /** Default `file`. */
  readonly place?: PlaceName
  /** The claude of every worker. Default: the one that the development dependency brings. */
  readonly claude?: string
}

/** Machines of their own, each with a home, a cwd and a model that it alone asks, and one store for all. */
export class Fleet implements AsyncDisposable {
  readonly root: string
  readonly place: Place
  readonly #claude: string
  readonly #workers: FleetWorker[] = []

  private constructor(root: string, place: Place, claude: string) {
    this.root = root
    this.place = place
    this.#claude = claude
  }

  static async start({place = 'file', claude = findClaude().path}: FleetOptions = {}): Promise<Fleet> {
    if (claude === undefined) throw new Error(noClaude)
    const root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-e2e-')))
    return new Fleet(root, await openPlace(place, root), claude)
  }

  /**
   * @param options.machine the name of the machine that it runs on. Default: one of its own.
   * @param options.cwd below the worker's root. Default: another one on each worker, so that project keys differ.
   */
  async worker(name: string, {machine = name, cwd = `work-of-${name}`} = {}): Promise<FleetWorker> {
    const root = join(this.root, name)
    const model = await startModelServer()
    const bin = join(root, 'bin')
    await mkdir(bin, {recursive: true})
    await symlink(this.#claude, join(bin, 'claude'))
    const env = {
      PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
      NO_COLOR: '1',
      NODE_OPTIONS: `--require ${PRELOAD}`,
      E2E_MACHINE: machine,
      ...this.place.env,
    }
    const worker = new FleetWorker(name, model, await newWorker({root, modelUrl: model.url, cwd, env}))
    this.#workers.push(worker)
    return worker
  }

  /** A session as a program reads it that knows nothing of reprise: its lines. */
  async stored(sessionId: string, subpath?: string): Promise<string[]> {
    const {store} = this.place
    const projectKey = (await textOf(store, `.reprise/home/${sessionId}`)).trim()
    return loadReference(store, {projectKey, sessionId, ...(subpath !== undefined && {subpath})})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.dispose()))
    await this.place[Symbol.asyncDispose]()
    await rm(this.root, {recursive: true, force: true, maxRetries: 5})
  }
}

export interface Running {
  readonly pid: number
  readonly finished: Promise<Finished>
  readonly output: () => {readonly stdout: string; readonly stderr: string}
  /** To reprise alone. */
  signal(name: NodeJS.Signals): void
  /** To reprise and all that it started: the machine loses power. */
  crash(): Promise<Finished>
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export class FleetWorker {
  readonly name: string
  readonly model: ModelServer
  /** As claude sees it. */
  readonly machine: Worker
  readonly #running = new Set<Running>()

  constructor(name: string, model: ModelServer, machine: Worker) {
    this.name = name
    this.model = model
    this.machine = machine
  }

  /** Starts reprise in a process group of its own. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    return this.#start(process.execPath, [PROGRAM, ...args], options)
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(args, options).finished
  }

  /** Runs a line of shell, as a person would. */
  async shell(line: string, options: RunOptions = {}): Promise<Finished> {
    return this.#start('/bin/sh', ['-c', line], options).finished
  }

  /** Where a session's transcript lies when it was written or restored in the worker's cwd. */
  async transcript(sessionId: string, cwd = this.machine.cwd): Promise<string> {
    return transcriptOf({...this.machine, cwd}, sessionId)
  }

  /** The whole lines of a transcript in the worker's cwd. */
  async lines(sessionId: string): Promise<string[]> {
    return (await readFile(await this.transcript(sessionId), 'utf8')).split('\n').slice(0, -1)
  }

  /** The ids of the sessions here, under whatever key. */
  async sessions(): Promise<string[]> {
    const entries = await readdir(join(this.machine.configDir, 'projects'), {recursive: true}).catch(() => [])
    return entries.flatMap((path) => /^[^/]+\/([^/]+)\.jsonl$/.exec(path)?.[1] ?? [])
  }

  /** Every copy of the session here: files by their path below the project key. */
  async copies(sessionId: string): Promise<Map<string, Buffer>[]> {
    const projects = join(this.machine.configDir, 'projects')
    const copies: Map<string, Buffer>[] = []
    for (const key of await readdir(projects).catch(() => [])) {
      const files = new Map<string, Buffer>()
      const entries = await readdir(join(projects, key), {recursive: true, withFileTypes: true})
      for (const entry of entries.filter((each) => each.isFile())) {
        const path = join(entry.parentPath, entry.name)
        const name = relative(join(projects, key), path)
        if (name === `${sessionId}.jsonl` || name.startsWith(sessionId + sep)) files.set(name, await readFile(path))
      }
      if (files.size > 0) copies.push(files)
    }
    return copies
  }

  /** What the model of this worker was asked: all prompts of the conversations in one text. */
  heard(): string {
    return this.model.prompts().flat().join('\n')
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#running].map(async (running) => running.crash()))
    await this.model.close()
  }

  #start(program: string, args: readonly string[], {cwd = this.machine.cwd, env = {}}: RunOptions): Running {
    const child = spawn(program, args, {
      cwd,
      env: {...this.machine.env, ...env},
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    const output = () => ({stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString()})
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        this.#running.delete(running)
        resolve({code, signal, ...output()})
      })
    })
    const pid = child.pid ?? 0
    const running: Running = {
      pid,
      finished,
      output,
      signal: (name) => void child.kill(name),
      async crash() {
        // The group has a member for as long as the pipes are open, so its number is nobody else's.
        try {
          if (pid !== 0) process.kill(-pid, 'SIGKILL')
        } catch {
          // They have all ended, and their pipes are about to be closed.
        }
        return finished
      },
    }
    this.#running.add(running)
    return running
  }
}

export const newSessionId = (): string => randomUUID()

/** The session of a worker that has one. Throws when there is none, or a second. */
export async function onlySession(worker: FleetWorker): Promise<string> {
  const [id, ...more] = await worker.sessions()
  if (id === undefined || more.length > 0) throw new Error(`${more.length + (id ? 1 : 0)} sessions on ${worker.name}`)
  return id
}

/** The one copy of a session on a worker. Throws when there is none, or a second. */
export async function onlyCopy(worker: FleetWorker, sessionId: string): Promise<Map<string, Buffer>> {
  const [copy, ...more] = await worker.copies(sessionId)
  if (!copy || more.length > 0) throw new Error(`${more.length + (copy ? 1 : 0)} copies on ${worker.name}`)
  return copy
}

/** Looks until it comes about; the last look's error or value is named when it does not. */
export async function eventually<T>(look: () => Promise<T> | T, timeoutMs = 20_000): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs
  for (let last: unknown; ; await delay(50)) {
    try {
      const value = await look()
      if (value !== undefined && value !== null && value !== false) return value
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`it did not come about within ${timeoutMs} ms: ${String(last)}`)
  }
}
