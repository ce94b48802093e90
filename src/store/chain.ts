import {createHash, type Hash} from 'node:crypto'
import {RepriseError} from '../base/errors.js'
import {EMPTY_SHA256} from '../base/hash.js'
import type {ListedPart, RangedPart} from './part.js'
import {WorkLimit} from './work-limit.js'

/** Where the chain reads bytes: `[start, end)` of a part's object. Called only where metadata cannot decide. */
export interface PartSource {
  read(part: ListedPart, start: number, end: number): AsyncIterable<Uint8Array>
}

/**
 * A part on a path: it gives the transcript's bytes from `start` (its own `from`, or later where it only extends the path)
 * up to its end or to the `start` of the next one.
 */
export interface Link {
  readonly part: RangedPart
  readonly previous?: Link
  readonly start: number
}

/** The transcript's bytes `[start, end)`, taken from one part. */
export interface Slice {
  readonly part: RangedPart
  readonly start: number
  readonly end: number
}

/** The slices that make the transcript up to the end of `last`, from byte 0. */
export function slicesOf(last: Link | undefined): Slice[] {
  const slices: Slice[] = []
  let end = last?.part.range.to ?? 0
  for (let link = last; link; link = link.previous) {
    slices.push({part: link.part, start: link.start, end})
    end = link.start
  }
  return slices.toReversed()
}

/** Hash states kept: each is about 600 bytes. A point lies on one link of a chain, and on one more for each merge around it. */
const STATES_PER_POINT = 4
const STATES_AT_LEAST = 50_000

/**
 * Digests of the transcript that a chain of links makes, at any offset. Each part is streamed at most once and only when
 * metadata does not say; hash states are kept at the offsets where some part begins or ends, which is where questions come.
 */
export class ChainDigests {
  readonly #source: PartSource
  readonly #points: readonly number[]
  readonly #states = new Map<Link, Map<number, Hash>>()
  readonly #limit: WorkLimit
  /** The links of the path that was asked about last, from byte 0 on. */
  #path: Link[] = []

  /** @param points offsets that may be asked for, in any order. */
  constructor(source: PartSource, points: Iterable<number>) {
    this.#source = source
    this.#points = [...new Set(points)].toSorted((a, b) => a - b)
    this.#limit = new WorkLimit(STATES_PER_POINT * this.#points.length + STATES_AT_LEAST)
  }

  /**
   * Digest of the transcript's first `offset` bytes on the path that ends in `last`; `offset` is at most its length.
   *
   * @throws PART_DAMAGED, LISTING_TOO_TANGLED
   */
  async at(last: Link | undefined, offset: number): Promise<string> {
    if (offset === 0) return EMPTY_SHA256
    const {link, next} = this.#linkAt(last, offset)
    if (offset === link.part.range.to) return link.part.range.after
    if (next && next.start === offset && next.part.range.from === offset) return next.part.range.before
    return (await this.#state(link, offset)).copy().digest('hex')
  }

  /**
   * Digest of the path's first `offset` bytes followed by the first `count` bytes of `part`: whether a part that begins
   * inside the path agrees with it.
   */
  async continued(last: Link | undefined, offset: number, part: ListedPart, count: number): Promise<string> {
    const hash =
      offset === 0 ? createHash('sha256') : (await this.#state(this.#linkAt(last, offset).link, offset)).copy()
    for await (const chunk of this.#source.read(part, 0, count)) hash.update(chunk)
    return hash.digest('hex')
  }

  /** The link that gives the byte before `offset`, and the one after it on the path. */
  #linkAt(last: Link | undefined, offset: number): {link: Link; next?: Link} {
    if (last && last.start < offset && offset <= last.part.range.to) return {link: last}
    const links = this.#linksOf(last)
    const after = firstIndex(links, (each) => each.start >= offset)
    const [link, next] = [links[after - 1], links[after]]
    if (!link || offset > link.part.range.to) throw new Error(`offset ${offset} lies beyond the path`)
    return {link, ...(next && {next})}
  }

  #linksOf(last: Link | undefined): readonly Link[] {
    const known = this.#path.at(-1)
    if (known === last) return this.#path
    if (last && known && last.previous === known) this.#path.push(last)
    else {
      this.#path = []
      for (let link = last; link; link = link.previous) this.#path.push(link)
      this.#path.reverse()
    }
    return this.#path
  }

  async #state(link: Link, offset: number): Promise<Hash> {
    const missing: {link: Link; upTo: number}[] = []
    let known: Hash | undefined
    let upTo = offset
    for (let at: Link | undefined = link; at; at = at.previous) {
      if (at.start === upTo) continue // an empty part: the state is its predecessor's
      known = this.#states.get(at)?.get(upTo)
      if (known) break
      missing.push({link: at, upTo})
      upTo = at.start
    }
    let state = known ?? createHash('sha256')
    for (const {link: at, upTo: end} of missing.toReversed()) state = await this.#stream(at, state, end)
    return state
  }

  /** Streams the rest of a link's part after the state at its start; keeps a state at every point inside. */
  async #stream(link: Link, atStart: Hash, upTo: number): Promise<Hash> {
    const {from, to, after} = link.part.range
    const points = this.#pointsInside(link.start, to, upTo)
    this.#limit.giveBack(this.#states.get(link)?.size ?? 0)
    this.#limit.spend(points.length, link.part)
    const states = new Map<number, Hash>()
    let at = 0
    const hash = atStart.copy()
    let offset = link.start
    for await (let chunk of this.#source.read(link.part, link.start - from, to - from)) {
      for (let point = points[at]; point !== undefined && point <= offset + chunk.length; point = points[++at]) {
        hash.update(chunk.subarray(0, point - offset))
        chunk = chunk.subarray(point - offset)
        offset = point
        states.set(point, hash.copy())
      }
      hash.update(chunk)
      offset += chunk.length
    }
    if (offset !== to || hash.digest('hex') !== after) throw damagedPart(link.part)
    this.#states.set(link, states)
    const state = states.get(upTo)
    if (!state) throw new Error(`no state at ${upTo}`)
    return state
  }

  /** The points in `(start, to]`, and `asked`, which lies there too. */
  #pointsInside(start: number, to: number, asked: number): number[] {
    const first = firstIndex(this.#points, (point) => point > start)
    const points = this.#points.slice(
      first,
      firstIndex(this.#points, (point) => point > to),
    )
    const place = firstIndex(points, (point) => point >= asked)
    if (points[place] !== asked) points.splice(place, 0, asked)
    return points
  }
}

/** Where the elements begin that have a property which, once an element has it, all after it have. */
function firstIndex<T>(sorted: readonly T[], has: (element: T) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const element = sorted[middle]
    if (element !== undefined && has(element)) high = middle
    else low = middle + 1
  }
  return low
}

/** The bytes of a part are not what its metadata says. */
export function damagedPart(part: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `${part.key}: the bytes are not the ones that its digests name`,
    suggestions: ['reprise doctor', 'Restore that object from a version or a replica of the bucket.'],
  })
}
