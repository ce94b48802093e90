/** Time as the core sees it. The ambient clock is read in `cli/` (and by the library's defaults) only; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch, by this machine's clock. Never compared with a store's dates. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Randomness as the core sees it. */
export interface Random {
  bytes(count: number): Uint8Array
  uuid(): string
}
