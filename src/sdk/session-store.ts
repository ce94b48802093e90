import {RepriseError} from '../base/errors.js'
import {within} from '../base/within.js'
import {combineObservers} from '../metrics/observer.js'
import {Homes} from '../store/home.js'
import {isSafeSegment} from '../store/names.js'
import {type PartListing, Parts} from '../store/parts.js'
import {parseObject} from '../transcript/entry-identity.js'
import type {Line} from '../transcript/lines.js'
import type {SessionStoreContext} from './context.js'
import {encodeEntries, type EncodedEntry} from './encode.js'
import {bytesOf, learn} from './knowledge.js'
import {PendingBytes} from './pending-bytes.js'
import {checkKey, placeToRead, projectKeyOf} from './place.js'
import {removeTranscript} from './remove.js'
import {readSdkSummaries} from './sdk-summary.js'
import {type OpenedStore, TranscriptWriters} from './transcript-writers.js'
import type {SessionEntry, SessionKey, SessionListItem, SummaryItem} from './types.js'

/** What is stored after a flush. */
export interface FlushReport {
  /** Everything that was appended before is durable. */
  readonly complete: boolean
  readonly pendingEntries: number
  readonly pendingBytes: number
}

const CLOSE_MS = 8_000
const LINGER_MS = 100

/**
 * The Agent SDK's `SessionStore` over the part protocol: what it stores is read by the reference adapters, by this package's
 * command line, and by itself.
 */
export class MirrorSessionStore {
  readonly #context: SessionStoreContext
  readonly #pending: PendingBytes
  readonly #writers: TranscriptWriters
  #opened: Promise<OpenedStore> | undefined
  #closing: Promise<FlushReport> | undefined
  /** Calls of `append` that have not been answered. */
  readonly #appending = new Map<Promise<void>, SessionKey>()
  /** `open` takes appends, `closing` stores what it has taken. */
  #state: 'open' | 'closing' | 'closed' = 'open'
  #activeAt = Number.NEGATIVE_INFINITY

  constructor(context: SessionStoreContext) {
    this.#context = {...context, observe: combineObservers([context.observe])}
    this.#pending = new PendingBytes(context.maxPendingBytes, context.clock)
    this.#writers = new TranscriptWriters(this.#context, this.#pending, async () => this.#open())
  }

  /**
   * Resolves when the entries are durable (with a lease: acknowledged under it), in the order of the calls for one transcript. Entries
   * with a `uuid` that is stored already are passed over.
   *
   * @throws UNSAFE_KEY, SESSION_STORE_CLOSED, MIRROR_BACKLOG; LEASE_HELD and LEASE_LOST with `lease`; what the store throws.
   */
  async append(key: SessionKey, entries: readonly SessionEntry[]): Promise<void> {
    if (this.#state !== 'open') throw closed()
    checkKey(key)
    if (entries.length === 0) return
    this.#activeAt = this.#context.clock.now()
    const appending = this.#pending.hold(encodeEntries(entries), async (admitted: readonly EncodedEntry[]) => {
      if (this.#state === 'closed') throw closed()
      await this.#writers.mirrorOf(key).append(admitted)
    })
    this.#appending.set(appending, key)
    try {
      await appending
    } finally {
      this.#appending.delete(appending)
      this.#activeAt = this.#context.clock.now()
    }
  }

  /** @returns null for a transcript that was never written. @throws PART_DAMAGED, SESSION_TOO_LARGE and what the store throws. */
  async load(key: SessionKey): Promise<SessionEntry[] | null> {
    checkKey(key)
    const {store, homes} = await this.#open()
    await this.#writers.settle(key)
    const ref = await placeToRead(this.#context.projectKey, homes, key)
    if (!ref) return null
    const newSummary = await this.#writers.newSummary(key)
    const parts = new Parts(store)
    const listing = await parts.list(ref)
    if (listing.parts.length === 0) return null
    let entries: SessionEntry[] = []
    const collect = (): ((line: Line) => void) => {
      const found: SessionEntry[] = (entries = [])
      return ({bytes}) => {
        const entry = parseObject(bytes)
        if (entry) found.push(entry as SessionEntry)
      }
    }
    const {maxBytes} = this.#context
    const knowledge = await learn(parts, ref, newSummary, {listing, collect, maxBytes})
    await this.#writers.learned(key, knowledge)
    return entries
  }

  /** Sessions of a project that have a main transcript. */
  async listSessions(projectKey: string): Promise<SessionListItem[]> {
    return [...(await this.#listed(projectKey))].map(([sessionId, {mtime}]) => ({sessionId, mtime}))
  }

  /** Those whose summary covers all of their parts. */
  async listSessionSummaries(projectKey: string): Promise<SummaryItem[]> {
    const {store} = await this.#open()
    const listed = await this.#listed(projectKey)
    const homeKey = projectKeyOf(this.#context.projectKey, projectKey)
    const summaries = await readSdkSummaries(store, homeKey, (sessionId) => listed.has(sessionId))
    return summaries.flatMap(({sessionId, mtime, bytes, data}) => {
      const now = listed.get(sessionId)
      return now?.mtime === mtime && now.bytes === bytes ? [{sessionId, mtime, data}] : []
    })
  }

  /** A session with everything below it, or the one transcript that `subpath` names. Idempotent. @throws DELETE_INCOMPLETE */
  async delete(key: SessionKey): Promise<void> {
    checkKey(key)
    const {store, homes} = await this.#open()
    const belongs = (each: SessionKey): boolean => isBelow(each, key)
    await this.#settle(belongs)
    this.#writers.end(deleted(key), belongs)
    const ref = await placeToRead(this.#context.projectKey, homes, key)
    if (ref) await removeTranscript(store, homes, ref)
  }

  /** Subpaths of a session's other transcripts. */
  async listSubkeys(key: {readonly projectKey: string; readonly sessionId: string}): Promise<string[]> {
    checkKey(key)
    const {store, homes} = await this.#open()
    const ref = await placeToRead(this.#context.projectKey, homes, key)
    if (!ref) return []
    const {transcripts} = await new Parts(store).listSession(ref)
    return transcripts.flatMap(({ref: {subpath}, parts}) =>
      subpath !== undefined && parts.length > 0 ? [subpath] : [],
    )
  }

  /** Waits until everything that was appended is durable, or cannot be made so now; then writes the summaries. Never rejects. */
  async flush(): Promise<FlushReport> {
    const started = this.#context.clock.now()
    const before = this.#unsaved
    await this.#settle()
    const report = this.#report()
    this.#context.observe({
      type: 'flush',
      durationMs: this.#context.clock.now() - started,
      pendingBytes: before.bytes,
      pendingEntries: before.entries,
      complete: report.complete,
    })
    return report
  }

  /** Gives the lease of one session back, with all that was appended to it durable. Without `lease` the same as a flush of it. */
  async release(sessionId: string): Promise<void> {
    const belongs = (key: SessionKey): boolean => key.sessionId === sessionId
    do await this.#settle(belongs)
    while ([...this.#appending.values()].some(belongs))
    await this.#writers.release(sessionId)
  }

  /**
   * Flushes, gives the leases back and closes the store, all of it in `timeoutMs`. Entries that a query which has just been left still
   * sends are taken; every later call of `append` rejects. Idempotent.
   *
   * @param timeoutMs default 8,000. What is not done by then is left, and a lease that is not given back runs out by itself.
   */
  async close({timeoutMs = CLOSE_MS}: {readonly timeoutMs?: number} = {}): Promise<FlushReport> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<FlushReport> {
    const {clock} = this.#context
    const end = clock.now() + timeoutMs
    const left = (): number => Math.max(0, end - clock.now())
    const waiting = new AbortController()
    // What was rejected before gets its last try while others still send.
    void this.#writers.store(() => true)
    const flushing = this.#quiet(waiting.signal).then(async () => {
      if (waiting.signal.aborted) return undefined
      this.#state = 'closing'
      return this.flush()
    })
    const flushed = await within(clock, timeoutMs, flushing)
    waiting.abort()
    this.#state = 'closed'
    const report = flushed ?? this.#report()
    // Leases are worth more than fewer parts.
    await this.#writers.compact(flushed ? left() / 2 : 0)
    await within(clock, Math.max(left(), LINGER_MS), this.#writers.releaseAll())
    this.#writers.end(closed())
    const closing = this.#opened?.then(async ({store}) => store.close()).catch(() => undefined)
    if (closing) await within(clock, Math.max(left(), LINGER_MS), closing)
    return report
  }

  #report(): FlushReport {
    const {entries, bytes} = this.#unsaved
    return {complete: entries === 0, pendingEntries: entries, pendingBytes: bytes}
  }

  get #unsaved(): {readonly entries: number; readonly bytes: number} {
    const [{entries, bytes}, {outside}] = [this.#writers.unsaved, this.#pending]
    return {entries: entries + outside.entries, bytes: bytes + outside.bytes}
  }

  /** Until everything that was appended to these transcripts is stored or has failed, what waits for room included, and summaries are written. */
  async #settle(belongs: (key: SessionKey) => boolean = () => true): Promise<void> {
    const appending = [...this.#appending].flatMap(([each, key]) => (belongs(key) ? [each] : []))
    await Promise.all([this.#writers.store(belongs), Promise.allSettled(appending)])
    await this.#writers.summarise(belongs)
  }

  /** A query sends one batch after the other, and one that was left early its last entries up to 50 ms later. */
  async #quiet(signal: AbortSignal): Promise<void> {
    const {clock} = this.#context
    if (this.#writers.isEmpty && this.#appending.size === 0) return
    const began = clock.now()
    const isActive = (): boolean =>
      this.#appending.size > 0 || clock.now() - Math.max(this.#activeAt, began) < LINGER_MS
    while (!signal.aborted && isActive()) {
      await clock.sleep(LINGER_MS / 4, signal).catch(() => undefined)
    }
  }

  async #listed(projectKey: string): Promise<Map<string, {mtime: number; bytes: number}>> {
    checkKey({projectKey, sessionId: 'any'})
    const {store} = await this.#open()
    const homeKey = projectKeyOf(this.#context.projectKey, projectKey)
    const sessions = await new Parts(store).listProject(homeKey, isSafeSegment)
    const listed = new Map<string, {mtime: number; bytes: number}>()
    for (const [sessionId, {transcripts}] of sessions) {
      const [main] = transcripts
      if (main && main.parts.length > 0) listed.set(sessionId, {mtime: mtimeOf(main), bytes: bytesOf(main)})
    }
    return listed
  }

  async #open(): Promise<OpenedStore> {
    this.#opened ??= this.#context.open().then((store) => ({store, homes: new Homes(store)}))
    const opened = this.#opened
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = undefined
    })
    return opened
  }
}

function isBelow(key: SessionKey, of: SessionKey): boolean {
  const isSession = key.projectKey === of.projectKey && key.sessionId === of.sessionId
  return isSession && (of.subpath === undefined || of.subpath === '' || of.subpath === key.subpath)
}

/** As readers of this layout take it: from the name of the last part, else from the store's clock. */
function mtimeOf({parts}: PartListing): number {
  return parts.reduce((last, {parsed, modified}) => Math.max(last, parsed?.ms ?? Math.floor(modified)), 0)
}

function closed(): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_STORE_CLOSED',
    message: 'the session store is closed: nothing more is stored by it',
    suggestions: ['Close it after the last message of the last query.'],
  })
}

function deleted({sessionId}: SessionKey): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_DELETED',
    message: `session ${sessionId} was deleted while it was written`,
  })
}
