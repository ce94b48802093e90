import {RepriseError} from '../base/errors.js'
import type {LeaseRecord} from '../registry/lease-record.js'
import {deliveredBytes, measure, type TranscriptBytes, verifiedBody} from '../store/bytes.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {Lease} from '../store/lease.js'
import type {PartRange} from '../store/part.js'
import {isMetadataPart} from '../store/part.js'
import type {PartListing} from '../store/parts.js'
import {appendUnleasedAt} from '../store/unleased.js'
import {viewTranscript} from '../store/view.js'
import {lastMs, writeLoose} from '../store/write-part.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'
import {settleTranscript} from '../store/settle-transcript.js'
import {agreements, compareTranscripts, type Surplus, unionOf} from './compare.js'
import {type SyncContext, writeContext} from './context.js'
import type {LocalTranscript} from './local-transcript.js'
import {type PlannedTranscript, pushRow} from './plan-push.js'
import {storedSide} from './stored-side.js'
import type {TranscriptState} from './sync-state.js'

const LOOSE_PART = 4 * 1024 * 1024

export interface Uploaded {
  readonly bytes: number
  readonly parts: number
  readonly entries: number
}

/**
 * Appends the local tail behind the path, as the plan found it.
 *
 * @param record the lease record, read after `ms` was fixed.
 * @returns undefined when others wrote meanwhile: list again.
 */
export async function appendTail(
  context: SyncContext,
  local: LocalTranscript,
  listing: PartListing,
  {measured, view}: PlannedTranscript,
  from: number,
  record: LeaseRecord | undefined,
  ms: number,
): Promise<{uploaded: Uploaded; name: string} | undefined> {
  const start = measured.get(from) ?? (await measure(local, [from])).get(from)
  const end = measured.get(local.length)
  if (!start || !end) throw new Error('the local transcript was not measured')
  const tip = record && (view?.resolution.tip?.range ?? (await endRange(context, listing)))
  const point = {
    length: from,
    digest: start.digest,
    epoch: tip?.epoch ?? 0,
    gen: tip?.gen ?? 0,
    lastMs: lastMs(listing),
  }
  const entries = end.entries - start.entries
  const body = await verifiedBody(local, from, local.length, start.hash, end.digest)
  const tail = {to: local.length, after: end.digest, entries, body}
  const written = await appendUnleasedAt(writeContext(context), listing.ref, point, tail, ms)
  return written && {uploaded: {bytes: local.length - from, parts: 1, entries}, name: written.part.name}
}

/** What the last part of the chain says of itself; undefined when it lost its metadata, or there is none. */
export async function endRange({parts}: SyncContext, listing: PartListing): Promise<PartRange | undefined> {
  const last = listing.parts.findLast((part) => !isMetadataPart(part))
  return last && parts.range(last)
}

/** Appends the local tail as loose parts: what stands beside the path is for a lease holder to settle. */
export async function appendLoose(
  context: SyncContext,
  local: LocalTranscript,
  listing: PartListing,
  from: number,
): Promise<Uploaded> {
  let last = lastMs(listing)
  let [parts, entries] = [0, 0]
  let pending: Uint8Array[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    if (size === 0) return
    last = (await writeLoose(writeContext(context), listing.ref, Buffer.concat(pending, size), last, listing.date)).ms
    parts++
    pending = []
    size = 0
  }
  for await (const {bytes} of readLines(local.read(from, local.length))) {
    pending.push(bytes)
    size += bytes.length
    entries++
    if (size >= LOOSE_PART) await flush()
  }
  await flush()
  return {bytes: local.length - from, parts, entries}
}

/**
 * Brings the stored transcript to the local file, or to the union of both, under the lease; decides once more from what is there then.
 *
 * @param union also where each side has messages that the other lacks.
 */
export async function rebaseToLocal(
  context: SyncContext,
  lease: Lease,
  local: LocalTranscript,
  listing: PartListing,
  state: TranscriptState,
  union: boolean,
): Promise<{readonly uploaded: Uploaded; readonly target: 'local' | 'union'} | undefined> {
  const transcript = new LeasedTranscript(writeContext(context), lease, listing.ref)
  await settleTranscript(context, transcript, listing)
  const view = await viewTranscript(context.parts, listing.ref)
  const side = await storedSide(view, context.parts)
  const relation = await compareTranscripts(local, side, agreements(state))
  const row = pushRow(relation, side.bytes.length, true)
  if (row.step === 'append' || row.step === 'append-loose') return rebaseTo(local, 'local')
  if (row.step === 'rebase') {
    if (row.to === 'local') return rebaseTo(local, 'local')
    return rebaseTo(unionOf(local, side.bytes, row.surplus ?? noSurplus), 'union')
  }
  if (row.step === 'refuse') {
    if (!union) throw diverged(listing.ref.sessionId, row.local, row.stored)
    return rebaseTo(unionOf(local, side.bytes, row.stored), 'union')
  }
  await transcript.assure()
  return undefined

  async function rebaseTo(target: TranscriptBytes, to: 'local' | 'union') {
    const held = new Set<string>()
    for (const bytes of [local, deliveredBytes(view.delivery, context.parts)]) {
      for await (const line of readLines(bytes.read(0, bytes.length), {onTooLong: 'report'})) {
        held.add(entryIdentity(line.bytes).key)
      }
    }
    const {size, range} = await transcript.rebase(target, {held: (identity) => held.has(identity)})
    await transcript.tidy()
    return {uploaded: {bytes: size, parts: 1, entries: range.entries}, target: to}
  }
}

const noSurplus: Surplus = {entries: 0, messages: 0, ranges: []}

export function diverged(sessionId: string, local: Surplus, stored: Surplus): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_DIVERGED',
    message: `session ${sessionId} went on in two places: ${count(local)} only here, ${count(stored)} only in the store`,
    suggestions: ['Keep both in one conversation: --merge', 'Keep the local one as a session of its own: --fork'],
    details: {sessionId, localOnly: local.entries, storedOnly: stored.entries},
  })
}

function count({entries}: Surplus): string {
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}`
}
