/** What is closed before the process ends. */
export interface Closable {
  close(options?: {readonly timeoutMs?: number}): Promise<unknown>
}

export interface CloseOnSignalOptions {
  /** Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
  /** Time to store what waits, ms. Default 8,000: containers are killed 10 s after their SIGTERM. */
  readonly timeoutMs?: number
}

/**
 * Closes a session store when the process is told to end, and then ends it by that signal. A second signal ends it at once.
 *
 * @returns takes the handlers away.
 */
export function closeOnSignal(
  store: Closable,
  {signals = ['SIGTERM', 'SIGINT'], timeoutMs = 8_000}: CloseOnSignalOptions = {},
): () => void {
  const remove = (): void => {
    for (const signal of signals) process.off(signal, end)
  }
  const end = (signal: NodeJS.Signals): void => {
    remove()
    void store
      .close({timeoutMs})
      .catch(() => undefined)
      .then(() => process.kill(process.pid, signal))
  }
  for (const signal of signals) process.on(signal, end)
  return remove
}
