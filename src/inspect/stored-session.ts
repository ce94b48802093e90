import {createHash} from 'node:crypto'
import {hasCode, RepriseError} from '../base/errors.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {deliveredBytes} from '../store/bytes.js'
import {loadTranscript} from '../store/load.js'
import type {PartListing, Parts} from '../store/parts.js'
import type {SessionRef} from '../store/names.js'
import {readDelivery} from '../store/read-delivery.js'
import {viewTranscript} from '../store/view.js'
import {storedSide} from '../sync/stored-side.js'
import {parseObject} from '../transcript/entry-identity.js'
import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

/** A session in a store of reprise's layout. */
export class StoredSession implements SessionOrigin {
  readonly source = 'store'
  readonly #parts: Parts
  readonly #ref: SessionRef

  constructor(parts: Parts, ref: SessionRef) {
    this.#parts = parts
    this.#ref = ref
  }

  get sessionId(): string {
    return this.#ref.sessionId
  }

  get place(): string {
    return (this.#parts.store satisfies Pick<ObjectStore, 'url'>).url
  }

  /** One LIST. */
  async transcripts(): Promise<readonly TranscriptOrigin[]> {
    const {transcripts} = await this.#parts.listSession(this.#ref)
    return transcripts.filter(({parts}) => parts.length > 0).map((listing) => storedTranscript(this.#parts, listing))
  }
}

function storedTranscript(parts: Parts, listing: PartListing): TranscriptOrigin {
  const {ref} = listing
  const {sessionId, subpath} = ref
  return {
    name: {sessionId, ...(subpath !== undefined && {subpath})},
    version: listing.parts.map(({name, etag}) => `${name} ${etag}`).join('\n'),
    size: listing.parts.reduce((sum, {size}) => sum + size, 0),
    async load(sink) {
      await loadTranscript(parts, ref, sink, {listing, withMetadata: true})
    },
    read: () => readStored(parts, listing),
    async open() {
      const {delivery} = await viewTranscript(parts, ref, {listing})
      return {...deliveredBytes(delivery, parts), [Symbol.asyncDispose]: async () => undefined}
    },
    async metadata() {
      const last = (await viewTranscript(parts, ref, {listing})).delivery.metadata.at(-1)
      if (!last) return undefined
      const chunks: Uint8Array[] = []
      for await (const chunk of parts.read(last.part, last.start, last.end)) chunks.push(chunk)
      return parseObject(Buffer.concat(chunks))
    },
  }
}

const ATTEMPTS = 5

/** Goes on where it was when parts are moved meanwhile, by a compaction say: what was given must be what it begins with then. */
async function* readStored(parts: Parts, listing: PartListing): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  let given = 0
  for (let attempt = 1; ; attempt++) {
    const view = await viewTranscript(parts, listing.ref, attempt === 1 ? {listing} : {})
    const begins = given === 0 ? undefined : await (await storedSide(view, parts)).digestAt(given)
    if (begins !== undefined && begins !== hash.copy().digest('hex')) throw changed(listing)
    try {
      let at = 0
      for await (const chunk of readDelivery(view, parts)) {
        const fresh = chunk.subarray(Math.max(0, given - at))
        at += chunk.length
        if (fresh.length === 0) continue
        hash.update(fresh)
        given = at
        yield fresh
      }
      return
    } catch (error) {
      if (!hasCode(error, 'OBJECT_NOT_FOUND') || attempt === ATTEMPTS) throw error
    }
  }
}

function changed({ref}: PartListing): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TRANSCRIPT_BUSY',
    message: `session ${ref.sessionId} was rewritten while it was read`,
    suggestions: ['Run the command again.'],
  })
}
