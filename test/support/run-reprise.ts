import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa, type ResultPromise} from 'execa'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** A home of its own for runs of the command line: nothing of this machine's configuration reaches them. */
export interface CliHome extends AsyncDisposable {
  readonly home: string
  /** Where runs start unless told otherwise. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Runs the built command line to its end. */
  run(argv: readonly string[], options?: RunOptions): Promise<CliRun>
  /** Starts it without waiting: for signals and streams. */
  start(argv: readonly string[], options?: RunOptions): ResultPromise<{reject: false}>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What is on stdin; default: nothing, and no terminal. */
  readonly input?: string
}

export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The `result` of a `--json` run. Throws when stdout is anything but one envelope of success. */
  result(): unknown
  warnings(): readonly {readonly code: string; readonly message: string}[]
  /** The `error` of a `--json` run. Throws when stdout is anything but one envelope of failure. */
  error(): {
    readonly kind: string
    readonly code: string
    readonly message: string
    readonly suggestions: readonly string[]
  }
}

/** @param program another program than `bin/run.js`, for tests of the base alone. */
export async function makeCliHome(program: string = PROGRAM): Promise<CliHome> {
  const root = await mkdtemp(join(tmpdir(), 'reprise-cli-'))
  const home = root
  const env = {PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: tmpdir(), NO_COLOR: '1'}
  const start = (argv: readonly string[], options: RunOptions = {}) =>
    execa(process.execPath, [program, ...argv], {
      cwd: options.cwd ?? root,
      env: {...env, ...options.env},
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      ...(options.input === undefined ? {stdin: 'ignore'} : {input: options.input}),
    } as const)
  return {
    home,
    cwd: root,
    env,
    start: start as CliHome['start'],
    async run(argv, options) {
      const {exitCode, signal, stdout, stderr} = await start(argv, options)
      if (exitCode === undefined) throw new Error(`The run ended without an exit code (${signal}): ${stderr}`)
      return describe(exitCode, stdout, stderr)
    },
    async [Symbol.asyncDispose]() {
      await rm(root, {recursive: true, force: true})
    },
  }
}

function describe(exitCode: number, stdout: string, stderr: string): CliRun {
  const envelope = (status: string) => {
    const value = JSON.parse(stdout)
    if (value.status !== status) throw new Error(`The envelope says ${value.status}: ${stdout}`)
    return value
  }
  return {
    exitCode,
    stdout,
    stderr,
    result: () => envelope('ok').result,
    warnings: () => envelope('ok').warnings,
    error: () => envelope('error').error,
  }
}
