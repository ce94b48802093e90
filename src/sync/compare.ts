import {measure, type TranscriptBytes} from '../store/bytes.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'

/** `[start, end)` of a transcript. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** What one side has and the other lacks. */
export interface Surplus {
  readonly entries: number
  /** Of those, entries with a `uuid`: messages, not bookkeeping. */
  readonly messages: number
  readonly ranges: readonly ByteRange[]
}

/** How a local transcript and a stored one stand to each other. */
export type Relation =
  | {readonly kind: 'equal'}
  /** The local file begins with all that is stored. */
  | {readonly kind: 'local-extends'}
  /** What is stored begins with the whole local file. */
  | {readonly kind: 'stored-extends'}
  /** Local and stored agreed before, nobody wrote to the store since, and Claude rewrote the local file. */
  | {readonly kind: 'rewritten'}
  /** The same entries, in other order or bytes. */
  | {readonly kind: 'same-entries'}
  | {readonly kind: 'local-more'; readonly local: Surplus}
  | {readonly kind: 'stored-more'; readonly stored: Surplus}
  /** Each has more, but one of them only bookkeeping. */
  | {readonly kind: 'bookkeeping'; readonly local: Surplus; readonly stored: Surplus}
  | {readonly kind: 'diverged'; readonly local: Surplus; readonly stored: Surplus}

/** A length and the digest of that many bytes. */
export interface Extent {
  readonly length: number
  readonly digest: string
}

/** The last time that local and stored held the same entries: how far each reached. */
export interface Agreement {
  readonly local: Extent
  readonly stored: Extent
}

/** When they agreed, or may have: a push that died left what it was about to store. */
export function agreements({
  agreed,
  intended = [],
}: {
  readonly agreed?: Agreement | undefined
  readonly intended?: readonly Extent[] | undefined
}): Agreement[] {
  return [...(agreed ? [agreed] : []), ...intended.map((each) => ({local: each, stored: each}))]
}

/** A stored transcript to be compared with. */
export interface StoredSide {
  readonly bytes: TranscriptBytes
  /** Of all its bytes. */
  readonly digest: string
  digestAt(offset: number): Promise<string>
}

/**
 * Compares by digests first and by entries only when those differ. An agreement makes a rewrite by Claude (which only removes or
 * rewrites its own tail) tellable from a file that never had what is stored.
 */
export async function compareTranscripts(
  local: TranscriptBytes,
  stored: StoredSide,
  before: readonly Agreement[],
): Promise<Relation> {
  const offsets = [local.length, stored.bytes.length, ...before.map((each) => each.local.length)].filter(
    (each) => each <= local.length,
  )
  const measured = await measure(local, offsets)
  const digestOf = (offset: number): string | undefined => measured.get(offset)?.digest
  const whole = digestOf(local.length)
  if (local.length === stored.bytes.length && whole === stored.digest) return {kind: 'equal'}
  if (local.length > stored.bytes.length && digestOf(stored.bytes.length) === stored.digest)
    return {kind: 'local-extends'}
  if (local.length < stored.bytes.length && (await stored.digestAt(local.length)) === whole)
    return {kind: 'stored-extends'}
  if (before.some((agreement) => isRewrite(stored, agreement, digestOf))) return {kind: 'rewritten'}
  return compareEntries(local, stored.bytes)
}

function isRewrite(
  stored: StoredSide,
  agreement: Agreement,
  digestOf: (offset: number) => string | undefined,
): boolean {
  const untouched = stored.bytes.length === agreement.stored.length && stored.digest === agreement.stored.digest
  return untouched && digestOf(agreement.local.length) !== agreement.local.digest
}

/** By identity: a `uuid` counts once however often it occurs, an entry without one as often as it does. */
export async function compareEntries(local: TranscriptBytes, stored: TranscriptBytes): Promise<Relation> {
  const counts = new Map<string, number>()
  for await (const {key} of identities(stored)) counts.set(key, (counts.get(key) ?? 0) + 1)
  const common = new Map<string, number>()
  const mine = new Tally()
  for await (const entry of identities(local)) {
    const left = counts.get(entry.key) ?? 0
    if (left === 0) mine.add(entry)
    else if (!entry.message) {
      counts.set(entry.key, left - 1)
      common.set(entry.key, (common.get(entry.key) ?? 0) + 1)
    } else common.set(entry.key, Number.POSITIVE_INFINITY)
  }
  const theirs = new Tally()
  for await (const entry of identities(stored)) {
    const left = common.get(entry.key) ?? 0
    if (left > 0) common.set(entry.key, left - 1)
    else theirs.add(entry)
  }
  if (mine.entries === 0 && theirs.entries === 0) return {kind: 'same-entries'}
  if (theirs.entries === 0) return {kind: 'local-more', local: mine}
  if (mine.entries === 0) return {kind: 'stored-more', stored: theirs}
  const kind = mine.messages === 0 || theirs.messages === 0 ? 'bookkeeping' : 'diverged'
  return {kind, local: mine, stored: theirs}
}

/** Local lines, then what the store has beyond them, in its order: what both sides hold after a merge. */
export function unionOf(local: TranscriptBytes, stored: TranscriptBytes, surplus: Surplus): TranscriptBytes {
  const pieces = [
    {source: local, start: 0, end: local.length},
    ...surplus.ranges.map((range) => ({source: stored, ...range})),
  ]
  return {
    length: pieces.reduce((sum, {start, end}) => sum + end - start, 0),
    async *read(start, end) {
      let at = 0
      for (const piece of pieces) {
        const size = piece.end - piece.start
        const [from, to] = [Math.max(start - at, 0), Math.min(end - at, size)]
        if (from < to) yield* piece.source.read(piece.start + from, piece.start + to)
        at += size
      }
    },
  }
}

interface Entry extends ByteRange {
  readonly key: string
  readonly message: boolean
}

async function* identities(bytes: TranscriptBytes): AsyncIterable<Entry> {
  for await (const line of readLines(bytes.read(0, bytes.length), {onTooLong: 'report'})) {
    const end = line.offset + line.length
    if (line.state === 'too-long') yield {key: `long:${line.length}`, message: false, start: line.offset, end}
    else {
      const {key, uuid} = entryIdentity(line.bytes)
      yield {key, message: uuid !== undefined, start: line.offset, end}
    }
  }
}

class Tally implements Surplus {
  entries = 0
  messages = 0
  readonly ranges: ByteRange[] = []

  add({message, start, end}: Entry): void {
    this.entries++
    if (message) this.messages++
    const last = this.ranges.at(-1)
    if (last?.end === start) this.ranges[this.ranges.length - 1] = {start: last.start, end}
    else this.ranges.push({start, end})
  }
}
