import type {Clock} from '../base/clock.js'
import {storeError} from './errors.js'

/** Pushes the limit out again: something has moved. */
export type Progress = () => void

/**
 * Runs a call with a limit on the time in which nothing moves (not on the whole, which a large body may need).
 *
 * @throws STORE_UNREACHABLE when the limit is hit; the call's signal aborts, and what it does after that is ignored.
 */
export async function withTimeLimit<T>(
  {clock, timeoutMs, signal}: {clock: Clock; timeoutMs: number | undefined; signal: AbortSignal | undefined},
  call: (signal: AbortSignal | undefined, progress: Progress) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return call(signal, () => {})
  const limit = new AbortController()
  const done = new AbortController()
  let moved = clock.now()
  const watch = async (): Promise<never> => {
    for (;;) {
      const left = moved + timeoutMs - clock.now()
      if (left <= 0) break
      await clock.sleep(left, done.signal)
    }
    const error = storeError('STORE_UNREACHABLE', `The store did not answer within ${timeoutMs} ms.`)
    limit.abort(error)
    throw error
  }
  const watching = watch()
  // When the call ends first, nobody waits for the watch any more.
  watching.catch(() => {})
  try {
    const signals = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal])
    const progress = () => {
      moved = clock.now()
    }
    return await Promise.race([call(signals, progress), watching])
  } finally {
    done.abort()
  }
}
