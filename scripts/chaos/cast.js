import {fork} from 'node:child_process'
import {once} from 'node:events'
import {createWriteStream} from 'node:fs'
import {join} from 'node:path'
import {monotonicMs} from './journal.js'

const CLOCK = import.meta.resolve('./fast-clock.js')
const PROGRAMS = {
  founder: import.meta.resolve('./founder.js'),
  worker: import.meta.resolve('./worker.js'),
  reader: import.meta.resolve('./reader.js'),
  compactor: import.meta.resolve('./compactor.js'),
  settler: import.meta.resolve('./settler.js'),
}

/** What a process of a run is told that differs from one to the next. */
/** @typedef {Omit<import('./world.js').Setting, 'core' | 'journals' | 'sessions' | 'rate' | 'base' | 's3' | 'directory' | 'unleased' | 'table'>} Part */

/** The real processes of a run. */
export class Cast {
  #common
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #running = new Set()
  #stderr

  /**
   * @param {Omit<import('./world.js').Setting, keyof Part>} common
   * @param {string} directory of the run
   */
  constructor(common, directory) {
    this.#common = common
    this.#stderr = createWriteStream(join(directory, 'stderr.txt'))
  }

  /**
   * @param {keyof PROGRAMS} role
   * @param {Part} part
   * @param {number} offsetMs how wrong its machine's clock is
   */
  start(role, part, offsetMs = 0) {
    const {base, rate} = this.#common
    const child = fork(new URL(PROGRAMS[role]), {
      execArgv: ['--import', CLOCK],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: {
        ...process.env,
        CHAOS_SETTING: JSON.stringify({...this.#common, ...part}),
        CHAOS_CLOCK: JSON.stringify({base, rate, offsetMs}),
      },
    })
    child.stderr?.on('data', (chunk) => this.#stderr.write(chunk))
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  /** Nothing of it survives the harness. */
  killAll() {
    for (const child of this.#running) child.kill('SIGKILL')
  }
}

/**
 * Until it has loaded its program.
 * @param {import('node:child_process').ChildProcess} child
 */
export async function ready(child) {
  const gone = new AbortController()
  child.once('exit', () => gone.abort())
  await once(child, 'message', {signal: gone.signal}).catch(() => undefined)
}

/**
 * Until a process has ended by itself; killed when that takes too long.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} timeoutMs
 * @param {() => unknown} [progress] its time begins anew with each change of this
 * @returns {Promise<boolean>} whether it ended well
 */
export async function ended(child, timeoutMs, progress = () => undefined) {
  if (child.exitCode === null && child.signalCode === null) {
    let [seen, since] = [progress(), monotonicMs()]
    const watch = setInterval(() => {
      const now = progress()
      if (now !== seen) [seen, since] = [now, monotonicMs()]
      if (monotonicMs() - since > timeoutMs) child.kill('SIGKILL')
    }, 250)
    await once(child, 'exit')
    clearInterval(watch)
  }
  return child.exitCode === 0
}
