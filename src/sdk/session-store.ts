import type {Clock, Random} from '../base/clock.js'
import {RepriseError, toRepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import {combineObservers, type Observer} from '../metrics/observer.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {BackgroundCompaction} from '../store/background-compaction.js'
import {Homes} from '../store/home.js'
import {isSafeSegment} from '../store/names.js'
import {type PartListing, Parts} from '../store/parts.js'
import {mayDelete} from '../store/probe.js'
import type {WriteContext} from '../store/write-part.js'
import {parseObject} from '../transcript/entry-identity.js'
import type {Line} from '../transcript/lines.js'
import type {Appender} from './appender.js'
import {ChainAppender} from './chain-appender.js'
import {encodeEntries, type EncodedEntry} from './encode.js'
import {bytesOf, type Knowledge, learn} from './knowledge.js'
import {LazyAppender} from './lazy-appender.js'
import {LeasedAppender} from './leased-appender.js'
import {PendingBytes} from './pending-bytes.js'
import {checkKey, placeToRead, placeToWrite, projectKeyOf, type ProjectKeyRule} from './place.js'
import {removeTranscript} from './remove.js'
import {readSdkSummaries} from './sdk-summary.js'
import {type HeldLease, SessionHold} from './session-hold.js'
import {SummaryFold} from './summary-fold.js'
import {SummaryKeeper} from './summary-keeper.js'
import {type MirrorStep, TranscriptMirror} from './transcript-mirror.js'
import type {FoldSummary, SessionEntry, SessionKey, SessionListItem, SummaryItem} from './types.js'

export interface SessionStoreContext {
  /** Opened at the first call; closed by `close`. */
  readonly open: () => Promise<ObjectStore>
  readonly clock: Clock
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly random: Random
  readonly logger: Logger
  /** This machine's name, for people who look at the store. */
  readonly machine: string
  readonly projectKey: ProjectKeyRule
  /** With it every session is written under its lease. */
  readonly acquire?: (store: ObjectStore, sessionId: string) => Promise<HeldLease>
  /** The SDK's `foldSessionSummary`; undefined where there is none: sessions have no SDK summaries then. */
  readonly foldSummary: () => Promise<FoldSummary | undefined>
  readonly observe: Observer
  readonly maxPendingBytes: number
  readonly readLimitMs: number
  /** Parts of a transcript at which it is compacted in the background; 0: never. */
  readonly compactAt: number
}

export interface FlushReport {
  /** Everything that was appended before is durable. */
  readonly complete: boolean
  readonly pendingEntries: number
  readonly pendingBytes: number
}

interface Writer {
  readonly key: SessionKey
  readonly appender: LazyAppender<ChainAppender | LeasedAppender>
  readonly mirror: TranscriptMirror
  readonly keeper: SummaryKeeper | undefined
  readonly compaction: BackgroundCompaction
  usedAt: number
}

interface Opened {
  readonly store: ObjectStore
  readonly homes: Homes
}

/** Writers that were not used for this long are forgotten when there are many: the next append lists again. */
const IDLE_MS = 10 * 60_000
const MANY_WRITERS = 256
const CLOSE_MS = 8_000
const LINGER_MS = 100
const COMPACT_AT_CLOSE_MS = 2_000

/**
 * The Agent SDK's `SessionStore` over the part protocol: what it stores is read by the reference adapters, by this package's
 * command line, and by itself.
 */
export class MirrorSessionStore {
  readonly #context: SessionStoreContext
  readonly #pending: PendingBytes
  readonly #writers = new Map<string, Writer>()
  readonly #holds = new Map<string, SessionHold>()
  readonly #recorded = new Set<string>()
  #opened: Promise<Opened> | undefined
  #fold: Promise<FoldSummary | undefined> | undefined
  #closing: Promise<FlushReport> | undefined
  #closed = false
  #appendedAt = Number.NEGATIVE_INFINITY

  constructor(context: SessionStoreContext) {
    this.#context = {...context, observe: combineObservers([context.observe])}
    this.#pending = new PendingBytes(context.maxPendingBytes, context.clock)
  }

  /**
   * Resolves when the entries are durable (with a lease: acknowledged under it), in the order of the calls for one transcript. Entries
   * with a `uuid` that is stored already are passed over.
   *
   * @throws UNSAFE_KEY, SESSION_STORE_CLOSED, MIRROR_BACKLOG; LEASE_HELD and LEASE_LOST with `lease`; what the store throws.
   */
  async append(key: SessionKey, entries: readonly SessionEntry[]): Promise<void> {
    if (this.#closed) throw closed()
    checkKey(key)
    if (entries.length === 0) return
    this.#appendedAt = this.#context.clock.now()
    const encoded = encodeEntries(entries)
    const writer = this.#writer(key)
    await this.#pending.hold(encoded, async (admitted: readonly EncodedEntry[]) => {
      if (this.#closed) throw closed()
      await writer.mirror.append(admitted)
    })
  }

  /** @returns null for a transcript that was never written. @throws PART_DAMAGED and what the store throws. */
  async load(key: SessionKey): Promise<SessionEntry[] | null> {
    checkKey(key)
    const {store, homes} = await this.#open()
    const writer = this.#writers.get(nameOf(key))
    await writer?.mirror.flush()
    const ref = await placeToRead(this.#context.projectKey, homes, key)
    if (!ref) return null
    const newSummary = await this.#newFold(key)
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
    const knowledge = await learn(parts, ref, newSummary, {listing, collect})
    await this.#prepare(key, knowledge)
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
    for (const [name, writer] of this.#writers) {
      if (!isBelow(writer.key, key)) continue
      await writer.mirror.flush()
      writer.mirror.end(deleted(key))
      this.#writers.delete(name)
    }
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
    const before = this.#unsaved()
    const writers = [...this.#writers.values()]
    await Promise.all(writers.map(async ({mirror}) => mirror.flush()))
    await Promise.all(writers.map(async ({keeper}) => keeper?.flush()))
    const after = this.#unsaved()
    const complete = after.entries === 0
    this.#context.observe({
      type: 'flush',
      durationMs: this.#context.clock.now() - started,
      pendingBytes: before.bytes,
      pendingEntries: before.entries,
      complete,
    })
    return {complete, pendingEntries: after.entries, pendingBytes: after.bytes}
  }

  /** Gives the lease of one session back, with all that was appended to it durable. Without `lease` the same as a flush of it. */
  async release(sessionId: string): Promise<void> {
    const own = [...this.#writers].filter(([, {key}]) => key.sessionId === sessionId)
    for (const [, {mirror, keeper}] of own) {
      await mirror.flush()
      await keeper?.flush()
    }
    await this.#endHold(sessionId)
    for (const [name, {mirror}] of own) if (mirror.isIdle) this.#writers.delete(name)
  }

  /**
   * Flushes for at most `timeoutMs`, gives the leases back and closes the store. Entries that a query which has just been left still sends
   * are taken; every later call of `append` rejects. Idempotent.
   *
   * @param timeoutMs default 8,000.
   */
  async close({timeoutMs = CLOSE_MS}: {readonly timeoutMs?: number} = {}): Promise<FlushReport> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<FlushReport> {
    const waiting = new AbortController()
    const late = this.#context.clock.sleep(timeoutMs, waiting.signal).catch(() => undefined)
    const flushed = await Promise.race([this.#quiet(waiting.signal).then(async () => this.flush()), late])
    waiting.abort()
    this.#closed = true
    for (const {mirror} of this.#writers.values()) if (!mirror.isIdle) mirror.end(closed())
    if (flushed) await this.#compact()
    const unsaved = this.#unsaved()
    const opened = await this.#opened?.catch(() => undefined)
    if (flushed) await Promise.all([...this.#holds.keys()].map(async (sessionId) => this.#endHold(sessionId)))
    await opened?.store.close()
    return flushed ?? {complete: false, pendingEntries: unsaved.entries, pendingBytes: unsaved.bytes}
  }

  async #compact(): Promise<void> {
    const waiting = new AbortController()
    const late = this.#context.clock.sleep(COMPACT_AT_CLOSE_MS, waiting.signal).catch(() => undefined)
    const compactions = [...this.#writers.values()].map(({compaction}) => compaction)
    await Promise.race([Promise.all(compactions.map(async (each) => each.finish())), late])
    waiting.abort()
    for (const each of compactions) each.stop()
  }

  /** A query that was left early sends its last entries up to 50 ms later. */
  async #quiet(signal: AbortSignal): Promise<void> {
    const {clock} = this.#context
    if (this.#writers.size === 0) return
    const began = clock.now()
    while (!signal.aborted && clock.now() - Math.max(this.#appendedAt, began) < LINGER_MS) {
      await clock.sleep(LINGER_MS / 4, signal).catch(() => undefined)
    }
  }

  async #endHold(sessionId: string): Promise<void> {
    const hold = this.#holds.get(sessionId)
    if (!hold) return
    this.#holds.delete(sessionId)
    const own = [...this.#writers.values()].filter(({key}) => key.sessionId === sessionId)
    const clean = own.every(({mirror}) => mirror.isIdle)
    try {
      if (clean) for (const {appender} of own) if (appender.inner instanceof LeasedAppender) await appender.inner.tidy()
      await hold.end(clean)
    } catch (error) {
      this.#context.logger.warn('a lease was not given back', {sessionId, code: toRepriseError(error).code})
    }
  }

  #unsaved(): {entries: number; bytes: number} {
    const all = [...this.#writers.values()].map(({mirror}) => mirror.pending)
    return {
      entries: all.reduce((sum, each) => sum + each.entries, 0),
      bytes: all.reduce((sum, each) => sum + each.bytes, 0),
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

  async #open(): Promise<Opened> {
    this.#opened ??= this.#context.open().then((store) => ({store, homes: new Homes(store)}))
    const opened = this.#opened
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = undefined
    })
    return opened
  }

  async #newFold({projectKey, sessionId, subpath}: SessionKey): Promise<() => SummaryFold | undefined> {
    if (subpath !== undefined && subpath !== '') return () => undefined
    this.#fold ??= this.#context.foldSummary().catch(() => undefined)
    const fold = await this.#fold
    return () => new SummaryFold({projectKey, sessionId}, fold)
  }

  #writer(key: SessionKey): Writer {
    const name = nameOf(key)
    const now = this.#context.clock.now()
    const known = this.#writers.get(name)
    if (known) {
      known.usedAt = now
      return known
    }
    if (this.#writers.size >= MANY_WRITERS) this.#forgetIdle(now)
    const made = this.#makeWriter(key, now)
    this.#writers.set(name, made)
    return made
  }

  #makeWriter(key: SessionKey, usedAt: number): Writer {
    const {clock, background, machine, logger} = this.#context
    const appender = new LazyAppender(async () => this.#makeAppender(key))
    const keeper =
      key.subpath === undefined || key.subpath === ''
        ? new SummaryKeeper({machine, clock, background, logger}, () => appender.state())
        : undefined
    const compaction = new BackgroundCompaction(appender, {
      compactAt: this.#context.compactAt,
      mayDelete: async () => this.#mayDelete(),
      logger,
    })
    const observe = (step: MirrorStep): void => {
      this.#observed(key, step, appender)
      if (step.type !== 'stored') return
      keeper?.touch()
      compaction.grown()
    }
    const mirror = new TranscriptMirror(appender, {clock, background, keep: this.#pending, observe})
    return {key, appender, mirror, keeper, compaction, usedAt}
  }

  async #makeAppender(key: SessionKey): Promise<ChainAppender | LeasedAppender> {
    const {store, homes} = await this.#open()
    const {clock, random, machine, projectKey, readLimitMs} = this.#context
    const [ref, newSummary] = await Promise.all([placeToWrite(projectKey, homes, key), this.#newFold(key)])
    const context: WriteContext = {parts: new Parts(store), clock, random, machine}
    const beforeFirst = async (): Promise<void> => this.#recordHome(homes, key.sessionId, ref.homeKey)
    const hold = this.#holdOf(store, key.sessionId)
    if (!hold) return new ChainAppender(context, ref, {readLimitMs, beforeFirst, newSummary})
    return new LeasedAppender(context, ref, {hold: async () => hold.lease(), beforeFirst, newSummary})
  }

  #holdOf(store: ObjectStore, sessionId: string): SessionHold | undefined {
    const {acquire, background, logger} = this.#context
    if (!acquire) return undefined
    const known = this.#holds.get(sessionId)
    if (known) return known
    const hold = new SessionHold({acquire: async () => acquire(store, sessionId), background, logger})
    this.#holds.set(sessionId, hold)
    return hold
  }

  async #mayDelete(): Promise<boolean> {
    const {store} = await this.#open()
    return mayDelete(store, this.#context.machine)
  }

  /** Under which project key the session is first stored, for whoever looks for it. */
  async #recordHome(homes: Homes, sessionId: string, homeKey: string): Promise<void> {
    if (this.#recorded.has(sessionId)) return
    await homes.record(sessionId, homeKey)
    if (this.#recorded.size > 10_000) this.#recorded.clear()
    this.#recorded.add(sessionId)
  }

  #observed(key: SessionKey, step: MirrorStep, appender: Appender): void {
    const {projectKey, sessionId, subpath} = key
    const transcript = {projectKey, sessionId, ...(subpath !== undefined && {subpath})}
    const {bytes, entries, calls: appends} = step
    if (step.type === 'stored') {
      const {putMs, latencyMs, lagMs} = step
      const times = {putMs, latencyMs, ...(lagMs !== undefined && {lagMs})}
      this.#context.observe({type: 'append', ...transcript, bytes, entries, appends, parts: appender.parts, ...times})
      return
    }
    const {code, message} = step.error
    this.#holds.get(sessionId)?.failed(step.error)
    this.#context.observe({type: 'fail', ...transcript, code, message, bytes, entries, appends})
    this.#context.logger.error('entries were not stored', {sessionId, code, entries, bytes})
  }

  /** A transcript that was loaded is about to be gone on with: by this process, and as it was just read. */
  async #prepare(key: SessionKey, knowledge: Knowledge): Promise<void> {
    const known = this.#writers.get(nameOf(key))
    if (known?.mirror.isEnded) {
      // A session that was lost is taken up again with what the new holder wrote.
      this.#writers.delete(nameOf(key))
      await this.#holds.get(key.sessionId)?.end(false)
      this.#holds.delete(key.sessionId)
    }
    const {appender, mirror} = this.#writer(key)
    if (!mirror.isIdle) return
    const inner = await appender.made().catch(() => undefined)
    if (inner instanceof ChainAppender) inner.prime(knowledge)
  }

  #forgetIdle(now: number): void {
    for (const [name, {mirror, keeper, usedAt}] of this.#writers) {
      if (!mirror.isIdle || now - usedAt < IDLE_MS) continue
      void keeper?.flush()
      this.#writers.delete(name)
    }
  }
}

function nameOf({projectKey, sessionId, subpath = ''}: SessionKey): string {
  return [projectKey, sessionId, subpath].join('\0')
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
