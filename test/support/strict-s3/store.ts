import {createHash, randomBytes} from 'node:crypto'
import {digestOf, type StoredChecksum} from './checksums.js'
import {noSuchBucket} from './errors.js'
import type {MultipartUpload} from './multipart-state.js'

/** The server's own clock: `Date`, `LastModified` and the skew check go by it and by nothing else. */
export class ServerClock {
  offsetMs = 0
  readonly #base: () => number

  constructor(base: () => number) {
    this.#base = base
  }

  now(): number {
    return this.#base() + this.offsetMs
  }
}

export interface StoredObject {
  readonly key: string
  /** Never copied or joined: a copy of an object shares its chunks. */
  readonly chunks: readonly Buffer[]
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** Whole seconds, as the service keeps them. */
  readonly modified: number
  metadata: Readonly<Record<string, string>>
  /** Content-Type and its kin, storage class, encryption: sent back as they are. */
  readonly headers: Readonly<Record<string, string>>
  readonly checksum?: StoredChecksum
}

/** UTF-8 bytes as a string of as many characters: comparing two of them with `<` compares bytes. */
export const byteOrder = (key: string): string => Buffer.from(key, 'utf8').toString('latin1')

/** Objects by key, with the keys in byte order. */
export class Bucket {
  readonly name: string
  readonly created: number
  readonly uploads = new Map<string, MultipartUpload>()
  readonly #objects = new Map<string, StoredObject>()
  #sorted: string[] = []

  constructor(name: string, created: number) {
    this.name = name
    this.created = created
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(byteOrder(key))
  }

  put(object: StoredObject): void {
    const id = byteOrder(object.key)
    if (!this.#objects.has(id)) this.#sorted.splice(this.#firstAt(id), 0, id)
    this.#objects.set(id, object)
  }

  delete(key: string): boolean {
    const id = byteOrder(key)
    if (!this.#objects.delete(id)) return false
    this.#sorted.splice(this.#firstAt(id), 1)
    return true
  }

  keys(prefix = ''): string[] {
    return [...this.from(prefix)].map((object) => object.key).filter((key) => key.startsWith(prefix))
  }

  /** Objects whose key is at or (in bytes) after `key`, in order. `skip` of the last one's id and above jumps ahead. */
  *from(key: string): Generator<StoredObject, void, string | undefined> {
    let index = this.#firstAt(byteOrder(key))
    while (index < this.#sorted.length) {
      const object = this.#objects.get(this.#sorted[index]!)!
      const jump = yield object
      index = jump === undefined ? index + 1 : this.#firstAt(jump)
    }
  }

  #firstAt(id: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sorted[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

export interface Planted {
  readonly metadata?: Readonly<Record<string, string>>
  /** Milliseconds by the server's clock; default now. */
  readonly modified?: number
}

/** All that the server remembers. */
export class Store {
  readonly buckets = new Map<string, Bucket>()
  readonly #clock: ServerClock

  constructor(clock: ServerClock) {
    this.#clock = clock
  }

  createBucket(name: string): Bucket {
    const bucket = new Bucket(name, this.#clock.now())
    this.buckets.set(name, bucket)
    return bucket
  }

  /** @throws NoSuchBucket */
  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (!bucket) throw noSuchBucket(name)
    return bucket
  }

  keys(bucket: string, prefix = ''): string[] {
    return this.bucket(bucket).keys(prefix)
  }

  read(bucket: string, key: string): Buffer | undefined {
    const object = this.bucket(bucket).get(key)
    return object && Buffer.concat(object.chunks)
  }

  /** Puts an object there as if someone else had: no request, no condition, no log entry. */
  plant(bucket: string, key: string, body: string | Uint8Array, planted: Planted = {}): void {
    const bytes = Buffer.from(body as Uint8Array)
    this.bucket(bucket).put({
      key,
      chunks: [bytes],
      size: bytes.length,
      etag: digestOf('MD5', [bytes]).toString('hex'),
      modified: wholeSeconds(planted.modified ?? this.#clock.now()),
      metadata: planted.metadata ?? {},
      headers: {'content-type': 'binary/octet-stream'},
      checksum: {algorithm: 'CRC32', type: 'FULL_OBJECT', value: digestOf('CRC32', [bytes]).toString('base64')},
    })
  }

  /** What a careless copy of a bucket does. */
  dropMetadata(bucket: string, prefix = ''): void {
    for (const key of this.keys(bucket, prefix)) this.bucket(bucket).get(key)!.metadata = {}
  }
}

export const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000

/** An ETag that is no digest of the content: encryption with KMS and directory buckets give such ones. */
export const opaqueEtag = (): string => createHash('md5').update(randomBytes(16)).digest('hex')
