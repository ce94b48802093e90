import {type ChildProcess, spawn} from 'node:child_process'
import type {Clock} from '../base/clock.js'

/** A signal to a group reaches its members at once; this is for a machine that is busy. */
const PATIENCE_MS = 200

/**
 * Tells a signal to this process alone from one to its whole process group (Ctrl-C on a terminal, a closed terminal,
 * `timeout`), which a child in the group has got too. The system does not say, so a second child waits for nothing but to
 * be hit by the same signal. It ends by itself when this process is gone.
 */
export class Witness {
  readonly #clock: Clock
  #child: ChildProcess | undefined
  #end: Promise<NodeJS.Signals | null> | undefined
  #isDisposed = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#start()
  }

  /** Whether the group got the signal that this process has just received. */
  async sawToo(signal: NodeJS.Signals): Promise<boolean> {
    const enough = new AbortController()
    const waited = this.#clock.sleep(PATIENCE_MS, enough.signal).then(
      () => undefined,
      () => undefined,
    )
    const end = await Promise.race([this.#end, waited])
    enough.abort()
    // `null` is an end too: someone else's doing, and a new witness is needed all the same.
    if (end !== undefined && !this.#isDisposed) this.#start()
    return end === signal
  }

  dispose(): void {
    this.#isDisposed = true
    this.#child?.kill('SIGKILL')
  }

  #start(): void {
    const child = spawn('/bin/sh', ['-c', 'read -r line'], {env: {}, stdio: ['pipe', 'ignore', 'ignore']})
    this.#end = new Promise((resolve) => {
      child.once('exit', (_, signal) => resolve(signal))
      child.once('error', () => resolve(null))
    })
    child.stdin.on('error', () => undefined)
    this.#child = child
  }
}
