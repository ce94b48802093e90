import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import {isFree} from '../registry/lease-record.js'
import {LEASE_LIFE_MS} from '../registry/session-lease.js'
import {isMetadataPart, isRanged} from '../store/part.js'
import type {Parts, SessionListing} from '../store/parts.js'
import {leaseTable, type SyncContext} from './context.js'

/** Programs that know nothing of archives see an archived session as an empty one: within this time one may still be at it. */
const IN_USE_MS = 24 * 3_600_000
const REQUESTS_AT_ONCE = 8

/** What tells that somebody may still be using a session, and since when nobody would be. */
export interface SessionUse {
  readonly what: string
  /** By the clock of the service that tells it, ms. */
  readonly until: number
}

/**
 * A part without our metadata, or a lease, in the last 24 hours by the store's clock. A lease that an archiving took does not count, nor
 * one of a process that is known to be dead and has not given it back: what was interrupted can be finished.
 */
export async function findUse(
  context: Pick<SyncContext, 'store' | 'leases' | 'isDead'>,
  parts: Parts,
  listing: SessionListing,
): Promise<SessionUse | undefined> {
  return (await leaseUse(context, parts, listing)) ?? looseUse(parts, listing)
}

async function leaseUse(
  context: Pick<SyncContext, 'store' | 'leases' | 'isDead'>,
  parts: Parts,
  {ref, transcripts}: SessionListing,
): Promise<SessionUse | undefined> {
  const found = await leaseTable(context).read(ref.sessionId)
  if (!found) return undefined
  const {record, date} = found
  const {owner, released, expiry, epoch} = record
  if (!released && context.isDead(owner)) return undefined
  const until = (released ? expiry - LEASE_LIFE_MS : expiry) + IN_USE_MS
  if (until <= date) return undefined
  const who = `process ${owner.pid} on ${owner.machine}`
  if (!isFree(record, date)) return {what: `${who} holds it until ${timeOf(expiry)}`, until}
  const archived = await pMap(transcripts, async (each) => parts.listArchive(each.ref), {concurrency: REQUESTS_AT_ONCE})
  if (archived.flat().some(({range}) => range.epoch + 1 === epoch)) return undefined
  return {what: `${who} held it until ${timeOf(until - IN_USE_MS)}`, until}
}

async function looseUse(parts: Parts, {transcripts, date}: SessionListing): Promise<SessionUse | undefined> {
  const recent = transcripts
    .flatMap((each) => each.parts)
    .filter((part) => part.modified > date - IN_USE_MS && !isMetadataPart(part))
  const last = (await parts.describe(recent))
    .filter((part) => !isRanged(part))
    .toSorted(byTime)
    .at(-1)
  if (!last) return undefined
  const {key, modified} = last
  return {what: `another program stored ${key} at ${timeOf(modified)}`, until: modified + IN_USE_MS}
}

function byTime(a: {readonly modified: number}, b: {readonly modified: number}): number {
  return a.modified - b.modified
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

export function archiveInUse(sessionId: string, {what, until}: SessionUse): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'ARCHIVE_IN_USE',
    message: `session ${sessionId} may still be in use: ${what}. To the Agent SDK an archived session is an empty one`,
    suggestions: [
      `Archive it after ${timeOf(until)}.`,
      `Archive it now, when no agent will go on in it by itself: reprise compact ${sessionId} --archive gzip --force`,
      'Choose by age, and leave such sessions for later: --older-than 7d',
    ],
    details: {sessionId, until: timeOf(until)},
  })
}
