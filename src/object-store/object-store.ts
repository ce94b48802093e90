/**
 * The port through which everything of ours reaches a store. Adapters: `s3`, `file`, `memory`; behaviour is added by
 * decorators. The conformance suite (`reprise/testing`) is the definition of an adapter; this file says it in words.
 *
 * Errors: every method rejects with a `RepriseError` whose code is one of {@link StoreErrorCode}; `errors.ts` makes them.
 */
export interface ObjectStore {
  /** For people and logs: `s3://bucket/prefix`, `file:///dir`, `memory:`. Never holds credentials. */
  readonly url: string
  readonly traits: StoreTraits

  /**
   * Every object whose key begins with `prefix`, in pages. With `delimiter: '/'` keys that have a `/` after the prefix are
   * rolled up into `prefixes` (each ends in `/`, each once). A listing is no snapshot, but an object that was there from
   * before the first page until after the last is listed exactly once. Order within and over pages is promised only where
   * `traits.sortedListing` is set; `listAll` sorts for everyone. Metadata is not listed.
   */
  list(options: ListOptions): AsyncIterable<ListPage>

  /** @returns undefined when there is no such object. */
  head(key: string, options?: RequestOptions): Promise<ObjectHead | undefined>

  /**
   * Streams an object. The body must be read to its end or cancelled (leaving a `for await` cancels). A whole object is
   * verified against the store's checksum where the store gives one: the body then rejects with `CHECKSUM_MISMATCH`; a
   * body that ends early rejects with `STORE_UNREACHABLE`, or with OBJECT_CHANGED or OBJECT_NOT_FOUND when a decorator wanted
   * to resume it and the object has been replaced or removed since.
   *
   * @throws OBJECT_NOT_FOUND; OBJECT_CHANGED when `ifMatch` does not hold; RANGE_INVALID when the range begins at or past the end.
   */
  get(key: string, options?: GetOptions): Promise<ObjectContent>

  /**
   * Writes a whole object: after it resolves, the object is durable and every reader sees it; if it rejects, the object
   * may have been written all the same (ask `head`), but never in part.
   *
   * @throws OBJECT_EXISTS (`create` met an object), OBJECT_CHANGED (`update` met another etag, or none), STORE_CONFLICT (the
   *   store could not decide a race: nothing was written, try again), CHECKSUM_MISMATCH.
   */
  put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult>

  /**
   * Copies inside the store, with the metadata given (never taken over from the source, since some servers lose it).
   * Modes and errors as for `put`; OBJECT_NOT_FOUND when the source is gone.
   */
  copy(source: string, target: string, options: PutOptions): Promise<PutResult>

  /**
   * Makes one object of several, their bytes in the order given, with the metadata given. What a store can copy by itself need not
   * pass through this machine; the rest is streamed, and memory stays flat whatever the size. Each source must still be what
   * its etag and size say. Without sources the object is empty. A join that fails leaves nothing behind. Modes and errors as for `put`.
   *
   * @throws OBJECT_NOT_FOUND, OBJECT_CHANGED for a source (`details.key` names it)
   */
  join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult>

  /**
   * Removes objects, any number of keys, unconditionally; a key without an object counts as removed. Partial failure is a
   * result, not an exception. Idempotent.
   */
  delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteResult>

  /** Releases sockets and handles. Idempotent; nothing may be called after it. */
  close(): Promise<void>
}

/** The calls that reach a store, as logs and faults name them. */
export type StoreOperation = 'list' | 'head' | 'get' | 'put' | 'copy' | 'join' | 'delete'

export interface StoreTraits {
  /** Pages come in byte order of their keys (UTF-8), so that a listing can be cut in ranges with `startAfter`. */
  readonly sortedListing: boolean
}

export interface RequestOptions {
  /** When it aborts, the call rejects promptly with the signal's reason; a write may have landed all the same. */
  readonly signal?: AbortSignal
  /** Which try this is, from 1: set by the retrying decorator, for logs alone. */
  readonly attempt?: number
}

export interface ListOptions extends RequestOptions {
  readonly prefix: string
  readonly delimiter?: '/'
  /** Only keys after this one. Refused (UNSUPPORTED) where `traits.sortedListing` is not set. */
  readonly startAfter?: string
  /** A hint: at most so many objects a page. */
  readonly pageSize?: number
}

export interface ListPage {
  readonly objects: readonly ObjectSummary[]
  readonly prefixes: readonly string[]
  /** The store's clock when it answered (ms since the epoch; whole seconds on S3). */
  readonly date: number
}

export interface ObjectSummary {
  readonly key: string
  readonly size: number
  /**
   * Names the object's content. Other bytes at a key have another etag; the same bytes, created anew after a delete, may have the
   * same one (the MD5 of S3 is an example), and an `update` that was meant for the earlier object then succeeds. Who minds that puts
   * something into the bytes that never comes again.
   */
  readonly etag: string
  /** By the store's clock, ms since the epoch. */
  readonly modified: number
}

export interface ObjectHead extends ObjectSummary {
  /** Keys in lower case. */
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType?: string
  /** e.g. `GLACIER`; absent where the store does not say. */
  readonly storageClass?: string
  /** Object Lock keeps these bytes, whoever deletes; absent where it does not, or the store does not say. */
  readonly locked?: boolean
  readonly date: number
}

export interface GetOptions extends RequestOptions {
  /** Bytes `[start, end)`; an `end` past the object's end is cut. */
  readonly range?: {readonly start: number; readonly end?: number}
  readonly ifMatch?: string
}

export interface ObjectContent extends ObjectHead {
  /** `size` is the whole object's, also for a range. */
  readonly body: AsyncIterable<Uint8Array>
  /**
   * Hex SHA-256 of the whole object, where the store knows it: lets who stitches a body together from several answers
   * verify it as a whole.
   */
  readonly sha256?: string
}

/**
 * Bytes in memory, or a source that can be opened again for a retry. `open` may be called more than once and must give the
 * same bytes each time; `size` is exact.
 */
export type ObjectBody = Uint8Array | {readonly size: number; open(): AsyncIterable<Uint8Array>}

/** How a put meets what is there. `update` needs the etag that the caller last saw. */
export type PutMode =
  | {readonly type: 'create'}
  | {readonly type: 'update'; readonly etag: string}
  | {readonly type: 'overwrite'}

export interface PutOptions extends RequestOptions {
  readonly mode: PutMode
  /**
   * An earlier try of this very write may have landed, so that what is there may be the caller's own: set by the retrying
   * decorator. A store that can tell without reading the object succeeds then; elsewhere the caller has to look.
   */
  readonly retried?: boolean
  /** ASCII keys (lower case) and values, 2 KB in all, no empty value: anything else is refused with METADATA_INVALID. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly contentType?: string
}

/** An object whose bytes go into a join, as it was listed. */
export type JoinSource = Pick<ObjectSummary, 'key' | 'size' | 'etag'>

/** Bytes of a join that are done: those that came through this machine, in and out, and those that the store copied by itself. */
export interface JoinStep {
  readonly moved: number
  readonly copied: number
}

export interface JoinOptions extends PutOptions {
  /** Told as the join goes on; what is repeated is told again. */
  readonly onProgress?: (step: JoinStep) => void
}

export interface PutResult {
  readonly etag: string
  /** The store's clock when it answered (ms since the epoch; whole seconds on S3). */
  readonly date: number
}

export interface DeleteResult {
  readonly failed: readonly {readonly key: string; readonly code: string; readonly message: string}[]
  readonly date: number
}

export const CREATE: PutMode = {type: 'create'}
export const OVERWRITE: PutMode = {type: 'overwrite'}

export function bodySize(body: ObjectBody): number {
  return body instanceof Uint8Array ? body.byteLength : body.size
}

export async function* openBody(body: ObjectBody): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) yield body
  else yield* body.open()
}
