import {finishCompaction} from '../store/compact-transcript.js'
import type {PendingDeletes} from './compact-tally.js'
import type {SyncContext} from './context.js'

/** Shorter waits would ask the store for its time again and again. */
const LEAST_WAIT_MS = 500

export interface FinishDeletesOptions<T extends PendingDeletes> {
  readonly signal?: AbortSignal | undefined
  /** Told how long it waits, ms. */
  readonly onWait: (ms: number) => void
  readonly onDeleted: (pending: T, count: number) => void
  /** They stay for the next run. */
  readonly onFailed: (pending: T, error: unknown) => void
}

/** Deletes what has had its grace by the store's clock, each as soon as it is due; waits for it no longer than that. */
export async function finishDeletes<T extends PendingDeletes>(
  {parts, clock}: Pick<SyncContext, 'parts' | 'clock'>,
  pending: readonly T[],
  {signal, onWait, onDeleted, onFailed}: FinishDeletesOptions<T>,
): Promise<void> {
  const left = pending.toSorted((a, b) => a.notBefore - b.notBefore)
  let date = 0
  for (let next = left[0]; next; next = left[0]) {
    if (next.notBefore > date) ({date} = await parts.list(next.ref))
    if (next.notBefore > date) {
      const ms = Math.max(next.notBefore - date, LEAST_WAIT_MS)
      onWait(ms)
      await clock.sleep(ms, signal)
      continue
    }
    signal?.throwIfAborted()
    left.shift()
    try {
      onDeleted(next, await finishCompaction(parts, next.keys))
    } catch (error) {
      if (signal?.aborted) throw error
      onFailed(next, error)
    }
  }
}
