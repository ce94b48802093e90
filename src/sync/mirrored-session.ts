import {dirname, join} from 'node:path'
import {RepriseError} from '../base/errors.js'
import type {MirrorMeter} from '../metrics/mirror-meter.js'
import type {SessionLease} from '../registry/session-lease.js'
import type {SessionRef, TranscriptRef} from '../store/names.js'
import type {ListedPart} from '../store/part.js'
import {sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {CompactionsBehind} from './compact-behind.js'
import type {Extent} from './compare.js'
import type {SyncContext} from './context.js'
import {MirroredTranscript, type MirrorStep} from './mirror-transcript.js'
import {pushFiles} from './push-files.js'
import {pushMetadata} from './push-metadata.js'
import {refuseTooLarge} from './size-limit.js'
import {storeSummaryOf} from './store-summary.js'
import {type SessionState, type TranscriptState, transcriptState, withTranscriptState} from './sync-state.js'

export interface MirrorOptions {
  readonly projectKey: string
  readonly labels?: {readonly task?: string; readonly name?: string}
  /** Told once, when lines of the main transcript are stored. */
  readonly onStored?: () => void
}

/** All files of a session on this machine, and what is stored of them under its lease. One call at a time. */
export class MirroredSession {
  readonly #context: SyncContext
  readonly #lease: SessionLease
  readonly #ref: SessionRef
  readonly #options: MirrorOptions
  readonly #meter: MirrorMeter
  readonly #behind: CompactionsBehind
  readonly #transcripts = new Map<string, MirroredTranscript>()
  /** By subpath: what earlier runs on this machine left as agreed. */
  #agreed: (subpath: string | undefined) => readonly Extent[] = () => []
  #sum = {bytes: 0, parts: 0, entries: 0}
  #hasTold = false

  constructor(
    context: SyncContext,
    lease: SessionLease,
    ref: SessionRef,
    {meter, behind, ...options}: MirrorOptions & {readonly meter: MirrorMeter; readonly behind: CompactionsBehind},
  ) {
    this.#context = context
    this.#lease = lease
    this.#ref = ref
    this.#options = options
    this.#meter = meter
    this.#behind = behind
  }

  /** What was stored so far. */
  get stored(): MirrorStep {
    return this.#sum
  }

  /** Where its files lie, or will. */
  get directories(): readonly string[] {
    return [dirname(this.#pathOf(undefined)), this.#below]
  }

  /** What earlier runs know, before anything is looked at. */
  async recall(): Promise<void> {
    const {sessionId} = this.#ref
    const state = await this.#context.state.read(sessionId)
    const {sessions} = await discoverSessions(this.#context.configDir, {sessionId})
    // A copy that lies under another key now is moved here before it is mirrored.
    const keys = new Set([this.#options.projectKey, ...sessions.map(({projectKey}) => projectKey)])
    this.#agreed = (subpath) => [...keys].flatMap((key) => storedExtents(transcriptState(state, key, subpath)))
  }

  /** @returns who wrote last, where the store says so. */
  async settle(): Promise<{readonly machine: string; readonly at: number} | undefined> {
    const {parts} = this.#context
    const listed = await parts.listSession(this.#ref)
    // What is archived is put back before it is pulled.
    await refuseTooLarge(this.#context, listed)
    let last: ListedPart | undefined
    for (const listing of listed.transcripts) {
      const {ref, parts: own} = listing
      if (own.length === 0) continue
      this.#meter.found(ref.subpath, own.length)
      this.#behind.found(ref, own.length)
      await this.#mirrored(this.#pathOf(ref.subpath), ref.subpath).settle(listing)
      if (ref.subpath === undefined) last = own.at(-1)
    }
    const range = last && (await parts.range(last).catch(() => undefined))
    return last && range && {machine: range.machine, at: last.modified}
  }

  /**
   * Stores what is new.
   *
   * @param whole hash every file from its first byte.
   * @throws what `MirroredTranscript.sync` throws.
   */
  async look(whole: boolean): Promise<void> {
    const session = await this.#session()
    if (!session) return
    for (const {subpath, transcript} of session.subagents) await this.#sync(transcript, subpath, whole)
    if (session.main) await this.#sync(session.main, undefined, whole)
  }

  /** Deletes what was displaced and has had its grace. */
  async tidy(): Promise<void> {
    for (const {transcript} of this.#transcripts.values()) await transcript.tidy()
  }

  /** A file that was mirrored and is not there any more may have held more than is stored. */
  async gone(): Promise<RepriseError | undefined> {
    for (const mirrored of this.#transcripts.values()) if (await mirrored.isGone()) return fileGone(mirrored.path)
    return undefined
  }

  /** What goes up at the end alone: files beside the transcripts, subagents' metadata, the summary, what to remember here. */
  async storeRest(): Promise<void> {
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
    await this.storeSummary()
  }

  async storeSummary(): Promise<void> {
    const {main} = (await this.#session()) ?? {}
    if (main) await storeSummaryOf(this.#context, this.#ref, main.path, this.#options.labels ?? {})
  }

  async #sync({path, mtimeMs}: LocalFile, subpath: string | undefined, whole: boolean): Promise<void> {
    const {bytes, parts, entries} = await this.#meter.look(subpath, mtimeMs, async () =>
      this.#mirrored(path, subpath).sync({whole}),
    )
    this.#behind.grown(this.#refOf(subpath), parts)
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
    const ref = this.#refOf(subpath)
    const mirrored = new MirroredTranscript(this.#context, this.#lease, ref, path, this.#agreed(subpath))
    this.#transcripts.set(path, mirrored)
    return mirrored
  }

  #refOf(subpath: string | undefined): TranscriptRef {
    return {...this.#ref, ...(subpath !== undefined && {subpath})}
  }

  async #session(): Promise<LocalSession | undefined> {
    const {projectKey} = this.#options
    const {sessions} = await discoverSessions(this.#context.configDir, {sessionId: this.#ref.sessionId, projectKey})
    return sessions[0]
  }

  #pathOf(subpath: string | undefined): string {
    if (subpath !== undefined) return join(this.#below, `${subpath}.jsonl`)
    return transcriptPath(this.#context.configDir, this.#options.projectKey, this.#ref.sessionId)
  }

  get #below(): string {
    return sessionDir(this.#context.configDir, this.#options.projectKey, this.#ref.sessionId)
  }
}

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
