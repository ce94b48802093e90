import {type ChildProcess, spawn, type StdioOptions} from 'node:child_process'
import {constants} from 'node:os'
import type {Clock} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import type {LaunchPlan} from './plan.js'
import {Witness} from './witness.js'

export interface LaunchOptions {
  /** What the child inherits; the plan's variables go over it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** How long the child may go on writing after SIGTERM or SIGHUP before it is killed, in ms. */
  readonly graceMs: number
  /** When it aborts, the child is stopped as by {@link ClaudeChild.stop}. */
  readonly signal?: AbortSignal
  /** Default `inherit`: the terminal is the child's, and its output passes byte for byte. */
  readonly stdio?: StdioOptions
}

export type ForwardedSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** How the child ended: by itself with an exit code, or by a signal. */
export interface ChildEnd {
  readonly exitCode?: number
  readonly signal?: NodeJS.Signals
  /** The first signal that this process was sent meanwhile. */
  readonly received?: ForwardedSignal
}

export interface ClaudeChild {
  readonly pid: number
  /** Never rejects. */
  readonly ended: Promise<ChildEnd>
  /** SIGTERM, and after `graceMs` SIGKILL. Idempotent; resolves when the child has ended. */
  stop(): Promise<ChildEnd>
}

const FORWARDED: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Starts what the plan says and, until the child has ended, hands it SIGINT, SIGTERM and SIGHUP instead of dying of them:
 * each once, also where the terminal has sent it to both. The child stays in the process group, so that Ctrl-Z, `fg` and
 * `bg` stop and continue both. Resolves when the child runs.
 *
 * @throws CLAUDE_NOT_STARTED
 */
export async function launchClaude(plan: LaunchPlan, options: LaunchOptions): Promise<ClaudeChild> {
  const {env, clock, graceMs, signal, stdio = 'inherit'} = options
  const [program, ...args] = plan.argv
  const received: ForwardedSignal[] = []
  // Before the child: a signal that comes now must not leave it alone.
  let child: RunningChild | undefined
  const witness = new Witness(clock)
  const listeners = FORWARDED.map((name) => {
    const listener = (): void => {
      received.push(name)
      void forward(name)
    }
    process.on(name, listener)
    return [name, listener] as const
  })
  const endListening = (): void => {
    for (const [name, listener] of listeners) process.removeListener(name, listener)
    witness.dispose()
  }

  async function forward(name: ForwardedSignal): Promise<void> {
    // The terminal's other end, or whoever ends this job, does not wait for ever.
    if (name !== 'SIGINT') child?.killAfterGrace()
    if (!(await witness.sawToo(name))) child?.send(name)
  }

  try {
    child = new RunningChild(
      await started(spawn(program, args, {cwd: plan.cwd, env: {...env, ...without(plan), ...plan.env}, stdio}), plan),
      clock,
      graceMs,
    )
  } catch (error) {
    endListening()
    throw error
  }
  const running = child
  const stop = (): void => void running.stop()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, {once: true})
  const ended = running.ended.then((end) => {
    endListening()
    signal?.removeEventListener('abort', stop)
    return {...end, ...(received[0] !== undefined && {received: received[0]})}
  })
  return {
    pid: running.pid,
    ended,
    async stop() {
      await running.stop()
      return ended
    },
  }
}

/** What a shell would answer for it: the child's own code, or 128 + the signal's number. */
export function exitCodeOfChild({exitCode, signal}: ChildEnd): number {
  return signal === undefined ? (exitCode ?? 0) : 128 + constants.signals[signal]
}

class RunningChild {
  readonly ended: Promise<ChildEnd>
  readonly #child: ChildProcess
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #over = new AbortController()
  #isDying = false

  constructor(child: ChildProcess, clock: Clock, graceMs: number) {
    this.#child = child
    this.#clock = clock
    this.#graceMs = graceMs
    this.ended = new Promise((resolve) => {
      // Not `close`: a process that the child left behind may hold its pipes.
      child.once('exit', (exitCode, signal) => {
        this.#over.abort()
        resolve({...(exitCode !== null && {exitCode}), ...(signal !== null && {signal})})
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** After the child has ended nothing is sent: its number may be another's by then. */
  send(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async stop(): Promise<ChildEnd> {
    this.send('SIGTERM')
    this.killAfterGrace()
    return this.ended
  }

  killAfterGrace(): void {
    if (this.#isDying) return
    this.#isDying = true
    void this.#clock.sleep(this.#graceMs, this.#over.signal).then(
      () => this.send('SIGKILL'),
      () => undefined,
    )
  }
}

/** Variables that are undefined are not passed on. */
function without({unset = []}: LaunchPlan): Record<string, undefined> {
  return Object.fromEntries(unset.map((name) => [name, undefined]))
}

async function started(child: ChildProcess, {argv, cwd}: LaunchPlan): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child))
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const suggestions = [`Check that ${argv[0]} runs, and that ${cwd} is there.`]
      const message = `${argv[0]} could not be started (${cause.code ?? cause.message}).`
      reject(new RepriseError({kind: 'usage', code: 'CLAUDE_NOT_STARTED', message, suggestions, cause}))
    })
  })
}
