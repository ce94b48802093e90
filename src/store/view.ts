import {type Delivery, deliver} from './deliver.js'
import {displacedNames, type Journal, readJournals, supersededNames} from './journal.js'
import type {TranscriptRef} from './names.js'
import type {ListedPart, RangedPart} from './part.js'
import {againWhenMoved, type PartListing, type Parts} from './parts.js'
import {type Resolution, resolveParts} from './resolve.js'

/** One transcript as a listing shows it. */
export interface TranscriptView {
  readonly ref: TranscriptRef
  readonly listing: PartListing
  /** The listed parts, with what their metadata says. */
  readonly parts: readonly (ListedPart | RangedPart)[]
  readonly resolution: Resolution
  /** Read only when parts stand beside the path, or when asked for. */
  readonly journals: readonly Journal[]
  readonly delivery: Delivery
}

export interface ViewOptions {
  /** One that was made a moment ago, to save the first request. */
  readonly listing?: PartListing
  /** A lease holder looks at them always: one that was left open must be settled also where nothing stands beside the path. */
  readonly journals?: 'when-needed' | 'always'
}

/** Lists a transcript and resolves it, again where parts moved in between. */
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
  for (let listing = first, again = true; ; again = false) {
    const {ref} = listing
    const described = await parts.describe(listing.parts)
    let resolution = await resolveParts({parts: described, source: parts})
    let journals: Journal[] = []
    if (always || resolution.forks.length > 0 || resolution.loose.length > 0) {
      journals = await readJournals(parts.store, ref)
      if (again && cameLater(journals, listing)) {
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
    return {ref, listing, parts: described, resolution, journals, delivery: await deliver(resolution, parts)}
  }
}

/** A rebase finished between the listing and the journals: its part must be listed before its journal may count. */
function cameLater(journals: readonly Journal[], {parts}: PartListing): boolean {
  const listed = new Set(parts.map((part) => part.name))
  return journals.some((each) => !listed.has(each.part) && [...each.displaced].some((name) => listed.has(name)))
}
