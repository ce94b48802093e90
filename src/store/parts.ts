import pMap from 'p-map'
import {hasCode, RepriseError} from '../base/errors.js'
import {isKey} from '../object-store/key.js'
import {listAhead} from '../object-store/list-ahead.js'
import {listAll} from '../object-store/list-all.js'
import type {ObjectStore, ObjectSummary} from '../object-store/object-store.js'
import {isSessionId} from '../transcript/session-id.js'
import type {PartSource} from './chain.js'
import {
  archivePrefix,
  isSafeSubpath,
  parsePartName,
  projectPrefix,
  sessionPrefix,
  type SessionRef,
  type TranscriptRef,
  transcriptPrefix,
} from './names.js'
import {decoded, metadataLost} from './codec.js'
import {
  decodeArchived,
  decodeRange,
  isMetadataPart,
  type ListedPart,
  listedPart,
  type PartRange,
  type RangedPart,
} from './part.js'

export interface PartsOptions {
  /** Requests under way at once. Default 16. */
  readonly concurrency?: number
  readonly signal?: AbortSignal
  /** Shares what these know of parts: another way to the same store. */
  readonly known?: Parts
}

/** The parts of one transcript, in key order, and the store's clock when the listing began. */
export interface PartListing {
  readonly ref: TranscriptRef
  readonly parts: readonly ListedPart[]
  readonly date: number
}

/** All transcripts of a session from one listing. */
export interface SessionListing {
  readonly ref: SessionRef
  /** The main transcript first (also when it has no parts), then the subagents' in byte order of their subpaths. */
  readonly transcripts: readonly PartListing[]
  /** Keys below the session that no writer of this layout makes; nothing reads them. */
  readonly ignored: readonly string[]
  readonly date: number
}

/** Parts as objects of a store: listed, described by their metadata, read. Metadata is kept, since a part never changes. */
export class Parts implements PartSource {
  readonly store: ObjectStore
  readonly #concurrency: number
  readonly #signal: AbortSignal | undefined
  readonly #ranges: Map<string, {etag: string; range: PartRange | undefined}>
  readonly #archived = new Map<string, RangedPart>()

  constructor(store: ObjectStore, {known, concurrency, signal}: PartsOptions = {}) {
    this.store = store
    this.#concurrency = concurrency ?? (known === undefined ? 16 : known.#concurrency)
    this.#signal = signal
    this.#ranges = known === undefined ? new Map() : known.#ranges
  }

  /** Direct children of the transcript's prefix, whatever their names (`isPart`): readers of this layout take every one. */
  async list(ref: TranscriptRef): Promise<PartListing> {
    const prefix = transcriptPrefix(ref)
    const options = {prefix, delimiter: '/' as const, ...this.#request()}
    const {objects, date} = await listAhead(this.store, options, (last, now) => cutsAfter(prefix, last, now))
    const parts = objects.map((each) => listedPart(each.key, each.size, each.etag, each.modified))
    return {ref, parts: parts.filter(isPart), date}
  }

  /** What is archived of a transcript. One request, and one for each object not seen before. @throws what `decodeArchived` throws */
  async listArchive(ref: TranscriptRef): Promise<readonly RangedPart[]> {
    const {objects} = await listAll(this.store, {prefix: archivePrefix(ref), delimiter: '/', ...this.#request()})
    const found = await pMap(
      objects,
      async ({key, size, etag, modified}) => {
        const known = this.#archived.get(key)
        if (known?.etag === etag) return known
        const head = await this.store.head(key, this.#request())
        const object = listedPart(key, size, etag, modified)
        const part = head && decodeArchived(object, head.metadata)
        if (head && !part && object.parsed) throw metadataLost(object)
        if (part) this.#archived.set(key, part)
        return part
      },
      {concurrency: this.#concurrency},
    )
    return found.filter((part) => part !== undefined)
  }

  async listSession(ref: SessionRef): Promise<SessionListing> {
    const {objects, date} = await listAll(this.store, {prefix: sessionPrefix(ref), ...this.#request()})
    return groupSession(ref, objects, date)
  }

  /**
   * All sessions under a project key from one listing, by their ids.
   *
   * @param isId which names are session ids; others are passed over. Default: UUIDs, as Claude gives them.
   */
  async listProject(homeKey: string, isId = isSessionId): Promise<ReadonlyMap<string, SessionListing>> {
    const prefix = projectPrefix(homeKey)
    const {objects, date} = await listAll(this.store, {prefix, ...this.#request()})
    const bySession = new Map<string, ObjectSummary[]>()
    for (const object of objects) {
      const sessionId = object.key.slice(prefix.length).split('/', 1)[0] ?? ''
      if (isId(sessionId)) (bySession.get(sessionId) ?? setNew(bySession, sessionId)).push(object)
    }
    return new Map([...bySession].map(([sessionId, own]) => [sessionId, groupSession({homeKey, sessionId}, own, date)]))
  }

  /**
   * The listed parts with what their metadata says; a part without metadata of ours stays as it is. One request for a part not
   * seen before.
   *
   * @throws OBJECT_NOT_FOUND when a listed part is gone: list again.
   */
  async describe(parts: readonly ListedPart[]): Promise<(ListedPart | RangedPart)[]> {
    return pMap(
      parts,
      async (part) => {
        const range = isMetadataPart(part) ? undefined : await this.range(part)
        return range ? {...part, range} : part
      },
      {concurrency: this.#concurrency},
    )
  }

  async range(part: ListedPart): Promise<PartRange | undefined> {
    const known = this.#ranges.get(part.key)
    if (known?.etag === part.etag) return known.range
    const head = await this.store.head(part.key, this.#request())
    if (!head) throw partGone(part)
    return this.remember(part, head.metadata)
  }

  /** Whether `range` answers without a request. */
  knows({key, etag}: ListedPart): boolean {
    return this.#ranges.get(key)?.etag === etag
  }

  /** Keeps what a request that was made for another reason says of a part. */
  remember(part: ListedPart, metadata: Readonly<Record<string, string>>): PartRange | undefined {
    const range = decodeRange(part, metadata)
    this.#ranges.set(part.key, {etag: part.etag, range})
    return range
  }

  /** Bytes `[start, end)` of a part. @throws PART_DAMAGED, OBJECT_NOT_FOUND */
  async *read(part: ListedPart, start: number, end: number): AsyncIterable<Uint8Array> {
    if (end <= start) return
    if (part.codec !== undefined) {
      const {body} = await this.store.get(part.key, {ifMatch: part.etag, ...this.#request()})
      yield* decoded(part, body, start, end)
      return
    }
    const whole = start === 0 && end === part.size
    const {body, metadata} = await this.store.get(part.key, {...(!whole && {range: {start, end}}), ...this.#request()})
    if (!this.knows(part)) this.remember(part, metadata)
    let left = end - start
    for await (const chunk of body) {
      left -= chunk.byteLength
      if (left < 0) break
      yield chunk
    }
    if (left !== 0) throw sizeChanged(part)
  }

  #request(): {signal?: AbortSignal} {
    return this.#signal ? {signal: this.#signal} : {}
  }
}

/**
 * Runs a read of parts again, from a new listing, when a part it was about to use has gone: a compaction or a rebase moved
 * under it.
 */
export async function againWhenMoved<T>(read: () => Promise<T>, attempts = 5): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (!hasCode(error, 'OBJECT_NOT_FOUND') || attempt >= attempts) throw error
    }
  }
}

const CUTS = 3

/** Names of parts begin with the time: what was written after the last one is cut evenly. */
function cutsAfter(prefix: string, last: string, now: number): string[] {
  const from = parsePartName(last.slice(prefix.length))?.ms
  if (from === undefined || from >= now) return []
  const step = (now - from) / (CUTS + 1)
  return Array.from(
    {length: CUTS},
    (_, index) => `${prefix}part-${String(Math.floor(from + step * (index + 1))).padStart(13, '0')}`,
  )
}

/** What a listing shows below a session's prefix, as transcripts. */
function groupSession(ref: SessionRef, objects: readonly ObjectSummary[], date: number): SessionListing {
  const prefix = sessionPrefix(ref)
  const bySubpath = new Map<string, ListedPart[]>([['', []]])
  const ignored: string[] = []
  for (const {key, size, etag, modified} of objects) {
    const below = key.slice(prefix.length)
    const subpath = below.slice(0, Math.max(0, below.lastIndexOf('/')))
    const part = listedPart(key, size, etag, modified)
    if (!isPart(part) || (subpath !== '' && !isSafeSubpath(subpath))) ignored.push(key)
    else (bySubpath.get(subpath) ?? setNew(bySubpath, subpath)).push(part)
  }
  const transcripts = [...bySubpath].map(([subpath, parts]) => ({
    ref: {homeKey: ref.homeKey, sessionId: ref.sessionId, ...(subpath !== '' && {subpath})},
    parts,
    date,
  }))
  return {ref, transcripts, ignored, date}
}

/** Not a folder's marker, which has no name, nor a key that no store can be asked for: nobody who writes parts makes one. */
function isPart({key, name}: ListedPart): boolean {
  return name !== '' && isKey(key)
}

function setNew<T>(map: Map<string, T[]>, key: string): T[] {
  const values: T[] = []
  map.set(key, values)
  return values
}

function partGone(part: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'OBJECT_NOT_FOUND',
    message: `${part.key} was listed and is gone`,
    suggestions: ['Run the command again: another writer moved the parts of this session.'],
  })
}

function sizeChanged(part: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `${part.key} does not have the size that it was listed with`,
    suggestions: ['reprise doctor'],
  })
}
