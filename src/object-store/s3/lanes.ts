import {setMaxListeners} from 'node:events'

/**
 * Runs `work` in several lanes at once. The first failure aborts the signal that all lanes were given, and is thrown when
 * every lane has ended, so that nothing goes on behind the caller's back.
 */
export async function runLanes(
  count: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal, lane: number) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal])
  setMaxListeners(0, signal) // one for each request under way
  const failures: unknown[] = []
  await Promise.all(
    Array.from({length: count}, async (_, lane) => {
      try {
        await work(signal, lane)
      } catch (error) {
        failures.push(error)
        stop.abort(error)
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
}
