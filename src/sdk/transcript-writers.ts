import {RepriseError, toRepriseError} from '../base/errors.js'
import {within} from '../base/within.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {BackgroundCompaction} from '../store/background-compaction.js'
import type {Homes} from '../store/home.js'
import {Parts} from '../store/parts.js'
import {mayDelete} from '../store/probe.js'
import type {WriteContext} from '../store/write-part.js'
import type {Appender} from './appender.js'
import {ChainAppender} from './chain-appender.js'
import type {SessionStoreContext} from './context.js'
import type {Knowledge} from './knowledge.js'
import {LazyAppender} from './lazy-appender.js'
import {LeasedAppender} from './leased-appender.js'
import type {PendingBytes} from './pending-bytes.js'
import {placeToWrite} from './place.js'
import {type HeldLease, SessionHold} from './session-hold.js'
import {SummaryFold} from './summary-fold.js'
import {SummaryKeeper} from './summary-keeper.js'
import {type MirrorStep, TranscriptMirror} from './transcript-mirror.js'
import type {FoldSummary, SessionKey} from './types.js'

export interface OpenedStore {
  readonly store: ObjectStore
  readonly homes: Homes
}

interface Writer {
  readonly key: SessionKey
  readonly appender: LazyAppender<ChainAppender | LeasedAppender>
  readonly mirror: TranscriptMirror
  readonly keeper: SummaryKeeper | undefined
  readonly compaction: BackgroundCompaction
  usedAt: number
}

/** Writers that were not used for this long are forgotten when there are many: the next append lists again. */
const IDLE_MS = 10 * 60_000
const MANY_WRITERS = 256
/** Each knows the ids of all entries: of more than this no idle one is kept. */
const MOST_WRITERS = 1_024
/** Loads that may be followed by an append soon. */
const MANY_LOADS = 16
const MANY_HOMES = 10_000
const COMPACT_AT_END_MS = 2_000

/** The transcripts that a session store appends to, each with its queue, its summaries and its compaction; and their leases. */
export class TranscriptWriters {
  readonly #context: SessionStoreContext
  readonly #pending: PendingBytes
  readonly #open: () => Promise<OpenedStore>
  readonly #writers = new Map<string, Writer>()
  readonly #holds = new Map<string, SessionHold>()
  /** Leases that are on their way back, by session. */
  readonly #releasing = new Map<string, Promise<void>>()
  /** What was read a moment ago, the oldest first. */
  readonly #learned = new Map<string, Knowledge>()
  readonly #recorded = new Set<string>()
  #fold: Promise<FoldSummary | undefined> | undefined

  constructor(context: SessionStoreContext, pending: PendingBytes, open: () => Promise<OpenedStore>) {
    this.#context = context
    this.#pending = pending
    this.#open = open
  }

  get isEmpty(): boolean {
    return this.#writers.size === 0
  }

  /** Entries and bytes that are not known to be stored. */
  get unsaved(): {readonly entries: number; readonly bytes: number} {
    const all = [...this.#writers.values()].map(({mirror}) => mirror.pending)
    return {
      entries: all.reduce((sum, each) => sum + each.entries, 0),
      bytes: all.reduce((sum, each) => sum + each.bytes, 0),
    }
  }

  mirrorOf(key: SessionKey): TranscriptMirror {
    const name = nameOf(key)
    const now = this.#context.clock.now()
    const known = this.#writers.get(name)
    if (known) {
      known.usedAt = now
      return known.mirror
    }
    if (this.#writers.size >= MANY_WRITERS) this.#forgetIdle(now)
    const made = this.#make(key, now)
    this.#writers.set(name, made)
    return made.mirror
  }

  /** Before a transcript is read: what was appended to it here is in the store then, as far as it can be. */
  async settle(key: SessionKey): Promise<void> {
    await this.#writers.get(nameOf(key))?.mirror.flush()
  }

  /** A transcript was read whole: an append that follows needs no reading of its own. A session that was lost may be taken up again. */
  async learned(key: SessionKey, knowledge: Knowledge): Promise<void> {
    const name = nameOf(key)
    const hold = this.#holds.get(key.sessionId)
    if (hold?.lost !== undefined && isMain(key)) {
      this.end(toRepriseError(hold.lost), ({sessionId}) => sessionId === key.sessionId)
      this.#holds.delete(key.sessionId)
      await hold.end(false)
    }
    const writer = this.#writers.get(name)
    if (writer?.mirror.isIdle && writer.appender.inner instanceof ChainAppender) writer.appender.inner.prime(knowledge)
    this.#learned.delete(name)
    this.#learned.set(name, knowledge)
    const [oldest] = this.#learned.keys()
    if (this.#learned.size > MANY_LOADS && oldest !== undefined) this.#learned.delete(oldest)
  }

  /** An empty summary of a main transcript; of others none is kept. */
  async newSummary(key: SessionKey): Promise<() => SummaryFold | undefined> {
    if (!isMain(key)) return () => undefined
    const {projectKey, sessionId} = key
    this.#fold ??= this.#context.foldSummary().catch(() => undefined)
    const fold = await this.#fold
    return () => new SummaryFold({projectKey, sessionId}, fold)
  }

  /** Until everything that the writers have is stored or has failed. */
  async store(belongs: (key: SessionKey) => boolean): Promise<void> {
    await Promise.all(this.#belonging(belongs).map(async ({mirror}) => mirror.flush()))
  }

  /** Until the summaries say what is stored, or could not be written. */
  async summarise(belongs: (key: SessionKey) => boolean): Promise<void> {
    await Promise.all(this.#belonging(belongs).map(async ({keeper}) => keeper?.flush()))
  }

  /** Nothing more is taken for these transcripts by the writers that are there. */
  end(reason: RepriseError, belongs: (key: SessionKey) => boolean = () => true): void {
    for (const [name, {key, mirror}] of this.#writers) {
      if (!belongs(key)) continue
      mirror.end(reason)
      this.#writers.delete(name)
      this.#learned.delete(name)
    }
  }

  /** What has become many parts is merged, as far as there is time: `limitMs`, and 2 s at most. Nothing is merged afterwards. */
  async compact(limitMs: number): Promise<void> {
    const compactions = [...this.#writers.values()].map(({compaction}) => compaction)
    if (limitMs > 0) {
      const finishing = Promise.all(compactions.map(async (each) => each.finish()))
      await within(this.#context.clock, Math.min(limitMs, COMPACT_AT_END_MS), finishing)
    }
    for (const each of compactions) each.stop()
  }

  /**
   * Gives a session's lease back where nothing of it is under way, and forgets its writers. What was rejected and kept is dropped: it
   * must not take the session from whoever holds it next. What is appended from now on takes the lease again, when it is back.
   */
  async release(sessionId: string): Promise<void> {
    const hold = this.#holds.get(sessionId)
    if (!hold) return
    const own = this.#belonging((key) => key.sessionId === sessionId)
    const clean = own.every(({mirror}) => mirror.isIdle)
    this.#holds.delete(sessionId)
    this.end(released(sessionId), (key) => key.sessionId === sessionId)
    const giving = this.#giveBack(sessionId, hold, clean ? own : undefined)
    this.#releasing.set(sessionId, giving)
    await giving
    if (this.#releasing.get(sessionId) === giving) this.#releasing.delete(sessionId)
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#holds.keys()].map(async (sessionId) => this.release(sessionId)))
  }

  /** @param own writers of whose requests each was answered; undefined: the lease runs out by itself. */
  async #giveBack(sessionId: string, hold: SessionHold, own: readonly Writer[] | undefined): Promise<void> {
    try {
      for (const {appender} of own ?? []) await appender.tidy()
      await hold.end(own !== undefined)
    } catch (error) {
      this.#context.logger.warn('a lease was not given back', {sessionId, code: toRepriseError(error).code})
    }
  }

  #belonging(belongs: (key: SessionKey) => boolean): readonly Writer[] {
    return [...this.#writers.values()].filter(({key}) => belongs(key))
  }

  #make(key: SessionKey, usedAt: number): Writer {
    const {clock, background, machine, logger, compactAt} = this.#context
    const appender = new LazyAppender(async () => this.#makeAppender(key))
    const keeper = isMain(key)
      ? new SummaryKeeper({machine, clock, background, logger}, () => appender.state())
      : undefined
    const right = async (): Promise<boolean> => mayDelete((await this.#open()).store, machine)
    const compaction = new BackgroundCompaction(appender, {compactAt, mayDelete: right, logger})
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
    const {clock, random, machine, projectKey, readLimitMs, acquire} = this.#context
    const [ref, newSummary] = await Promise.all([placeToWrite(projectKey, homes, key), this.newSummary(key)])
    const context: WriteContext = {parts: new Parts(store), clock, random, machine}
    const beforeFirst = async (): Promise<void> => this.#recordHome(homes, key.sessionId, ref.homeKey)
    if (acquire) {
      const hold = async () => this.#holdOf(store, key.sessionId, acquire).lease()
      return new LeasedAppender(context, ref, {hold, beforeFirst, newSummary})
    }
    const appender = new ChainAppender(context, ref, {readLimitMs, beforeFirst, newSummary})
    const learned = this.#learned.get(nameOf(key))
    if (learned) appender.prime(learned)
    this.#learned.delete(nameOf(key))
    return appender
  }

  #holdOf(store: ObjectStore, sessionId: string, acquire: NonNullable<SessionStoreContext['acquire']>): SessionHold {
    const known = this.#holds.get(sessionId)
    if (known) return known
    const {background, logger} = this.#context
    const next = async (): Promise<HeldLease> => {
      await this.#releasing.get(sessionId)
      return acquire(store, sessionId)
    }
    const hold = new SessionHold({acquire: next, background, logger})
    this.#holds.set(sessionId, hold)
    return hold
  }

  /** Under which project key the session is first stored, for whoever looks for it. */
  async #recordHome(homes: Homes, sessionId: string, homeKey: string): Promise<void> {
    if (this.#recorded.has(sessionId)) return
    await homes.record(sessionId, homeKey)
    if (this.#recorded.size > MANY_HOMES) this.#recorded.clear()
    this.#recorded.add(sessionId)
  }

  #observed({projectKey, sessionId, subpath}: SessionKey, step: MirrorStep, {parts}: Appender): void {
    const {observe, logger} = this.#context
    const transcript = {projectKey, sessionId, ...(subpath !== undefined && {subpath})}
    const {bytes, entries, calls: appends} = step
    if (step.type === 'stored') {
      const {putMs, latencyMs, lagMs} = step
      const times = {putMs, latencyMs, ...(lagMs !== undefined && {lagMs})}
      observe({type: 'append', ...transcript, bytes, entries, appends, parts, ...times})
      return
    }
    const {code, message} = step.error
    this.#holds.get(sessionId)?.failed(step.error)
    observe({type: 'fail', ...transcript, code, message, bytes, entries, appends})
    logger.error('entries were not stored', {sessionId, code, entries, bytes})
  }

  #forgetIdle(now: number): void {
    const idleMs = this.#writers.size >= MOST_WRITERS ? 0 : IDLE_MS
    for (const [name, {mirror, keeper, compaction, usedAt}] of this.#writers) {
      if (!mirror.isIdle || now - usedAt < idleMs) continue
      void keeper?.flush()
      compaction.stop()
      this.#writers.delete(name)
    }
  }
}

function nameOf({projectKey, sessionId, subpath = ''}: SessionKey): string {
  return [projectKey, sessionId, subpath].join('\0')
}

function isMain({subpath}: SessionKey): boolean {
  return subpath === undefined || subpath === ''
}

function released(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_RELEASED',
    message: `session ${sessionId} was given back: what could not be stored before is not stored any more`,
    suggestions: ['Load the session again before it is gone on with.'],
  })
}
