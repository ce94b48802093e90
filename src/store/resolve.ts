import {ChainDigests, type Link, type PartSource, type Slice, slicesOf} from './chain.js'
import {compareNames, isMetadataPart, isRanged, type ListedPart, type RangedPart} from './part.js'
import {WorkLimit} from './work-limit.js'

/** Parts looked at where another one begins: in a chain one, among a merge's inputs a few. */
const LOOKS_PER_PART = 16
const LOOKS_AT_LEAST = 100_000

/**
 * What one listing of a transcript amounts to: the path, whose bytes are the transcript, and what stands beside it. Pure over
 * the listing, the parts' metadata and a source of bytes; the bytes are read only where metadata cannot decide.
 */
export interface Resolution {
  readonly slices: readonly Slice[]
  /** Bytes of the path. */
  readonly length: number
  /** Hex SHA-256 of the path. */
  readonly digest: string
  /** The reachable part with the highest rank; the path ends in it or in parts of its generation that go on beyond it. */
  readonly tip?: RangedPart
  /** The part that the path ends in. */
  readonly end?: RangedPart
  /** Names of the parts that the path uses to their end. */
  readonly on: ReadonlySet<string>
  /** Beside the path, and the path has their bytes. */
  readonly covered: readonly RangedPart[]
  /** Leased, of an older epoch than the tip: they give nothing. */
  readonly fenced: readonly RangedPart[]
  /** Named by a rebase that stands: they give nothing. */
  readonly displaced: readonly ListedPart[]
  /** Written without a lease, and the path went another way: delivered where their key sorts. */
  readonly forks: readonly RangedPart[]
  /** Of other writers, without a range: delivered where their key sorts. */
  readonly loose: readonly ListedPart[]
  /** One `agent_metadata` entry each, outside the chain. */
  readonly metadata: readonly ListedPart[]
  /** For questions about the path that come later. */
  readonly path?: Link
  readonly digests: ChainDigests
  /** The path that reaches a ranged part, where one does. */
  readonly links: ReadonlyMap<string, Link>
}

export interface ResolveInput {
  readonly parts: readonly (ListedPart | RangedPart)[]
  readonly source: PartSource
  /** Parts that a confirmed rebase has displaced: no path goes through them any more. */
  readonly superseded?: ReadonlySet<string>
  /** What rebases have displaced, given the names of the parts on the path. */
  readonly displacedBy?: (on: ReadonlySet<string>) => ReadonlySet<string>
}

/** @throws PART_DAMAGED, LISTING_TOO_TANGLED; OBJECT_NOT_FOUND when a part is gone that had to be read: list again. */
export async function resolveParts({
  parts,
  source,
  superseded = new Set(),
  displacedBy,
}: ResolveInput): Promise<Resolution> {
  const metadata = parts.filter(isMetadataPart)
  const ranged = parts.filter(isRanged).filter((part) => !isMetadataPart(part))
  const digests = new ChainDigests(
    source,
    ranged.flatMap((part) => [part.range.from, part.range.to]),
  )
  const candidates = ranged.filter((part) => !superseded.has(part.name))
  const links = await linkParts(candidates, digests)
  const ranking = candidates.toSorted((a, b) => compareRank(b, a))
  const tip = ranking.find((part) => links.has(part.name))
  const path = tip && (await extend(links.get(tip.name), tip, ranking, digests))
  const slices = slicesOf(path)
  const length = slices.at(-1)?.end ?? 0
  const on = new Set(slices.filter((slice) => slice.end === slice.part.range.to).map((slice) => slice.part.name))
  const displacedNames = displacedBy?.(on) ?? new Set<string>()

  const covered: RangedPart[] = []
  const fenced: RangedPart[] = []
  const forks: RangedPart[] = []
  const displaced: ListedPart[] = []
  for (const part of ranged) {
    if (on.has(part.name)) continue
    if (part.range.to <= length && (await digests.at(path, part.range.to)) === part.range.after) covered.push(part)
    else if (displacedNames.has(part.name)) displaced.push(part)
    else if (tip && part.range.leased && part.range.epoch < tip.range.epoch) fenced.push(part)
    else forks.push(part)
  }
  const loose: ListedPart[] = []
  for (const part of parts) {
    if (isRanged(part) || isMetadataPart(part)) continue
    if (displacedNames.has(part.name)) displaced.push(part)
    else loose.push(part)
  }
  return {
    slices,
    length,
    digest: await digests.at(path, length),
    ...(tip && {tip}),
    ...(path && {path, end: path.part}),
    on,
    covered,
    fenced,
    displaced,
    forks,
    loose,
    metadata,
    digests,
    links,
  }
}

/** Highest epoch first in line, then leased, then the one that reaches furthest, then the later key. */
function compareRank(a: RangedPart, b: RangedPart): number {
  return (
    a.range.epoch - b.range.epoch ||
    Number(a.range.leased) - Number(b.range.leased) ||
    a.range.to - b.range.to ||
    compareNames(a, b)
  )
}

/**
 * Finds for every part the path that reaches it from byte 0. A part joins where its `from` and `before` meet the end of
 * another part or a point inside one; of several, the one that begins first, then the highest epoch, then the highest key.
 */
async function linkParts(ranged: readonly RangedPart[], digests: ChainDigests): Promise<Map<string, Link>> {
  const links = new Map<string, Link>()
  const limit = new WorkLimit(LOOKS_PER_PART * ranged.length + LOOKS_AT_LEAST)
  const candidates = ranged.toSorted(
    (a, b) => a.range.from - b.range.from || b.range.epoch - a.range.epoch || compareNames(b, a),
  )
  let joints = new Joints(0, [], digests)
  for (const part of candidates) {
    const {from, before} = part.range
    if (from !== joints.offset) {
      joints = new Joints(from, joints.reaching(from), digests)
      limit.spend(joints.size, part)
    }
    const previous = from === 0 ? undefined : await joints.find(before)
    if (from > 0 && !previous) continue
    const link = {part, start: from, ...(previous && {previous})}
    links.set(part.name, link)
    joints.beginning.push(link)
  }
  return links
}

/** What the paths that reach an offset hold up to there. Each path is asked once, for all parts that begin at that offset. */
class Joints {
  readonly offset: number
  /** Links that begin here; they may be predecessors further on. */
  readonly beginning: Link[] = []
  readonly #reaching: readonly Link[]
  readonly #digests: ChainDigests
  readonly #known = new Map<string, Link>()
  #asked = 0

  constructor(offset: number, reaching: readonly Link[], digests: ChainDigests) {
    this.offset = offset
    this.#reaching = reaching
    this.#digests = digests
  }

  get size(): number {
    return this.#reaching.length
  }

  /** The links from here and from before that reach a later offset, in the order in which they are preferred. */
  reaching(offset: number): Link[] {
    return [...this.#reaching, ...this.beginning].filter((link) => link.part.range.to >= offset)
  }

  /** The first link with that digest at the offset. */
  async find(digest: string): Promise<Link | undefined> {
    for (; !this.#known.has(digest); this.#asked++) {
      const link = this.#reaching[this.#asked]
      if (!link) return undefined
      const found = await this.#digests.at(link, this.offset)
      if (!this.#known.has(found)) this.#known.set(found, link)
    }
    return this.#known.get(digest)
  }
}

/** Goes on from the tip with parts of its generation that agree with the path and reach beyond it. */
async function extend(
  tipLink: Link | undefined,
  tip: RangedPart,
  ranking: readonly RangedPart[],
  digests: ChainDigests,
): Promise<Link | undefined> {
  const rank = new Map(ranking.map((part, index) => [part, index]))
  const waiting = ranking
    .filter((part) => part.range.gen === tip.range.gen && part.range.to > tip.range.to)
    .toSorted((a, b) => b.range.from - a.range.from)
  const limit = new WorkLimit(LOOKS_PER_PART * ranking.length + LOOKS_AT_LEAST)
  let path = tipLink
  let reached: RangedPart[] = []
  for (let length = tip.range.to; ; length = path?.part.range.to ?? length) {
    reached = reached.filter((part) => part.range.to > length)
    const before = reached.length
    for (let part = waiting.at(-1); part && part.range.from <= length; part = waiting.at(-1)) {
      if (part.range.to > length) reached.push(part)
      waiting.pop()
    }
    limit.spend(reached.length, tip)
    if (reached.length > before) reached.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
    const next = await firstThatAgrees(reached, path, length, digests)
    if (!next) return path
    path = {part: next, start: length, ...(path && {previous: path})}
  }
}

/** Takes parts from the front until one agrees. Who disagrees with a path does so with all that it grows to, and is read once. */
async function firstThatAgrees(
  parts: RangedPart[],
  path: Link | undefined,
  length: number,
  digests: ChainDigests,
): Promise<RangedPart | undefined> {
  for (const [index, part] of parts.entries()) {
    const {from, before} = part.range
    if ((await digests.at(path, from)) !== before) continue
    if (from < length && (await digests.continued(path, from, part, length - from)) !== path?.part.range.after) continue
    parts.splice(0, index + 1)
    return part
  }
  parts.length = 0
  return undefined
}
