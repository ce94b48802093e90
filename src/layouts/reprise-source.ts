import type {ObjectStore} from '../object-store/object-store.js'
import {listStored, type ListedSession} from '../sync/list-sessions.js'
import type {SummaryCache} from '../sync/summary-cache.js'
import type {SessionSource, SourceTranscript} from './session-source.js'

/** A store of reprise's, or of the Agent SDK's reference adapters. */
export class RepriseSource implements SessionSource {
  readonly layout = 'reprise'
  readonly #store: ObjectStore
  readonly #cache: SummaryCache

  constructor(store: ObjectStore, cache: SummaryCache) {
    this.#store = store
    this.#cache = cache
  }

  get url(): string {
    return this.#store.url
  }

  async rows(): Promise<readonly ListedSession[]> {
    return listStored(this.#store, this.#cache)
  }

  async leftOut(): Promise<readonly string[]> {
    return []
  }

  async transcripts({sessionId, projectKey}: ListedSession): Promise<readonly SourceTranscript[]> {
    // A listing needs none of it.
    const [{Parts}, {readDelivery}, {viewTranscript}] = await Promise.all([
      import('../store/parts.js'),
      import('../store/read-delivery.js'),
      import('../store/view.js'),
    ])
    const parts = new Parts(this.#store)
    const {transcripts} = await parts.listSession({homeKey: projectKey, sessionId})
    return transcripts.map(({ref}): SourceTranscript => ({
      kind: ref.subpath === undefined ? 'main' : 'subagent',
      ...(ref.subpath !== undefined && {subpath: ref.subpath}),
      sessionId,
      async *open() {
        yield* readDelivery(await viewTranscript(parts, ref), parts)
      },
    }))
  }
}
