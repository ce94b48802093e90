import type {Clock} from './clock.js'

/** Waits for `work` no longer than `ms`. @returns undefined when it takes longer; it goes on then, and nobody hears how it ends. */
export async function within<T>(clock: Pick<Clock, 'sleep'>, ms: number, work: Promise<T>): Promise<T | undefined> {
  const waiting = new AbortController()
  const late = clock.sleep(ms, waiting.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    waiting.abort()
  }
}
