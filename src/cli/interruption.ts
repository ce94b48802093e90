import {setMaxListeners} from 'node:events'
import {RepriseError} from '../base/errors.js'
import {type EndingSignal, SIGNAL_EXIT_CODES} from './exit-codes.js'

type Cleanup = () => Promise<void> | void

/** How long cleanups may take after a signal before the process ends all the same. */
const PATIENCE_MS = 10_000

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an aborted {@link Interruption.signal}: the command's own `await`s reject, its
 * cleanups run, and the process ends with 128 + the signal's number. A second signal ends it at once.
 */
export class Interruption {
  readonly #controller = new AbortController()
  readonly #cleanups: Cleanup[] = []
  readonly #listeners = new Map<EndingSignal, () => void>()
  #received: EndingSignal | undefined
  #readerGone = false

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The signal that came, if one did. */
  get received(): EndingSignal | undefined {
    return this.#received
  }

  /** The reader of stdout has gone (EPIPE): what is under way ends, quietly. */
  readerGone(): void {
    setTimeout(() => process.exit(0), PATIENCE_MS).unref()
    this.#readerGone = true
    this.#controller.abort(new Error('The reader of stdout has gone.'))
  }

  get hasReader(): boolean {
    return !this.#readerGone
  }

  /** Begins to listen. */
  listen(): void {
    // One for each request under way: no leak.
    setMaxListeners(0, this.#controller.signal)
    // Node ignores it, so that a write beyond `ulimit -f` is an error; a library that listens to it would end the process instead.
    process.on('SIGXFSZ', () => undefined)
    for (const name of Object.keys(SIGNAL_EXIT_CODES) as EndingSignal[]) {
      const listener = (): void => this.#onSignal(name)
      this.#listeners.set(name, listener)
      process.on(name, listener)
    }
  }

  /** Signals are a child's to obey from now on: whoever starts it listens by then. One that has come already still ends the command. */
  handOver(): void {
    for (const [name, listener] of this.#listeners) process.removeListener(name, listener)
    this.#listeners.clear()
  }

  /** Runs `cleanup` when the command ends, however it ends: the last registered first, each once. */
  onCleanup(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup)
  }

  /** Runs the cleanups and stops listening. A cleanup that fails does not keep the others from running. */
  async finish(): Promise<void> {
    const failures: unknown[] = []
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup()
      } catch (error) {
        failures.push(error)
      }
    }
    this.handOver()
    if (failures.length > 0 && this.#received === undefined) throw failures[0]
  }

  #onSignal(name: EndingSignal): void {
    if (this.#received !== undefined) process.exit(SIGNAL_EXIT_CODES[name])
    this.#received = name
    setTimeout(() => process.exit(SIGNAL_EXIT_CODES[name]), PATIENCE_MS).unref()
    this.#controller.abort(interrupted(name))
  }
}

/** The error that a command ends with after `signal`, whatever its own work threw on the way out. */
export function interrupted(signal: EndingSignal): RepriseError {
  return new RepriseError({
    kind: 'interrupted',
    code: 'INTERRUPTED',
    message: `Stopped by ${signal}.`,
    suggestions: ['Run the same command again: it goes on from what is done.'],
    details: {exitCode: SIGNAL_EXIT_CODES[signal]},
  })
}
