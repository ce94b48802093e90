import type {TranscriptBytes} from '../store/bytes.js'
import {againWhenMoved, type PartListing, type SessionListing} from '../store/parts.js'
import {viewTranscript} from '../store/view.js'
import {discoverSession, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {
  agreements,
  type ByteRange,
  compareEntries,
  compareTranscripts,
  type Relation,
  type StoredSide,
} from './compare.js'
import type {SyncContext} from './context.js'
import {NO_TAIL, type SideTail, tailOf} from './diff-tail.js'
import {openLocalTranscript} from './local-transcript.js'
import {notFound} from './select-sessions.js'
import {storedSide} from './stored-side.js'
import {type TranscriptState, transcriptState} from './sync-state.js'

/**
 * How what is here stands to what is stored: the kinds of `Relation`, and where one side has nothing of a transcript `local-only` and
 * `stored-only`.
 */
export type DiffRelation = Relation['kind'] | 'local-only' | 'stored-only'

export interface TranscriptDiff {
  /** Of a subagent's transcript; absent for the main one. */
  readonly subpath?: string
  readonly relation: DiffRelation
  readonly localBytes: number
  readonly storedBytes: number
  /** Of a last local line that is not ended yet: no entry. */
  readonly tornBytes: number
  readonly onlyHere: SideTail
  readonly onlyStored: SideTail
}

export interface SessionDiff {
  readonly sessionId: string
  /** The key that the session is stored under; absent where it is not. */
  readonly projectKey?: string
  /** The main transcript on this machine. */
  readonly path?: string
  /** The main transcript first. */
  readonly transcripts: readonly TranscriptDiff[]
}

export interface DiffOptions {
  /** Of the run's cwd: of several copies here, the one under it is meant, else the one that changed last. */
  readonly projectKey: string
  /** Entries of each tail to tell of. */
  readonly most: number
}

/** Compares a session here with what is stored of it. Writes nothing. @throws SESSION_NOT_FOUND when it is in neither place. */
export async function diffSession(context: SyncContext, sessionId: string, options: DiffOptions): Promise<SessionDiff> {
  const {configDir, homes, parts, state} = context
  const local = copyOf((await discoverSession(configDir, sessionId)).sessions, options.projectKey)
  const homeKey = await homes.find(sessionId, local?.projectKey)
  const listing = homeKey === undefined ? undefined : await parts.listSession({homeKey, sessionId})
  if (!local && !listing) throw notFound(sessionId)
  const known = await state.read(sessionId)
  const transcripts: TranscriptDiff[] = []
  for (const {subpath, file, stored} of pairsOf(local, listing)) {
    const before = local ? transcriptState(known, local.projectKey, subpath) : {}
    const diff = await diffTranscript(context, file, stored, before, options.most)
    transcripts.push({...(subpath !== undefined && {subpath}), ...diff})
  }
  return {
    sessionId,
    ...(homeKey !== undefined && {projectKey: homeKey}),
    ...(local?.main && {path: local.main.path}),
    transcripts,
  }
}

function copyOf(copies: readonly LocalSession[], projectKey: string): LocalSession | undefined {
  const newest = copies.toSorted((a, b) => (b.main?.mtimeMs ?? 0) - (a.main?.mtimeMs ?? 0))
  return copies.find((each) => each.projectKey === projectKey) ?? newest[0]
}

interface Pair {
  readonly subpath: string | undefined
  readonly file: LocalFile | undefined
  readonly stored: PartListing | undefined
}

/** Each transcript that either side has, the main one first. */
function pairsOf(local: LocalSession | undefined, listing: SessionListing | undefined): readonly Pair[] {
  const files = new Map<string | undefined, LocalFile>(local?.main ? [[undefined, local.main]] : [])
  for (const {subpath, transcript} of local?.subagents ?? []) files.set(subpath, transcript)
  const stored = new Map(
    listing?.transcripts.filter(({parts}) => parts.length > 0).map((each) => [each.ref.subpath, each] as const),
  )
  const subpaths = new Set([undefined, ...files.keys(), ...stored.keys()])
  const pairs = [...subpaths].map((subpath) => ({subpath, file: files.get(subpath), stored: stored.get(subpath)}))
  return pairs.filter(({file, stored}) => file ?? stored)
}

type Compared = Omit<TranscriptDiff, 'subpath'>

async function diffTranscript(
  context: SyncContext,
  file: LocalFile | undefined,
  stored: PartListing | undefined,
  before: TranscriptState,
  most: number,
): Promise<Compared> {
  await using local = file && (await openLocalTranscript(file.path, context.uid))
  const sizes = {localBytes: local?.length ?? 0, tornBytes: local?.torn ?? 0}
  if (!stored) {
    const onlyHere = local ? await tailOf(local, [{start: 0, end: local.length}], most) : NO_TAIL
    return {relation: 'local-only', ...sizes, storedBytes: 0, onlyHere, onlyStored: NO_TAIL}
  }
  let given: PartListing | undefined = stored
  return await againWhenMoved(async () => {
    const view = await viewTranscript(context.parts, stored.ref, given ? {listing: given} : {})
    given = undefined
    const side = await storedSide(view, context.parts)
    const storedBytes = side.bytes.length
    if (!local) {
      const onlyStored = await tailOf(side.bytes, [{start: 0, end: storedBytes}], most)
      return {relation: 'stored-only', ...sizes, storedBytes, onlyHere: NO_TAIL, onlyStored}
    }
    const {relation, here, there} = await compared(local, side, before)
    const onlyHere = await tailOf(local, here, most)
    return {relation, ...sizes, storedBytes, onlyHere, onlyStored: await tailOf(side.bytes, there, most)}
  })
}

async function compared(
  local: TranscriptBytes,
  stored: StoredSide,
  before: TranscriptState,
): Promise<{relation: Relation['kind']; here: readonly ByteRange[]; there: readonly ByteRange[]}> {
  const found = await compareTranscripts(local, stored, agreements(before))
  if (found.kind === 'local-extends') {
    return {relation: found.kind, here: [{start: stored.bytes.length, end: local.length}], there: []}
  }
  if (found.kind === 'stored-extends') {
    return {relation: found.kind, here: [], there: [{start: local.length, end: stored.bytes.length}]}
  }
  const entries = found.kind === 'rewritten' ? await compareEntries(local, stored.bytes) : found
  const here = 'local' in entries ? entries.local.ranges : []
  return {relation: found.kind, here, there: 'stored' in entries ? entries.stored.ranges : []}
}
