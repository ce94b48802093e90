import {watch, type FSWatcher} from 'node:fs'
import {dirname, join} from 'node:path'
import {hasCode, RepriseError, toRepriseError} from '../base/errors.js'
import {MirrorMeter} from '../metrics/mirror-meter.js'
import type {SessionLease} from '../registry/session-lease.js'
import type {SessionRef} from '../store/names.js'
import type {ListedPart} from '../store/part.js'
import {sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {Extent} from './compare.js'
import type {SyncContext} from './context.js'
import {MirroredTranscript, type MirrorStep} from './mirror-transcript.js'
import {pushFiles} from './push-files.js'
import {pushMetadata} from './push-metadata.js'
import {storeSummaryOf} from './store-summary.js'
import {type SessionState, type TranscriptState, transcriptState, withTranscriptState} from './sync-state.js'

const LOOK_EVERY_MS = 1_000
const RENEW_EVERY_MS = 20_000
const SUMMARY_EVERY_MS = 60_000
/** Lets a burst of writes by one turn go up in one part. */
const GATHER_MS = 100

export interface MirrorOptions {
  readonly projectKey: string
  readonly labels?: {readonly task?: string; readonly name?: string}
  /** Told once, when lines of the main transcript are stored. */
  readonly onStored?: () => void
}

export interface MirrorReport {
  readonly bytes: number
  readonly parts: number
  readonly entries: number
  /** Everything that the local files hold is stored, acknowledged under the lease. */
  readonly complete: boolean
  readonly error?: RepriseError
}

/** Stores a session while a claude writes it. */
export interface Mirror {
  /** Every request was answered: a lease may be released. */
  readonly clean: boolean
  /** So far. */
  readonly stored: MirrorStep

  /**
   * Follows from now on.
   *
   * @param onLost told once, when another took the session over: nothing is stored any more.
   */
  start(onLost: (error: RepriseError) => void): void

  /**
   * Stops following, and stores what is left: the files whole, attachments, the summary.
   *
   * @param signal ends the attempt; what is not stored then is said in the report.
   */
  finish(signal?: AbortSignal): Promise<MirrorReport>
}

/**
 * Follows a session's files while a claude writes them and stores each line within a second. Errors of the store are tried again for
 * as long as the session runs; only the loss of the lease ends it.
 */
export class SessionMirror implements Mirror {
  readonly #context: SyncContext
  readonly #lease: SessionLease
  readonly #ref: SessionRef
  readonly #options: MirrorOptions
  readonly #meter: MirrorMeter
  readonly #transcripts = new Map<string, MirroredTranscript>()
  readonly #stopping = new AbortController()
  readonly #done = new AbortController()
  /** By subpath: what earlier runs on this machine left as agreed. */
  #agreed: (subpath: string | undefined) => readonly Extent[] = () => []
  #watchers: FSWatcher[] = []
  #wake: () => void = () => undefined
  #onLost: (error: RepriseError) => void = () => undefined
  #loop: Promise<void> = Promise.resolve()
  #lost: RepriseError | undefined
  #error: RepriseError | undefined
  #clean = true
  #sum = {bytes: 0, parts: 0, entries: 0}
  #renewals: Promise<void> = Promise.resolve()
  #renewed = 0
  #isHeld = false
  #tidied = 0
  #summarizedAt = 0
  #hasTold = false

  constructor(context: SyncContext, lease: SessionLease, ref: SessionRef, options: MirrorOptions) {
    this.#context = context
    this.#lease = lease
    this.#ref = ref
    this.#options = options
    const {clock, observe = () => undefined} = context
    this.#meter = new MirrorMeter({clock, observe, projectKey: ref.homeKey, sessionId: ref.sessionId})
  }

  /**
   * Makes one chain of every stored transcript of the session, that what older holders may still send cannot change: before it is
   * pulled.
   *
   * @returns who wrote last, where the store says so.
   */
  async settle(): Promise<{readonly machine: string; readonly at: number} | undefined> {
    const {parts, configDir} = this.#context
    const {sessionId} = this.#ref
    await this.#hold()
    const {transcripts} = await parts.listSession(this.#ref)
    let last: ListedPart | undefined
    for (const {ref, parts: listed} of transcripts) {
      if (listed.length === 0) continue
      this.#meter.found(ref.subpath, listed.length)
      const below = sessionDir(configDir, this.#options.projectKey, sessionId)
      const path =
        ref.subpath === undefined
          ? transcriptPath(configDir, this.#options.projectKey, sessionId)
          : join(below, `${ref.subpath}.jsonl`)
      await this.#mirrored(path, ref.subpath).settle(listed)
      if (ref.subpath === undefined) last = listed.at(-1)
    }
    const range = last && (await parts.range(last).catch(() => undefined))
    return last && range && {machine: range.machine, at: last.modified}
  }

  /** Brings the store to what is here now. @throws what `MirroredTranscript.sync` throws. */
  async begin(): Promise<void> {
    await this.#hold()
    await this.#look(true)
    this.#summarizedAt = this.#context.clock.now()
  }

  start(onLost: (error: RepriseError) => void): void {
    this.#onLost = onLost
    const {configDir} = this.#context
    const {projectKey} = this.#options
    for (const path of [
      dirname(transcriptPath(configDir, projectKey, this.#ref.sessionId)),
      sessionDir(configDir, projectKey, this.#ref.sessionId),
    ]) {
      this.#watch(path)
    }
    this.#loop = this.#follow()
    void this.#hold()
  }

  get clean(): boolean {
    return this.#clean
  }

  get stored(): MirrorStep {
    return this.#sum
  }

  async finish(signal?: AbortSignal): Promise<MirrorReport> {
    this.#stopping.abort()
    this.#wake()
    for (const watcher of this.#watchers) watcher.close()
    await this.#loop
    for (let pause = 250; !this.#lost; pause = Math.min(pause * 2, 4_000)) {
      try {
        await this.#look(true)
        await this.#attachments()
        for (const {transcript} of this.#transcripts.values()) await transcript.tidy()
        const gone = await this.#gone()
        if (gone) return await this.#report(gone)
        await this.#lease.renew()
        return await this.#report()
      } catch (error) {
        this.#failed(error)
        if (signal?.aborted || !isPassing(error)) break
        await this.#context.clock.sleep(pause, signal).catch(() => undefined)
        if (signal?.aborted) break
      }
    }
    return this.#report(this.#lost ?? this.#error ?? stopped())
  }

  async #report(error?: RepriseError): Promise<MirrorReport> {
    await this[Symbol.asyncDispose]()
    return {...this.#sum, complete: !error, ...(error && {error})}
  }

  /** A file that was mirrored and is not there any more may have held more than is stored. */
  async #gone(): Promise<RepriseError | undefined> {
    for (const mirrored of this.#transcripts.values()) if (await mirrored.isGone()) return fileGone(mirrored.path)
    return undefined
  }

  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted && !this.#lost) {
      await this.#pause()
      if (this.#stopping.signal.aborted) return
      try {
        await this.#look(false)
        await this.#tidy()
        await this.#summarize()
        this.#error = undefined
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  /** Until a file changes (and a moment more), or a second is over. */
  async #pause(): Promise<void> {
    const {clock} = this.#context
    const waiting = new AbortController()
    const woken = new Promise<'woken'>((resolve) => {
      this.#wake = () => resolve('woken')
    })
    const over = clock.sleep(LOOK_EVERY_MS, waiting.signal).catch(() => undefined)
    const reason = await Promise.race([woken, over])
    waiting.abort()
    if (reason === 'woken' && !this.#stopping.signal.aborted) await clock.sleep(GATHER_MS)
  }

  /** From the first call on, until `finish` or disposal: neither a slow pull nor a slow upload must cost the lease. */
  async #hold(): Promise<void> {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#renewals = this.#renew()
    const {sessionId} = this.#ref
    const state = await this.#context.state.read(sessionId)
    const {sessions} = await discoverSessions(this.#context.configDir, {sessionId})
    // A copy that lies under another key now is moved here before it is mirrored.
    const keys = new Set([this.#options.projectKey, ...sessions.map(({projectKey}) => projectKey)])
    this.#agreed = (subpath) => [...keys].flatMap((key) => storedExtents(transcriptState(state, key, subpath)))
  }

  /** Stops renewing. Not needed after `finish`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#done.abort()
    await this.#renewals
  }

  async #renew(): Promise<void> {
    const {signal} = this.#done
    while (!signal.aborted && !this.#lost) {
      await this.#context.clock.sleep(RENEW_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted || this.#lost) return
      await this.#lease.renew().then(
        () => this.#renewed++,
        (error: unknown) => this.#failed(error),
      )
    }
  }

  /** After each renewal: what was displaced and has had its grace. */
  async #tidy(): Promise<void> {
    if (this.#tidied === this.#renewed) return
    this.#tidied = this.#renewed
    for (const {transcript} of this.#transcripts.values()) await transcript.tidy()
  }

  async #look(whole: boolean): Promise<void> {
    const session = await this.#session()
    if (!session) return
    for (const {subpath, transcript} of session.subagents) await this.#sync(transcript, subpath, whole)
    if (session.main) await this.#sync(session.main, undefined, whole)
  }

  async #sync({path, mtimeMs}: LocalFile, subpath: string | undefined, whole: boolean): Promise<void> {
    const {bytes, parts, entries} = await this.#meter.look(subpath, mtimeMs, async () =>
      this.#mirrored(path, subpath).sync({whole}),
    )
    this.#sum = {
      bytes: this.#sum.bytes + bytes,
      parts: this.#sum.parts + parts,
      entries: this.#sum.entries + entries,
    }
    if (bytes > 0) this.#context.logger.debug('mirrored', {subpath: subpath ?? '', bytes, entries})
    if (entries === 0 || subpath !== undefined || this.#hasTold) return
    this.#hasTold = true
    this.#options.onStored?.()
  }

  #mirrored(path: string, subpath: string | undefined): MirroredTranscript {
    const known = this.#transcripts.get(path)
    if (known) return known
    const ref = {...this.#ref, ...(subpath !== undefined && {subpath})}
    const mirrored = new MirroredTranscript(this.#context, this.#lease, ref, path, this.#agreed(subpath))
    this.#transcripts.set(path, mirrored)
    return mirrored
  }

  async #session(): Promise<LocalSession | undefined> {
    const {projectKey} = this.#options
    const {sessions} = await discoverSessions(this.#context.configDir, {sessionId: this.#ref.sessionId, projectKey})
    return sessions[0]
  }

  async #summarize(): Promise<void> {
    const now = this.#context.clock.now()
    if (Math.abs(now - this.#summarizedAt) < SUMMARY_EVERY_MS) return
    this.#summarizedAt = now
    await this.#storeSummary()
  }

  /** What goes up at the end alone: files beside the transcripts, subagents' metadata, the summary, what to remember here. */
  async #attachments(): Promise<void> {
    const session = await this.#session()
    if (!session) return
    const {state} = this.#context
    const before = await state.read(this.#ref.sessionId)
    const {files} = await pushFiles(this.#context, session, before)
    const {projectKey} = this.#options
    let after: SessionState = {...before, homeKey: this.#ref.homeKey, files}
    for (const subagent of session.subagents) {
      const {subpath} = subagent
      const known = transcriptState(after, projectKey, subpath)
      const metadata = await pushMetadata(this.#context, {ref: {...this.#ref, subpath}}, subagent, known)
      if (metadata !== undefined) after = withTranscriptState(after, projectKey, subpath, {...known, metadata})
    }
    for (const {stored, transcript} of this.#transcripts.values()) {
      if (!stored) continue
      const {subpath} = transcript.ref
      const agreed = {local: stored, stored}
      after = withTranscriptState(after, projectKey, subpath, {...transcriptState(after, projectKey, subpath), agreed})
    }
    await state.write(this.#ref.sessionId, after)
    await this.#storeSummary()
  }

  async #storeSummary(): Promise<void> {
    const {main} = (await this.#session()) ?? {}
    if (main) await storeSummaryOf(this.#context, this.#ref, main.path, this.#options.labels ?? {})
  }

  #failed(cause: unknown): void {
    const error = toRepriseError(cause)
    this.#error = error
    this.#meter.failed(error)
    this.#context.logger.warn('mirroring failed', {code: error.code, message: error.message})
    if (error.code === 'LEASE_LOST') {
      if (!this.#lost) this.#onLost(error)
      this.#lost = error
    } else if (error.kind === 'unreachable') this.#clean = false
  }

  /** Events only make it quicker: the look each second finds everything. */
  #watch(path: string): void {
    try {
      const watcher = watch(path, {persistent: false}, () => this.#wake())
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // The directory is not there yet, or this file system has no events.
    }
  }
}

const PASSING = [
  'STORE_UNREACHABLE',
  'STORE_THROTTLED',
  'STORE_CONFLICT',
  'LOCAL_CHANGED',
  'SOURCE_CHANGED',
  'OBJECT_NOT_FOUND',
]

function storedExtents({agreed}: TranscriptState): Extent[] {
  return agreed ? [agreed.stored] : []
}

function fileGone(path: string): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'LOCAL_GONE',
    message: `${path} is not there any more: what it held at its end is not known to be stored`,
    suggestions: ['Mount its directory again, and run reprise push.'],
  })
}

function stopped(): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'SYNC_INCOMPLETE',
    message: 'there was no time to store the rest',
  })
}

/** May go away by itself. */
function isPassing(error: unknown): boolean {
  return hasCode(error, ...PASSING)
}
