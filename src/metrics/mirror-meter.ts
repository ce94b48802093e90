import type {Clock} from '../base/clock.js'
import {hasCode, toRepriseError} from '../base/errors.js'
import type {Observer} from './observer.js'

/** The next look at the file goes on from there: nothing of the store failed. */
const PASSING = ['LOCAL_CHANGED', 'SOURCE_CHANGED', 'OBJECT_NOT_FOUND']

export interface MirrorMeterOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly observe: Observer
  readonly projectKey: string
  readonly sessionId: string
}

/** One look at a local file, and what it brought to the store. */
export interface MeteredStep {
  readonly bytes: number
  readonly parts: number
  readonly entries: number
}

/** Since when something of a transcript is not stored. */
interface Waiting {
  readonly seenAt: number
  readonly writtenAt: number
}

/**
 * Tells of a session's mirror that looks at local files again and again: `append` for each look that stored something, `fail` for each
 * failure. Times go on over looks that failed, so an outage shows in the lag of the part that ends it.
 */
export class MirrorMeter {
  readonly #options: MirrorMeterOptions
  readonly #begun: number
  readonly #parts = new Map<string, number>()
  readonly #waiting = new Map<string, Waiting>()
  #writing: string | undefined

  constructor(options: MirrorMeterOptions) {
    this.#options = options
    this.#begun = options.clock.now()
  }

  /** What a listing told of a transcript. */
  found(subpath: string | undefined, parts: number): void {
    this.#parts.set(subpath ?? '', parts)
  }

  /**
   * @param changedAt the file's mtime, read before `look` began.
   * @param look stores what is new; what it throws is thrown, and is for {@link MirrorMeter.failed} to tell.
   */
  async look<T extends MeteredStep>(
    subpath: string | undefined,
    changedAt: number,
    look: () => Promise<T>,
  ): Promise<T> {
    const {clock, observe} = this.#options
    const key = subpath ?? ''
    const begun = clock.now()
    // What was here before the mirror began is not late by its fault.
    const waiting = this.#waiting.get(key) ?? {seenAt: begun, writtenAt: Math.max(changedAt, this.#begun)}
    this.#waiting.set(key, waiting)
    this.#writing = subpath
    const step = await look()
    this.#writing = undefined
    this.#waiting.delete(key)
    if (step.parts === 0) return step
    const now = clock.now()
    const parts = (this.#parts.get(key) ?? 0) + step.parts
    this.#parts.set(key, parts)
    observe({
      type: 'append',
      ...this.#transcript(subpath),
      bytes: step.bytes,
      entries: step.entries,
      appends: 1,
      parts,
      putMs: now - begun,
      latencyMs: now - waiting.seenAt,
      lagMs: Math.max(0, now - waiting.writtenAt),
    })
    return step
  }

  /** A look, or what goes on beside it (a renewal of the lease, the summary), failed. */
  failed(cause: unknown): void {
    const subpath = this.#writing
    this.#writing = undefined
    if (hasCode(cause, ...PASSING)) return
    const {code, message} = toRepriseError(cause)
    this.#options.observe({
      type: 'fail',
      ...this.#transcript(subpath),
      code,
      message,
      bytes: 0,
      entries: 0,
      appends: 1,
    })
  }

  #transcript(subpath: string | undefined) {
    const {projectKey, sessionId} = this.#options
    return {projectKey, sessionId, ...(subpath !== undefined && {subpath})}
  }
}
