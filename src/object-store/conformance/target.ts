import type {ObjectStore} from '../object-store.js'

/** The store that the suite is run against: what a user's test hands in. */
export interface ConformanceTarget {
  /** A new client of one and the same store, called several times in a case; each is closed by the suite. */
  readonly open: () => Promise<ObjectStore>
  /**
   * Begins every key of the suite; ends in `/`. A run leaves objects behind where a case fails, so a store that outlives
   * the run needs another prefix each time. Default: none.
   */
  readonly prefix?: string
  /** Changes a byte of a stored object behind the store's back. Without it the corruption case has nothing to show and passes. */
  readonly corrupt?: (key: string) => Promise<void>
}

/**
 * What a case needs beyond the plain port, so that a runner can leave out by name what a server is known not to do, and
 * say so: `conditions` (create and update are enforced), `races` (also between racing writers), `metadata`, `odd-keys`,
 * `large` (20 MB and thousands of objects).
 */
export type ConformanceTag = 'conditions' | 'races' | 'metadata' | 'odd-keys' | 'large'

export interface ConformanceCase {
  readonly name: string
  readonly tags: readonly ConformanceTag[]
  /** Rejects with node:assert's `AssertionError`, or with what the store threw. Needs a minute at most on a slow server. */
  readonly run: (target: ConformanceTarget) => Promise<void>
}

/** What one case works with. */
export interface Scope {
  readonly store: ObjectStore
  /** A key or prefix of this case alone. */
  readonly at: (name: string) => string
  /** One more client of the same store. */
  readonly another: () => Promise<ObjectStore>
  readonly corrupt?: (key: string) => Promise<void>
}

/** A case that gets a prefix of its own, and whose clients are closed whatever happens. */
export function conformanceCase(
  name: string,
  tags: readonly ConformanceTag[],
  body: (scope: Scope) => Promise<void>,
): ConformanceCase {
  return {
    name,
    tags,
    async run(target) {
      const clients: ObjectStore[] = []
      const another = async () => {
        const store = await target.open()
        clients.push(store)
        return store
      }
      const folder = `${target.prefix ?? ''}${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}/`
      try {
        await body({
          store: await another(),
          at: (suffix) => folder + suffix,
          another,
          ...(target.corrupt === undefined ? {} : {corrupt: target.corrupt}),
        })
      } finally {
        await Promise.all(clients.map(async (client) => client.close()))
      }
    },
  }
}
