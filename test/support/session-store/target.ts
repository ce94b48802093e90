import type {SessionStore} from '@anthropic-ai/claude-agent-sdk'

/** A store with all optional methods; ours can be flushed and closed besides. */
export type StoreUnderTest = Required<SessionStore> &
  Partial<AsyncDisposable> & {readonly flush?: () => Promise<unknown>; readonly close?: () => Promise<unknown>}

/** An empty store for one case. */
export interface SessionStoreTarget {
  readonly store: StoreUnderTest
  /** One more instance over the same data, as another process would have it. Where there is none, the same one. */
  readonly again: () => Promise<StoreUnderTest>
  readonly cleanup: () => Promise<void>
}

/**
 * What a case needs beyond the contract: `unawaited` (appends that are not awaited keep their order), `detached` (what was
 * stored does not change with the caller's objects), `idempotent` (an entry with a `uuid` is stored once, whoever sends it again), `checked-keys` (what cannot be
 * part of a key is refused), `summaries` (summaries are kept, and stale ones are not passed off as fresh), `closing` (flush and close).
 */
export type SessionStoreTag = 'unawaited' | 'detached' | 'idempotent' | 'checked-keys' | 'summaries' | 'closing'

export interface SessionStoreCase {
  readonly name: string
  readonly tags: readonly SessionStoreTag[]
  /** Rejects with node:assert's `AssertionError`, or with what the store threw. */
  readonly run: (open: () => Promise<SessionStoreTarget>) => Promise<void>
}

/** A case over one fresh target, which is cleaned up whatever happens. */
export function sessionStoreCase(
  name: string,
  tags: readonly SessionStoreTag[],
  body: (target: SessionStoreTarget) => Promise<void>,
): SessionStoreCase {
  return {
    name,
    tags,
    async run(open) {
      const target = await open()
      try {
        await body(target)
      } finally {
        await target.cleanup()
      }
    },
  }
}

/**
 * A target of instances that `make` opens over the same data. Every one is closed behind its case, and the close is put into
 * `closings`: one that follows an append lingers for more.
 */
export function targetOf(make: () => StoreUnderTest, closings: Promise<unknown>[]): SessionStoreTarget {
  const first = make()
  const stores = [first]
  return {
    store: first,
    async again() {
      const store = make()
      stores.push(store)
      return store
    },
    async cleanup() {
      closings.push(...stores.map(async (store) => store.close?.()))
    },
  }
}
