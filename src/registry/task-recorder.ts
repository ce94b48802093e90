import {channel} from 'node:diagnostics_channel'
import type {Clock} from '../base/clock.js'
import {RepriseError, toRepriseError} from '../base/errors.js'
import {within} from '../base/within.js'
import type {AssignOptions, Facts, Link} from './registry.js'

/** Where the record of a task goes; every `Registry` is one. */
export interface TaskSink {
  assign(link: Link, options: AssignOptions): Promise<unknown>
}

/** One attempt to record a task, on the diagnostics channel `reprise:task`. */
export interface TaskEvent {
  readonly type: 'task'
  readonly taskId: string
  readonly sessionId: string
  readonly status?: string
  readonly durationMs: number
  /** Absent when it is on record. */
  readonly error?: {readonly code: string; readonly message: string}
}

export interface TaskRecorderOptions {
  readonly registry: TaskSink
  readonly taskId: string
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  /** Told of each attempt that failed. */
  readonly onError: (error: RepriseError) => void
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

const events = channel('reprise:task')

/**
 * Brings a task's record to what was said last, in the background: a write at a time, again after a failure, and never a
 * rejection. Each session gets into the chain; of one session's states that wait, the last one is written.
 *
 * After its first write it only follows its own sessions: a task that somebody else has moved on is left alone.
 */
export class TaskRecorder {
  readonly #options: TaskRecorderOptions
  /** One for each session that waits; the first may be on its way. */
  #waiting: Link[] = []
  /** The session that this recorder put on record last. */
  #recorded: string | undefined
  #isWriting = false
  #writing: Promise<void> | undefined
  #pause = new AbortController()
  #isEnding = false
  #isTaken = false

  constructor(options: TaskRecorderOptions) {
    this.#options = options
  }

  /** Returns at once. */
  record(sessionId: string, facts: Facts): void {
    if (this.#isEnding || this.#isTaken) return
    const link: Link = {...facts, kind: 'task', id: this.#options.taskId, sessionId}
    const before = this.#waiting.at(-1)
    this.#waiting = before?.sessionId === sessionId ? [...this.#waiting.slice(0, -1), link] : [...this.#waiting, link]
    this.#start()
  }

  /** Waits until everything is on record, for at most `limitMs`, with one more attempt where the last one failed. Nothing is recorded after it. */
  async end(limitMs: number): Promise<void> {
    this.#isEnding = true
    this.#pause.abort()
    this.#start()
    if (this.#writing) await within(this.#options.background, limitMs, this.#writing)
    const [left] = this.#waiting
    this.#waiting = []
    if (left) this.#options.onError(notRecorded(left, limitMs))
  }

  #start(): void {
    if (this.#isWriting || this.#waiting.length === 0) return
    this.#isWriting = true
    this.#writing = this.#write()
  }

  async #write(): Promise<void> {
    // What one message says in several steps goes into one write.
    await Promise.resolve()
    let pauseMs = FIRST_PAUSE_MS
    for (let link = this.#waiting[0]; link; link = this.#waiting[0]) {
      const lastChance = this.#isEnding
      const error = await this.#attempt(link)
      if (error?.code === 'TASK_TAKEN') {
        this.#isTaken = true
        this.#waiting = []
      } else if (!error || error.kind === 'usage') {
        // After a failure of this kind another attempt would end the same way.
        if (this.#waiting[0] === link) this.#waiting.shift()
      } else {
        if (lastChance) break
        await this.#sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
    this.#isWriting = false
  }

  /** @returns why it is not on record, undefined when it is. */
  async #attempt(link: Link): Promise<RepriseError | undefined> {
    const {registry, background, onError} = this.#options
    const {id: taskId, sessionId, status} = link
    const started = background.now()
    const publish = (error?: RepriseError): void => {
      const event: TaskEvent = {
        type: 'task',
        taskId,
        sessionId,
        ...(status !== undefined && {status}),
        durationMs: background.now() - started,
        ...(error && {error: {code: error.code, message: error.message}}),
      }
      if (events.hasSubscribers) events.publish(event)
    }
    try {
      await registry.assign(link, {mode: 'append', ...(this.#recorded !== undefined && {after: this.#recorded})})
      this.#recorded = sessionId
      publish()
      return undefined
    } catch (thrown) {
      const error = toRepriseError(thrown)
      publish(error)
      onError(error)
      return error
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isEnding) return
    this.#pause = new AbortController()
    await this.#options.background.sleep(ms, this.#pause.signal).catch(() => undefined)
  }
}

function notRecorded({id, sessionId, status}: Link, limitMs: number): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'TASK_NOT_RECORDED',
    message: `The registry of task ${JSON.stringify(id)} did not take down session ${sessionId} (${status ?? 'no status'}) within ${limitMs} ms of its end.`,
    suggestions: [`reprise link ${JSON.stringify(id)} ${sessionId}`],
    details: {taskId: id, sessionId},
  })
}
