import type {Clock} from '../base/clock.js'
import {storeError} from './errors.js'
import {streamJoin} from './join.js'
import {compareKeys} from './key-order.js'
import {checkKey} from './key.js'
import {checkMetadata} from './metadata.js'
import {bodySize, openBody} from './object-store.js'
import type {
  GetOptions,
  JoinOptions,
  JoinSource,
  ListOptions,
  ObjectBody,
  ObjectHead,
  ObjectStore,
  PutOptions,
  PutResult,
  RequestOptions,
} from './object-store.js'
import {checkMode} from './put-mode.js'

interface StoredObject extends Omit<ObjectHead, 'date'> {
  readonly bytes: Uint8Array
}

const CHUNK = 64 * 1024
const PAGE = 1000

/**
 * A store in this process's memory, for tests and simulations: what it does depends on its calls and its clock alone.
 * Each write has an etag of its own, also with equal bytes. A mode is decided, and the write visible, in one step after
 * the body has been read.
 */
export class MemoryObjectStore implements ObjectStore {
  readonly url = 'memory:'
  readonly traits = {sortedListing: true}
  readonly #clock: Pick<Clock, 'now'>
  readonly #objects = new Map<string, StoredObject>()
  #sortedKeys: readonly string[] | undefined
  #writes = 0

  constructor(options: {readonly clock: Pick<Clock, 'now'>}) {
    this.#clock = options.clock
  }

  async *list(options: ListOptions) {
    let after = options.startAfter
    for (;;) {
      options.signal?.throwIfAborted()
      const page = this.#page(options, after)
      yield {objects: page.objects, prefixes: page.prefixes, date: this.#clock.now()}
      if (page.next === undefined) return
      after = page.next
    }
  }

  async head(key: string, options: RequestOptions = {}) {
    options.signal?.throwIfAborted()
    checkKey(key)
    const object = this.#objects.get(key)
    return object && this.#headOf(object)
  }

  async get(key: string, options: GetOptions = {}) {
    options.signal?.throwIfAborted()
    checkKey(key)
    const object = this.#objects.get(key)
    if (object === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${key}' in ${this.url}.`)
    if (options.ifMatch !== undefined && options.ifMatch !== object.etag) {
      throw storeError('OBJECT_CHANGED', `Object '${key}' in ${this.url} is no longer the one asked for.`)
    }
    return {...this.#headOf(object), body: chunks(slice(object, options), options.signal)}
  }

  async put(key: string, body: ObjectBody, options: PutOptions) {
    options.signal?.throwIfAborted()
    checkKey(key)
    checkMetadata(options.metadata)
    this.#checkMode(key, options)
    const bytes = await collect(key, body, options.signal)
    return this.#write(key, bytes, options)
  }

  async copy(source: string, target: string, options: PutOptions) {
    options.signal?.throwIfAborted()
    checkKey(source)
    checkKey(target)
    checkMetadata(options.metadata)
    const object = this.#objects.get(source)
    if (object === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${source}' in ${this.url}.`)
    return this.#write(target, object.bytes.slice(), options)
  }

  async join(sources: readonly JoinSource[], target: string, options: JoinOptions) {
    return streamJoin(this, sources, target, options)
  }

  async delete(keys: readonly string[], options: RequestOptions = {}) {
    options.signal?.throwIfAborted()
    for (const key of keys) {
      if (this.#objects.delete(key)) this.#sortedKeys = undefined
    }
    return {failed: [], date: this.#clock.now()}
  }

  async close(): Promise<void> {}

  /** Flips a bit of a stored object behind the store's back. Nothing here verifies: for tests of what stands above. */
  corrupt(key: string): void {
    const first = this.#objects.get(key)?.bytes
    if (first !== undefined) first[0] = (first[0] ?? 0) ^ 1
  }

  #write(key: string, bytes: Uint8Array, options: PutOptions): PutResult {
    this.#checkMode(key, options)
    const date = this.#clock.now()
    const etag = `m${++this.#writes}`
    if (!this.#objects.has(key)) this.#sortedKeys = undefined
    this.#objects.set(key, {
      key,
      bytes,
      size: bytes.byteLength,
      etag,
      modified: date,
      metadata: {...options.metadata},
      ...(options.contentType === undefined ? {} : {contentType: options.contentType}),
    })
    return {etag, date}
  }

  #checkMode(key: string, {mode}: PutOptions): void {
    checkMode(mode, this.#objects.get(key)?.etag, key, this.url)
  }

  #headOf({bytes: _bytes, ...head}: StoredObject): ObjectHead {
    return {...head, metadata: {...head.metadata}, date: this.#clock.now()}
  }

  /** What follows `after`; `next` is the key or rolled-up prefix to go on after. */
  #page(options: ListOptions, after: string | undefined) {
    const {prefix, delimiter, pageSize = PAGE} = options
    const objects: Omit<StoredObject, 'bytes' | 'metadata'>[] = []
    const prefixes: string[] = []
    const keys = this.#keys()
    let last: string | undefined
    const from = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix
    for (let index = lowerBound(keys, from); index < keys.length; index++) {
      const key = keys[index] ?? ''
      if (!key.startsWith(prefix)) break
      if (after !== undefined && compareKeys(key, after) <= 0) continue
      const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
      const folder = end < 0 ? undefined : key.slice(0, end + 1)
      if (folder !== undefined && (folder === last || folder === after)) continue
      if (objects.length + prefixes.length >= pageSize) return {objects, prefixes, next: last}
      last = folder ?? key
      if (folder !== undefined) prefixes.push(folder)
      else objects.push(this.#summary(key))
    }
    return {objects, prefixes, next: undefined}
  }

  #summary(key: string) {
    const object = this.#objects.get(key)
    if (object === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${key}' in ${this.url}.`)
    return {key, size: object.size, etag: object.etag, modified: object.modified}
  }

  #keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].toSorted(compareKeys)
    return this.#sortedKeys
  }
}

/** The bytes asked for. Later writes replace an object's bytes and never change them, so a view is enough. */
function slice(object: StoredObject, {range}: GetOptions): Uint8Array {
  if (range === undefined) return object.bytes
  if (range.start >= object.size || (range.end !== undefined && range.end <= range.start)) {
    throw storeError('RANGE_INVALID', `Object '${object.key}' has ${object.size} bytes; none at ${range.start}.`)
  }
  return object.bytes.subarray(range.start, range.end)
}

async function* chunks(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += CHUNK) {
    signal?.throwIfAborted()
    yield bytes.slice(start, start + CHUNK)
  }
}

async function collect(key: string, body: ObjectBody, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice()
  const parts: Uint8Array[] = []
  for await (const chunk of openBody(body)) {
    signal?.throwIfAborted()
    parts.push(chunk.slice())
  }
  const bytes = new Uint8Array(Buffer.concat(parts))
  if (bytes.byteLength !== bodySize(body)) {
    throw storeError(
      'CHECKSUM_MISMATCH',
      `The body for '${key}' gave ${bytes.byteLength} bytes, not ${bodySize(body)}.`,
    )
  }
  return bytes
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(keys[middle] ?? '', key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
