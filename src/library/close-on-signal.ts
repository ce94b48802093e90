import {systemClock} from '../base/system.js'
import {within} from '../base/within.js'

/** What is closed before the process ends. */
export interface Closable {
  close(options?: {readonly timeoutMs?: number}): Promise<unknown>
}

/** What happens when the process is told to end; every option may be left out. */
export interface CloseOnSignalOptions {
  /**
   * Aborts the queries that still write, and resolves when their loops have ended; has half of the time for it. In batched mode the
   * Agent SDK holds a whole turn back until then.
   */
  readonly before?: () => unknown
  /** Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
  /** For all of it, ms. Default 8,000: containers are killed 10 s after their SIGTERM. */
  readonly timeoutMs?: number
}

/** For whoever ends exactly when it was told to. */
const SLACK_MS = 250

/**
 * Closes a session store when the process is told to end, and then ends it by that signal. A second signal ends it at once.
 *
 * @returns takes the handlers away.
 */
export function closeOnSignal(
  store: Closable,
  {before, signals = ['SIGTERM', 'SIGINT'], timeoutMs = 8_000}: CloseOnSignalOptions = {},
): () => void {
  const remove = (): void => {
    for (const signal of signals) process.off(signal, end)
  }
  const end = (signal: NodeJS.Signals): void => {
    remove()
    void closeIn(timeoutMs, store, before).finally(() => process.kill(process.pid, signal))
  }
  for (const signal of signals) process.on(signal, end)
  return remove
}

async function closeIn(timeoutMs: number, store: Closable, before: (() => unknown) | undefined): Promise<void> {
  const deadline = systemClock.now() + timeoutMs
  try {
    if (before) await within(systemClock, timeoutMs / 2, Promise.resolve(before()))
  } catch {
    // What is stored so far is closed all the same.
  }
  const left = Math.max(0, deadline - systemClock.now())
  const closing = store.close({timeoutMs: left}).catch(() => undefined)
  await within(systemClock, left + SLACK_MS, closing)
}
