import {RepriseError} from '../base/errors.js'
import {deliver} from './deliver.js'
import type {Delivery} from './interleave.js'
import {displacedNames, displacedRuns, type Journal, KnownJournals, readJournals, supersededNames} from './journal.js'
import {type TranscriptRef, transcriptPrefix} from './names.js'
import {compareNames, isMetadataPart, isRanged, type ListedPart, type RangedPart} from './part.js'
import {againWhenMoved, type PartListing, type Parts} from './parts.js'
import {type Resolution, resolveParts} from './resolve.js'

/** One transcript as a listing shows it. */
export interface TranscriptView {
  readonly ref: TranscriptRef
  readonly listing: PartListing
  /** The listed parts, and the archived ones where the chain needs them, with what their metadata says. */
  readonly parts: readonly (ListedPart | RangedPart)[]
  readonly resolution: Resolution
  /** Read only when parts stand beside the path, or when asked for. */
  readonly journals: readonly Journal[]
  /** Parts that lie in the archive alone: a writer restores them first. */
  readonly archived: readonly RangedPart[]
  readonly delivery: Delivery
}

export interface ViewOptions {
  /** One that was made a moment ago, to save the first request. */
  readonly listing?: PartListing
  /** A lease holder looks at them always: one that was left open must be settled also where nothing stands beside the path. */
  readonly journals?: 'when-needed' | 'always'
}

const MAX_LISTINGS = 10

/** Who looks again at a transcript reads what it has seen confirmed no second time. */
const KNOWN = new WeakMap<Parts, KnownJournals>()

/**
 * Lists a transcript and resolves it, again where parts moved in between.
 *
 * @throws TRANSCRIPT_BUSY when rebases land faster than they can be read; PART_DAMAGED, JOURNAL_DAMAGED, LISTING_TOO_TANGLED,
 *   TOO_MANY_JOURNALS.
 */
export async function viewTranscript(
  parts: Parts,
  ref: TranscriptRef,
  {listing, journals = 'when-needed'}: ViewOptions = {},
): Promise<TranscriptView> {
  let given = listing
  return againWhenMoved(async () => {
    const first = given ?? (await parts.list(ref))
    given = undefined
    return viewListing(parts, first, journals === 'always')
  })
}

async function viewListing(parts: Parts, first: PartListing, always: boolean): Promise<TranscriptView> {
  const rebases = new UnlistedRebases()
  for (let listing = first, listings = 1; ; listings++) {
    const {ref} = listing
    let described = await parts.describe(listing.parts)
    let resolution = await resolveParts({parts: described, source: parts})
    const archived = hasGap(described, resolution) ? await unlisted(parts, listing) : []
    if (archived.length > 0) {
      described = [...archived, ...described].toSorted(compareNames)
      resolution = await resolveParts({parts: described, source: parts})
    }
    if (hasGap(described, resolution)) {
      // What was archived may have been put back between both listings.
      const fresh = await parts.list(ref)
      if (!isSameListing(fresh, listing)) {
        if (listings === MAX_LISTINGS) throw busy(ref)
        listing = fresh
        continue
      }
    }
    let journals: Journal[] = []
    if (always || resolution.forks.length > 0 || resolution.loose.length > 0) {
      journals = await readJournals(parts.store, ref, knownTo(parts))
      if (rebases.askForMore(journals, listing)) {
        if (listings === MAX_LISTINGS) throw busy(ref)
        listing = await parts.list(ref)
        continue
      }
      const found = journals
      if (found.length > 0) {
        resolution = await resolveParts({
          parts: described,
          source: parts,
          superseded: supersededNames(found),
          displacedBy: (on) => displacedNames(found, on),
        })
      }
    }
    const delivery = await deliver(resolution, parts, displacedRuns(journals, resolution.on))
    return {ref, listing, parts: described, resolution, journals, archived, delivery}
  }
}

/** Some part does not join up with what is listed before it; or the one that would tell has lost its metadata. */
function hasGap(described: readonly (ListedPart | RangedPart)[], {links}: Resolution): boolean {
  const own = described.filter((part) => !isMetadataPart(part))
  const hasBytes = own.some(({size}) => size > 0)
  return own.some((part) => (isRanged(part) ? !links.has(part.name) : !hasBytes))
}

function isSameListing(a: PartListing, b: PartListing): boolean {
  return a.parts.length === b.parts.length && a.parts.every(({key}, at) => key === b.parts[at]?.key)
}

/** What is archived and not restored. */
async function unlisted(parts: Parts, listing: PartListing): Promise<readonly RangedPart[]> {
  const listed = new Set(listing.parts.map((part) => part.name))
  return (await parts.listArchive(listing.ref)).filter((part) => !listed.has(part.name))
}

/**
 * Journals that name a listed part while their own is not listed. Their rebase ended between the listing and the journals, and
 * its part must be listed before they may count; or that part is gone for good, merged or displaced, which is known when a
 * listing from after the mark does not have it either, and nothing went meanwhile.
 */
class UnlistedRebases {
  #confirmed: ReadonlySet<string> = new Set()
  #before: ReadonlySet<string> = new Set()
  #askedForOpen = false

  /** Whether it takes another listing before these journals say what this one amounts to. */
  askForMore(journals: readonly Journal[], {parts}: PartListing): boolean {
    const listed = new Set(parts.map((part) => part.name))
    const unlisted = journals.filter(
      (each) => !listed.has(each.part) && [...each.displaced].some((name) => listed.has(name)),
    )
    const confirmed = new Set(unlisted.filter((each) => each.confirmed).map((each) => each.part))
    const settled = isSubset(confirmed, this.#confirmed) && (confirmed.size === 0 || isSubset(this.#before, listed))
    this.#confirmed = confirmed
    this.#before = listed
    // One without a mark counts only when its part is on the path, but it may be about to: it is asked for once.
    const open = !this.#askedForOpen && unlisted.length > confirmed.size
    if (open) this.#askedForOpen = true
    return !settled || open
  }
}

function isSubset<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): boolean {
  return [...part].every((each) => whole.has(each))
}

function knownTo(parts: Parts): KnownJournals {
  const known = KNOWN.get(parts) ?? new KnownJournals()
  KNOWN.set(parts, known)
  return known
}

function busy(ref: TranscriptRef): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TRANSCRIPT_BUSY',
    message: `${transcriptPrefix(ref)}: others keep rewriting it while it is read`,
    suggestions: ['Run the command again.', 'reprise status'],
  })
}
