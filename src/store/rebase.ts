import {createHash} from 'node:crypto'
import {hasCode} from '../base/errors.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'
import {type Measure, measure, type TranscriptBytes, verifiedBody} from './bytes.js'
import type {PartSource} from './chain.js'
import {confirmJournal, createJournal, type DisplacedRun, type Journal} from './journal.js'
import type {Lease} from './lease.js'
import {isRanged, type ListedPart, type RangedPart} from './part.js'
import type {TranscriptView} from './view.js'
import {lastMs, nextMs, rangeName, type Run, type WriteContext, writeRangeAt, type WrittenPart} from './write-part.js'

/** What a rebase will do, decided from one view; nothing is written yet. */
export interface RebasePlan {
  readonly run: Run
  /** Names of the parts that the new one makes needless. */
  readonly displaced: readonly string[]
  readonly displacedRuns: readonly DisplacedRun[]
  /** Of the displaced, those of a writer that was cut off in the middle of them: what stands behind the cut is nowhere else. */
  readonly cutShort: readonly RangedPart[]
}

export interface RebaseOptions {
  /**
   * Whether the target holds, or once held, the entry with that identity (`entryIdentity`). Parts with an entry it never held
   * stay, also when the path went through them: those of a holder that was cut off are fenced then, and swept aside, the others are
   * delivered. Default: it held all.
   */
  readonly held?: (identity: string) => boolean
}

/**
 * Plans the one part that brings a transcript to `target`'s bytes: from the last place where both agree to the end, moved back
 * to where no listed part spans the cut and no displaced fork begins before it, so that nothing displaced is needed any more.
 */
export async function planRebase(
  view: TranscriptView,
  target: TranscriptBytes,
  source: PartSource,
  {held}: RebaseOptions = {},
): Promise<RebasePlan> {
  const {resolution} = view
  const forks = await heldParts(resolution.forks, source, held)
  const loose = await heldParts(resolution.loose, source, held)
  const onPath = resolution.slices.map((slice) => slice.part)
  const spanning = [...onPath, ...resolution.covered, ...forks]
  const boundaries = [0, ...resolution.slices.map((slice) => slice.end)].filter((end) => end <= target.length)
  const measured = await measure(target, [...boundaries, target.length])
  const agreed = await lastAgreement(view, boundaries, measured)
  let cut = Math.min(agreed, ...forks.map((part) => part.range.from))
  for (let moved = true; moved;) {
    const starts = spanning
      .filter((part) => part.range.from < cut && cut < part.range.to)
      .map((part) => part.range.from)
    moved = starts.length > 0
    cut = Math.min(cut, ...starts)
  }
  const start = measured.get(cut) ?? (await measure(target, [cut])).get(cut)
  const end = measured.get(target.length)
  if (!start || !end) throw new Error('a measure is missing')
  const needless = [...onPath, ...resolution.covered].filter(({range}) => range.to > cut && range.to > range.from)
  const gone: readonly ListedPart[] = await heldParts(needless, source, held)
  const run: Run = {
    from: cut,
    to: target.length,
    before: start.digest,
    after: end.digest,
    entries: end.entries - start.entries,
    body: await verifiedBody(target, cut, target.length, start.hash, end.digest),
  }
  return {
    run,
    displaced: [...gone, ...forks, ...loose, ...resolution.displaced].map((part) => part.name),
    displacedRuns: await runsOf([...gone, ...forks], source),
    cutShort: resolution.fenced.filter((part) => gone.includes(part)),
  }
}

/** Merges of leased parts are leased, too: the rebase fences them. */
async function runsOf(parts: readonly ListedPart[], source: PartSource): Promise<DisplacedRun[]> {
  const runs: DisplacedRun[] = []
  for (const part of parts) {
    if (!isRanged(part) || part.range.leased || part.size === 0) continue
    const {from, to, before, after} = part.range
    const hash = createHash('sha256')
    for await (const chunk of source.read(part, 0, part.size)) hash.update(chunk)
    runs.push({from, to, before, after, sha256: hash.digest('hex')})
  }
  return runs
}

async function heldParts<T extends ListedPart>(
  parts: readonly T[],
  source: PartSource,
  held: RebaseOptions['held'],
): Promise<readonly T[]> {
  if (!held) return parts
  const all: T[] = []
  for (const part of parts) {
    let every = true
    for await (const {bytes} of readLines(source.read(part, 0, part.size), {onTooLong: 'report'})) {
      every &&= held(entryIdentity(bytes).key)
    }
    if (every) all.push(part)
  }
  return all
}

/** The last end of a slice up to which path and target have the same bytes. */
async function lastAgreement(
  {resolution}: TranscriptView,
  boundaries: readonly number[],
  measured: ReadonlyMap<number, Measure>,
): Promise<number> {
  let agreed = 0
  for (const boundary of boundaries) {
    const digest = await resolution.digests.at(resolution.path, boundary)
    if (digest !== measured.get(boundary)?.digest) break
    agreed = boundary
  }
  return agreed
}

export interface Rebased {
  readonly written: WrittenPart
  readonly journal: Journal
}

/**
 * Writes a planned rebase: its journal, its part, and, once a renewal followed the part, the mark that makes it count.
 *
 * @returns undefined when its name was taken meanwhile: list and plan again.
 */
export async function writeRebase(
  context: WriteContext,
  lease: Lease,
  {ref, listing}: TranscriptView,
  {run, displaced, displacedRuns}: RebasePlan,
): Promise<Rebased | undefined> {
  const {epoch} = lease
  const ms = nextMs(context.clock, lastMs(listing), listing.date)
  const name = rangeName(ms, run)
  const names = displaced.filter((each) => each !== name)
  const journal = await createJournal(context.parts.store, ref, name, names, displacedRuns).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_EXISTS')) return undefined
    throw error
  })
  if (!journal) return undefined
  const written = await writeRangeAt(context, ref, run, {epoch, leased: true, gen: epoch}, ms)
  if (!written) return undefined
  await lease.renew()
  return {written, journal: await confirmJournal(context.parts.store, ref, journal)}
}

/** The journals of rebases that landed and were never marked: their writer died in between. */
export function openJournals({journals, resolution}: TranscriptView): Journal[] {
  return journals.filter((journal) => !journal.confirmed && resolution.on.has(journal.part))
}

export function highestEpoch(parts: Iterable<ListedPart | RangedPart>): number {
  let highest = 0
  for (const part of parts) if ('range' in part) highest = Math.max(highest, part.range.epoch)
  return highest
}
