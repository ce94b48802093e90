import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {loadTranscript} from '../store/load.js'
import {filesPrefix} from '../store/names.js'
import {againWhenMoved, type PartListing, type Parts, type SessionListing} from '../store/parts.js'
import {readSummary} from '../store/summary-record.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import type {SyncContext} from './context.js'
import {findingCode, type VerifyFinding, VerifyFindings} from './verify-findings.js'
import {VerifyLines} from './verify-lines.js'
import {verifyParts} from './verify-parts.js'

const TRANSCRIPTS_AT_ONCE = 4
const MAX_TRIES = 3

export interface VerifyOptions {
  /** Read every byte: digests, lines, parents, and what entries name. */
  readonly readData: boolean
  readonly signal?: AbortSignal | undefined
}

export type VerifiedState = 'ok' | 'warnings' | 'damaged'

export interface VerifiedSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly state: VerifiedState
  readonly transcripts: number
  readonly parts: number
  /** What readers are given. */
  readonly bytes: number
  /** Known when the data was read. */
  readonly entries?: number
  readonly findings: readonly VerifyFinding[]
}

/**
 * Holds what is stored of a session against what it says of itself. Writes nothing.
 *
 * @throws what keeps it from being read: that says nothing about the session.
 */
export async function verifySession(
  context: Pick<SyncContext, 'store' | 'parts'>,
  listing: SessionListing,
  options: VerifyOptions,
): Promise<VerifiedSession> {
  const {sessionId, homeKey: projectKey} = listing.ref
  const session = new VerifyFindings()
  const verified = await pMap(listing.transcripts, async (each) => verifyTranscript(context.parts, each, options), {
    concurrency: TRANSCRIPTS_AT_ONCE,
  })
  for (const key of listing.ignored) {
    const message = 'no writer of this layout makes such a key: nothing reads it'
    session.add({code: 'key-ignored', severity: 'warning', key, message})
  }
  const main = verified.find(({listing: {ref}}) => ref.subpath === undefined)
  await verifySummary(context, main, sessionId, session)
  for (const {lines} of verified) lines?.judgeParents(lines === main?.lines ? undefined : main?.lines)
  if (options.readData) await verifyNamed(context, listing, verified, session)
  const findings = [
    ...verified.flatMap(({findings, lines}) => [...findings.all, ...(lines?.findings.all ?? [])]),
    ...session.all,
  ]
  return {
    sessionId,
    projectKey,
    state: stateOf(findings),
    transcripts: listing.transcripts.filter(({parts}) => parts.length > 0).length,
    parts: listing.transcripts.reduce((sum, {parts}) => sum + parts.length, 0),
    bytes: verified.reduce((sum, {bytes}) => sum + bytes, 0),
    ...(options.readData && {entries: verified.reduce((sum, {lines}) => sum + (lines?.entries ?? 0), 0)}),
    findings,
  }
}

interface VerifiedTranscript {
  readonly listing: PartListing
  readonly findings: VerifyFindings
  readonly bytes: number
  readonly lines?: VerifyLines
}

/** What looks damaged is looked at again where parts moved meanwhile: a listing of many pages is no snapshot. */
async function verifyTranscript(parts: Parts, first: PartListing, options: VerifyOptions): Promise<VerifiedTranscript> {
  let listing = first
  for (let tries = 1; ; tries++) {
    const verified = await verifyListed(parts, listing, options)
    const isSound = verified.findings.all.length === 0
    const fresh = isSound || tries === MAX_TRIES ? undefined : await parts.list(first.ref)
    if (!fresh || isSameListing(fresh, verified.listing)) return verified
    listing = fresh
  }
}

async function verifyListed(
  parts: Parts,
  first: PartListing,
  {readData, signal}: VerifyOptions,
): Promise<VerifiedTranscript> {
  const {ref} = first
  let given: PartListing | undefined = first
  return againWhenMoved(async () => {
    signal?.throwIfAborted()
    const listing = given ?? (await parts.list(ref))
    given = undefined
    const findings = new VerifyFindings(ref.subpath)
    const view = await orFinding(findings, async () => viewTranscript(parts, ref, {listing}))
    if (!view) return {listing, findings, bytes: 0}
    await verifyParts(view, parts, findings, readData)
    const bytes = view.delivery.length
    const lines = readData ? await orFinding(findings, async () => readLines(parts, view)) : undefined
    return {listing, findings, bytes, ...(lines && {lines})}
  })
}

function isSameListing(a: PartListing, b: PartListing): boolean {
  return (
    a.parts.length === b.parts.length &&
    a.parts.every(({key, etag}, at) => key === b.parts[at]?.key && etag === b.parts[at]?.etag)
  )
}

async function readLines(parts: Parts, {ref, listing}: TranscriptView): Promise<VerifyLines> {
  let lines = new VerifyLines(ref.subpath)
  const sink = {
    begin: () => void (lines = new VerifyLines(ref.subpath)),
    write: (chunk: Uint8Array) => lines.push(chunk),
  }
  await loadTranscript(parts, ref, sink, {listing})
  lines.end()
  return lines
}

/** Data that is not what it claims to be is what is looked for; all other failures say nothing about it. */
async function orFinding<T>(findings: VerifyFindings, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof RepriseError) || error.kind !== 'bad-data' || error.code === 'OBJECT_ARCHIVED') throw error
    const {key} = error.details
    const place = typeof key === 'string' ? {key} : {}
    findings.add({code: findingCode(error.code), severity: 'damaged', message: error.message, ...place})
    return undefined
  }
}

/** A summary may lag, but was never ahead of what was stored when it was written. */
async function verifySummary(
  {store, parts}: Pick<SyncContext, 'store' | 'parts'>,
  main: VerifiedTranscript | undefined,
  sessionId: string,
  findings: VerifyFindings,
): Promise<void> {
  const told = (await readSummary(store, sessionId))?.bytes
  if (!main || told === undefined || told <= main.bytes || main.findings.all.length > 0) return
  // It may have grown since it was listed.
  if (!isSameListing(await parts.list(main.listing.ref), main.listing)) return
  const message = `its summary tells of ${told} bytes, and ${main.bytes} are stored: its last part is missing, or its end was rewritten`
  findings.add({code: 'shorter-than-summary', severity: 'warning', message})
}

/** What entries say lies beside the transcripts. A resume starts without it; the model cannot read it again. */
async function verifyNamed(
  {store}: Pick<SyncContext, 'store'>,
  {ref, transcripts}: SessionListing,
  verified: readonly VerifiedTranscript[],
  findings: VerifyFindings,
): Promise<void> {
  const stored = transcripts.flatMap((each) => (each.ref.subpath === undefined ? [] : [each.ref.subpath]))
  const agents = new Set(stored.map((subpath) => /agent-([^/]+)$/.exec(subpath)?.[1]))
  const files = new Map([[ref.sessionId, await namesBelow(store, ref.sessionId)]])
  for (const {lines} of verified) {
    for (const [agent, line] of lines?.agents ?? []) {
      if (agents.has(agent)) continue
      const message = `the transcript of the subagent ${agent} is not stored`
      findings.add({code: 'subagent-missing', severity: 'warning', line, message})
    }
    for (const {sessionId, name, line} of lines?.results ?? []) {
      const names = files.get(sessionId) ?? (await namesBelow(store, sessionId))
      files.set(sessionId, names)
      if (names.has(name)) continue
      const message = `the output tool-results/${name} is not stored`
      findings.add({code: 'tool-result-missing', severity: 'warning', line, message})
    }
  }
}

async function namesBelow(store: SyncContext['store'], sessionId: string): Promise<ReadonlySet<string>> {
  const prefix = `${filesPrefix(sessionId)}tool-results/`
  const {objects} = await listAll(store, {prefix})
  return new Set(objects.map(({key}) => key.slice(prefix.length)))
}

function stateOf(findings: readonly VerifyFinding[]): VerifiedState {
  if (findings.some(({severity}) => severity === 'damaged')) return 'damaged'
  return findings.length > 0 ? 'warnings' : 'ok'
}
