import {createHash, randomBytes} from 'node:crypto'
import {chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {execa, type ResultPromise} from 'execa'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {FileObjectStore} from '../../../src/object-store/file/file-object-store.js'
import type {ObjectStore} from '../../../src/object-store/object-store.js'
import {PrefixedObjectStore} from '../../../src/object-store/prefixed.js'
import {projectKeyOf} from '../../../src/transcript/project-key.js'
import {openAt} from '../../object-store/s3/support.js'
import {startStrictS3, type StrictS3, type StrictS3Options} from '../../support/strict-s3/index.js'

const PROGRAM = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))
export const FAKE_CLAUDE = fileURLToPath(new URL('fake-claude.js', import.meta.url))

export const ID = 'abcdef01-2222-4333-8444-555555555555'

/** As many ids as a test wants. */
export function idOf(index: number): string {
  return `${String(index).padStart(8, '0')}-2222-4333-8444-555555555555`
}

/** What a run may change besides the config dir: reprise's own directories. Everything else must be as before. */
const OWN = new Set(['home/.claude', 'home/.local', 'home/.cache', 'home/.config', 'home/tmp', 'store', 'copy'])

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Both, for what must stand in either. */
  readonly all: string
}

export interface Running {
  readonly process: ResultPromise<{reject: false}>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  readonly done: Promise<Ran>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly uid?: number
}

/**
 * One machine in a directory: a home with a config dir, a project, a store, and things outside that nobody may touch. Each run
 * of the built command line is held to what holds for all of them: no bug, no stack trace, no hang, no raw control character.
 */
export class Sandbox implements AsyncDisposable {
  readonly root: string
  readonly configDir: string
  readonly cwd: string
  readonly outside: string
  readonly projectKey: string
  readonly #env: Record<string, string | undefined>
  readonly #cleanups: (() => Promise<unknown>)[] = []

  private constructor(root: string) {
    this.root = root
    this.configDir = join(root, 'home', '.claude')
    this.cwd = join(root, 'work')
    this.outside = join(root, 'outside')
    this.projectKey = projectKeyOf(this.cwd)
    this.#env = {
      PATH: process.env['PATH'],
      HOME: join(root, 'home'),
      TMPDIR: join(root, 'home', 'tmp'),
      NO_COLOR: '1',
      REPRISE_CLAUDE_BIN: FAKE_CLAUDE,
      REPRISE_STORE: join(root, 'store'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: join(root, 'none'),
      AWS_SHARED_CREDENTIALS_FILE: join(root, 'none'),
    }
  }

  static async make(): Promise<Sandbox> {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-hostile-')))
    const sandbox = new Sandbox(root)
    for (const directory of [...OWN, 'work', 'outside']) await mkdir(join(root, directory), {recursive: true})
    await writeFile(join(sandbox.outside, 'secret'), 'SECRET-CONTENT\n', {mode: 0o600})
    return sandbox
  }

  /** Runs to the end. Throws when the run broke what holds for all runs. */
  async run(argv: readonly string[], options?: RunOptions): Promise<Ran> {
    return this.start(argv, options).done
  }

  start(argv: readonly string[], {env = {}, uid}: RunOptions = {}): Running {
    const child = execa(process.execPath, [PROGRAM, ...argv], {
      cwd: this.cwd,
      env: {...this.#env, ...env},
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      stdin: 'ignore',
      timeout: 25_000,
      killSignal: 'SIGKILL',
      ...(uid !== undefined && {uid, gid: uid}),
    } as const)
    return {
      process: child as unknown as Running['process'],
      kill: async () => {
        child.kill('SIGKILL')
        await child
      },
      get done() {
        return child.then(({exitCode, stdout, stderr, timedOut, signal}) => {
          if (exitCode === undefined)
            throw new Error(`reprise ${argv.join(' ')}: ${timedOut ? 'hung' : signal}\n${stderr}`)
          const ran = {exitCode, stdout, stderr, all: stdout + stderr}
          checkManners(argv, ran)
          return ran
        })
      },
    }
  }

  /** A line of bash in which `reprise` is the program. */
  async shell(line: string): Promise<Ran> {
    const script = `reprise() { ${JSON.stringify(process.execPath)} ${JSON.stringify(PROGRAM)} "$@"; }\n`
    const {exitCode, stdout, stderr} = await execa('bash', ['-c', script + line], {
      cwd: this.cwd,
      env: this.#env,
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      stdin: 'ignore',
      timeout: 25_000,
    })
    return {exitCode: exitCode ?? -1, stdout, stderr, all: stdout + stderr}
  }

  /** Runs, and holds everything outside the config dir to be as it was. */
  async contained(argv: readonly string[], options?: RunOptions): Promise<Ran> {
    const before = await this.snapshot()
    const ran = await this.run(argv, options)
    const after = await this.snapshot()
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => before.get(path) !== after.get(path),
    )
    if (changed.length > 0) throw new Error(`reprise ${argv.join(' ')} touched ${changed.join(', ')}\n${ran.all}`)
    return ran
  }

  /** What lies under the root but in directories that a run may write: kind, rights, time and content of each. */
  async snapshot(directory = ''): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const name of await readdir(join(this.root, directory))) {
      const path = join(directory, name)
      if (OWN.has(path)) continue
      found.set(path, await describe(join(this.root, path)))
      if ((await lstat(join(this.root, path))).isDirectory())
        for (const [below, what] of await this.snapshot(path)) found.set(below, what)
    }
    return found
  }

  pathOf(id = ID, projectKey = this.projectKey): string {
    return join(this.configDir, 'projects', projectKey, `${id}.jsonl`)
  }

  /** Below the session's own directory. */
  pathBelow(path: string, id = ID): string {
    return join(this.configDir, 'projects', this.projectKey, id, path)
  }

  async write(content: string | Uint8Array, id = ID): Promise<string> {
    const path = this.pathOf(id)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, content)
    return path
  }

  async read(id = ID): Promise<string> {
    return readFile(this.pathOf(id), 'utf8')
  }

  /** All names below the config dir. */
  async names(): Promise<string[]> {
    return (await readdir(this.configDir, {recursive: true})).toSorted()
  }

  /** The default store of the runs, as a way in for the test. */
  fileStore(): ObjectStore {
    const store = new FileObjectStore({directory: join(this.root, 'store'), clock: systemClock, random: systemRandom})
    this.#cleanups.push(async () => store.close())
    return store
  }

  /** From now on runs store in a bucket of a strict server, under a prefix. */
  async useS3(options: StrictS3Options = {}): Promise<{server: StrictS3; store: ObjectStore}> {
    const server = await startStrictS3(options)
    const bucket = await openAt(server)
    const url = `s3://${server.bucket}/p/`
    this.setEnv({
      REPRISE_STORE: url,
      REPRISE_ENDPOINT_URL: server.endpoint,
      REPRISE_REGION: server.region,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    })
    this.#cleanups.push(async () => {
      await bucket.close()
      await server.close()
    })
    return {server, store: new PrefixedObjectStore(bucket, 'p/', url)}
  }

  /** A second machine: another home and config dir, everything else shared. */
  async another(): Promise<Sandbox> {
    const other = await Sandbox.make()
    other.setEnv(this.storeEnv())
    this.#cleanups.push(() => other[Symbol.asyncDispose]())
    return other
  }

  /** What tells another machine of the same store. */
  storeEnv(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries(Object.entries(this.#env).filter(([name]) => /^(?:REPRISE|AWS)_/.test(name)))
  }

  setEnv(env: Readonly<Record<string, string | undefined>>): void {
    Object.assign(this.#env, env)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.#cleanups.toReversed()) await cleanup()
    await chmod(this.configDir, 0o700).catch(() => {})
    await rm(this.root, {recursive: true, force: true, maxRetries: 5})
  }
}

/** What may stand in no output, whatever was put in. */
function checkManners(argv: readonly string[], {exitCode, all, stderr}: Ran): void {
  const problem =
    exitCode === 1
      ? 'exit code 1'
      : !argv.includes('--verbose') && /\n\s+at .+:\d+:\d+/.test(all)
        ? 'a stack trace'
        : // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
          /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/.test(all)
          ? 'a raw control character'
          : exitCode > 1 && exitCode !== 9 && all.trim() === ''
            ? 'a failure without a word'
            : undefined
  if (problem !== undefined) throw new Error(`reprise ${argv.join(' ')}: ${problem}\n${JSON.stringify(all)}\n${stderr}`)
}

async function describe(path: string): Promise<string> {
  const stat = await lstat(path)
  const kind = stat.isSymbolicLink()
    ? `link to ${await readlink(path)}`
    : stat.isFile()
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : stat.isDirectory()
        ? 'directory'
        : 'special'
  return `${stat.mode} ${stat.uid} ${stat.nlink} ${stat.mtimeMs} ${kind}`
}

/** Lines of about `size` bytes with a uuid each, that do not compress to each other. */
export function lines(count: number, size = 100, name = 'm'): string {
  return Array.from({length: count}, (_, index) => {
    const text = randomBytes(Math.ceil(size / 2)).toString('hex')
    return `${JSON.stringify({type: 'user', uuid: `${name}-${index}`, message: {role: 'user', content: text}})}\n`
  }).join('')
}

export interface Told {
  readonly sessionId: string
  readonly action: string
  readonly error?: {readonly code: string; readonly message: string}
}

/** What a `--json` run says of each session. */
export function sessionsOf({stdout}: Ran): ReadonlyMap<string, Told> {
  const {result} = JSON.parse(stdout) as {result: {sessions: readonly Told[]}}
  return new Map(result.sessions.map((each) => [each.sessionId, each]))
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 400) throw new Error('it did not come to that')
    await delay(25)
  }
}
