import * as v from 'valibot'
import {RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {journalPrefix, type TranscriptRef} from './names.js'

/**
 * What a rebase displaces, written before its part. It counts once it is confirmed, or once its part is on the path: a rebase
 * that never landed displaces nothing.
 */
export interface Journal {
  /** Name of the rebase's part, with `.jsonl`. */
  readonly part: string
  readonly displaced: ReadonlySet<string>
  readonly confirmed: boolean
  readonly etag: string
}

const Content = v.object({version: v.literal(1), confirmed: v.boolean(), displaced: v.array(v.string())})

const MAX_JOURNAL_BYTES = 8 * 1024 * 1024

export async function readJournals(store: ObjectStore, ref: TranscriptRef): Promise<Journal[]> {
  const prefix = journalPrefix(ref)
  const {objects} = await listAll(store, {prefix, delimiter: '/'})
  const journals: Journal[] = []
  for (const {key} of objects) {
    const object = await readObject(store, key, {limit: MAX_JOURNAL_BYTES})
    if (!object || !key.endsWith('.json')) continue
    const content = parse(key, object.bytes)
    journals.push({
      part: key.slice(prefix.length, -'.json'.length),
      displaced: new Set(content.displaced),
      confirmed: content.confirmed,
      etag: object.etag,
    })
  }
  return journals
}

/** Written before the rebase's part. A journal of that name that is there already is an earlier try of the same rebase. */
export async function createJournal(
  store: ObjectStore,
  ref: TranscriptRef,
  part: string,
  displaced: Iterable<string>,
): Promise<Journal> {
  const names = new Set(displaced)
  const {etag} = await store.put(keyOf(ref, part), encode(names, false), {
    mode: CREATE,
    contentType: 'application/json',
  })
  return {part, displaced: names, confirmed: false, etag}
}

/** After a renewal of the lease that followed the part's PUT: from now on every reader leaves the displaced parts out. */
export async function confirmJournal(store: ObjectStore, ref: TranscriptRef, journal: Journal): Promise<Journal> {
  const mode = {type: 'update', etag: journal.etag} as const
  const {etag} = await store.put(keyOf(ref, journal.part), encode(journal.displaced, true), {
    mode,
    contentType: 'application/json',
  })
  return {...journal, confirmed: true, etag}
}

/** The names that no path goes through: their rebase is known to stand. */
export function supersededNames(journals: readonly Journal[]): Set<string> {
  return new Set(journals.filter((each) => each.confirmed).flatMap((each) => [...each.displaced]))
}

/** The names that give nothing, given the parts on the path. */
export function displacedNames(journals: readonly Journal[], on: ReadonlySet<string>): Set<string> {
  return new Set(journals.filter((each) => each.confirmed || on.has(each.part)).flatMap((each) => [...each.displaced]))
}

function keyOf(ref: TranscriptRef, part: string): string {
  return `${journalPrefix(ref)}${part}.json`
}

function encode(displaced: ReadonlySet<string>, confirmed: boolean): Uint8Array {
  return Buffer.from(`${JSON.stringify({version: 1, confirmed, displaced: [...displaced]})}\n`)
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
