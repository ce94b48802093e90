import {
  InMemorySessionStore,
  type SessionKey,
  type SessionStore,
  type SessionStoreEntry,
} from '@anthropic-ai/claude-agent-sdk'

export interface RecordedCall {
  readonly method: 'append' | 'load' | 'listSubkeys' | 'listSessions'
  readonly subpath: string | undefined
  /** The very array of an `append`. */
  readonly entries: readonly SessionStoreEntry[]
  /** When it came, ms. */
  readonly at: number
  /** Calls that had not settled when it came. */
  readonly besides: number
}

/** The SDK's store in memory, that says how it was called. */
export class RecordingStore implements SessionStore {
  readonly inner = new InMemorySessionStore()
  readonly calls: RecordedCall[] = []
  /** What an `append` does before it is stored, from 0 on. */
  readonly #before: (index: number) => Promise<void>
  #open = 0

  constructor(before: (index: number) => Promise<void> = async () => {}) {
    this.#before = before
  }

  get appends(): readonly RecordedCall[] {
    return this.calls.filter(({method}) => method === 'append')
  }

  async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    const index = this.appends.length
    return this.#record('append', key.subpath, entries, async () => {
      await this.#before(index)
      await this.inner.append(key, entries)
    })
  }

  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    return this.#record('load', key.subpath, [], async () => this.inner.load(key))
  }

  async listSubkeys(key: {projectKey: string; sessionId: string}): Promise<string[]> {
    return this.#record('listSubkeys', undefined, [], async () => this.inner.listSubkeys(key))
  }

  async listSessions(projectKey: string): Promise<{sessionId: string; mtime: number}[]> {
    return this.#record('listSessions', undefined, [], async () => this.inner.listSessions(projectKey))
  }

  async #record<T>(
    method: RecordedCall['method'],
    subpath: string | undefined,
    entries: readonly SessionStoreEntry[],
    work: () => Promise<T>,
  ): Promise<T> {
    this.calls.push({method, subpath, entries, at: performance.now(), besides: this.#open})
    this.#open += 1
    try {
      return await work()
    } finally {
      this.#open -= 1
    }
  }
}
