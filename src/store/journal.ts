import pMap from 'p-map'
import * as v from 'valibot'
import {hasCode, RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type ObjectSummary} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {journalPrefix, type TranscriptRef} from './names.js'

/**
 * A displaced part without a lease, by its bytes: a merge that was under way may bring them back under a name that no journal
 * could know.
 */
export interface DisplacedRun {
  readonly from: number
  readonly to: number
  /** Hex SHA-256 of the transcript up to `from` and up to `to`. */
  readonly before: string
  readonly after: string
  /** Hex SHA-256 of the part's own bytes. */
  readonly sha256: string
}

/**
 * What a rebase displaces, written before its part. It counts once it is confirmed, or once its part is on the path: a rebase
 * that never landed displaces nothing.
 */
export interface Journal {
  /** Name of the rebase's part, with `.jsonl`. */
  readonly part: string
  readonly displaced: ReadonlySet<string>
  readonly runs: readonly DisplacedRun[]
  readonly confirmed: boolean
  readonly etag: string
}

const Offset = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const Run = v.object({from: Offset, to: Offset, before: v.string(), after: v.string(), sha256: v.string()})
const Content = v.object({
  version: v.literal(1),
  confirmed: v.boolean(),
  displaced: v.array(v.string()),
  runs: v.optional(v.array(Run), []),
})

const MAX_JOURNAL_BYTES = 8 * 1024 * 1024
const MAX_TOTAL_BYTES = 64 * 1024 * 1024
const MAX_COUNT = 10_000
const MAX_KNOWN_BYTES = 16 * 1024 * 1024
const CONCURRENCY = 16

/** Confirmed journals, which no writer changes any more, kept for whoever looks again. Bounded: the oldest go first. */
export class KnownJournals {
  readonly #journals = new Map<string, {readonly journal: Journal; readonly etag: string; readonly size: number}>()
  #bytes = 0

  get({key, etag}: ObjectSummary): Journal | undefined {
    const known = this.#journals.get(key)
    return known?.etag === etag ? known.journal : undefined
  }

  add({key, etag, size}: ObjectSummary, journal: Journal): void {
    this.#drop(key)
    this.#journals.set(key, {journal, etag, size})
    this.#bytes += size
    for (const oldest of this.#journals.keys()) {
      if (this.#bytes <= MAX_KNOWN_BYTES) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#journals.get(key)?.size ?? 0
    this.#journals.delete(key)
  }
}

/**
 * All journals of a transcript: one request for the listing, and one for each that is not known as confirmed.
 *
 * @throws JOURNAL_DAMAGED, TOO_MANY_JOURNALS
 */
export async function readJournals(
  store: ObjectStore,
  ref: TranscriptRef,
  known: KnownJournals = new KnownJournals(),
): Promise<Journal[]> {
  const prefix = journalPrefix(ref)
  const listing = await listAll(store, {prefix, delimiter: '/'})
  const objects = listing.objects.filter(({key}) => key.endsWith('.json'))
  const total = objects.reduce((sum, {size}) => sum + size, 0)
  if (objects.length > MAX_COUNT || total > MAX_TOTAL_BYTES) throw tooMany(prefix, objects.length, total)
  const journals = await pMap(objects, (object) => readJournal(store, prefix, object, known), {
    concurrency: CONCURRENCY,
  })
  return journals.filter((journal) => journal !== undefined)
}

async function readJournal(
  store: ObjectStore,
  prefix: string,
  listed: ObjectSummary,
  known: KnownJournals,
): Promise<Journal | undefined> {
  const kept = known.get(listed)
  if (kept) return kept
  const {key} = listed
  const object = await readObject(store, key, {limit: MAX_JOURNAL_BYTES})
  if (!object) return undefined
  const {confirmed, displaced, runs} = parse(key, object.bytes)
  const part = key.slice(prefix.length, -'.json'.length)
  const journal = {part, displaced: new Set(displaced), runs, confirmed, etag: object.etag}
  if (confirmed && object.etag === listed.etag) known.add(listed, journal)
  return journal
}

/** Written before the rebase's part. A journal of that name that is there already is an earlier try of the same rebase. */
export async function createJournal(
  store: ObjectStore,
  ref: TranscriptRef,
  part: string,
  displaced: Iterable<string>,
  runs: readonly DisplacedRun[] = [],
): Promise<Journal> {
  const journal = {part, displaced: new Set(displaced), runs, confirmed: false}
  const {etag} = await store.put(keyOf(ref, part), encode(journal), {mode: CREATE, contentType: 'application/json'})
  return {...journal, etag}
}

/** After a renewal of the lease that followed the part's PUT: from now on every reader leaves the displaced parts out. */
export async function confirmJournal(store: ObjectStore, ref: TranscriptRef, journal: Journal): Promise<Journal> {
  const mode = {type: 'update', etag: journal.etag} as const
  const [key, marked] = [keyOf(ref, journal.part), encode({...journal, confirmed: true})]
  try {
    const {etag} = await store.put(key, marked, {mode, contentType: 'application/json'})
    return {...journal, confirmed: true, etag}
  } catch (error) {
    // An earlier try may have landed, and its answer got lost.
    if (!hasCode(error, 'OBJECT_CHANGED') || error.details['retried'] !== true) throw error
    const there = await readObject(store, key, {limit: MAX_JOURNAL_BYTES})
    if (!there || !marked.equals(there.bytes)) throw error
    return {...journal, confirmed: true, etag: there.etag}
  }
}

/** The names that no path goes through: their rebase is known to stand. */
export function supersededNames(journals: readonly Journal[]): Set<string> {
  return new Set(journals.filter((each) => each.confirmed).flatMap((each) => [...each.displaced]))
}

/** The names that give nothing, given the parts on the path. */
export function displacedNames(journals: readonly Journal[], on: ReadonlySet<string>): Set<string> {
  return new Set(counting(journals, on).flatMap((each) => [...each.displaced]))
}

/** The lines that give nothing, wherever a merge has put them. */
export function displacedRuns(journals: readonly Journal[], on: ReadonlySet<string>): DisplacedRun[] {
  return counting(journals, on).flatMap((each) => [...each.runs])
}

function counting(journals: readonly Journal[], on: ReadonlySet<string>): readonly Journal[] {
  return journals.filter((each) => each.confirmed || on.has(each.part))
}

function keyOf(ref: TranscriptRef, part: string): string {
  return `${journalPrefix(ref)}${part}.json`
}

function encode({confirmed, displaced, runs}: Omit<Journal, 'part' | 'etag'>): Buffer {
  const some = runs.length > 0 && {runs}
  return Buffer.from(`${JSON.stringify({version: 1, confirmed, displaced: [...displaced], ...some})}\n`)
}

function parse(key: string, bytes: Uint8Array): v.InferOutput<typeof Content> {
  try {
    return v.parse(Content, JSON.parse(Buffer.from(bytes).toString()))
  } catch (cause) {
    throw new RepriseError({
      kind: 'bad-data',
      code: 'JOURNAL_DAMAGED',
      message: `${key} is not a rebase journal that this reprise can read`,
      suggestions: ['reprise doctor'],
      cause,
    })
  }
}

function tooMany(prefix: string, count: number, bytes: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'TOO_MANY_JOURNALS',
    message: `${prefix} holds ${count} rebase journals of ${bytes} bytes; at most ${MAX_COUNT} of ${MAX_TOTAL_BYTES} are read`,
    suggestions: ['reprise doctor'],
  })
}
