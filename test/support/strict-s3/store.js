import {createHash, randomBytes} from 'node:crypto'
import {digestOf} from './checksums.js'
import {noSuchBucket} from './errors.js'
/** The server's own clock: `Date`, `LastModified` and the skew check go by it and by nothing else. */
export class ServerClock {
  offsetMs = 0
  #base
  constructor(base) {
    this.#base = base
  }
  now() {
    return this.#base() + this.offsetMs
  }
}
/** UTF-8 bytes as a string of as many characters: comparing two of them with `<` compares bytes. */
export const byteOrder = (key) => Buffer.from(key, 'utf8').toString('latin1')
/** Objects by key, with the keys in byte order. */
export class Bucket {
  name
  created
  uploads = new Map()
  #objects = new Map()
  #sorted = []
  constructor(name, created) {
    this.name = name
    this.created = created
  }
  get size() {
    return this.#objects.size
  }
  get(key) {
    return this.#objects.get(byteOrder(key))
  }
  put(object) {
    const id = byteOrder(object.key)
    if (!this.#objects.has(id)) this.#sorted.splice(this.#firstAt(id), 0, id)
    this.#objects.set(id, object)
  }
  delete(key) {
    const id = byteOrder(key)
    if (!this.#objects.delete(id)) return false
    this.#sorted.splice(this.#firstAt(id), 1)
    return true
  }
  keys(prefix = '') {
    return [...this.from(prefix)].map((object) => object.key).filter((key) => key.startsWith(prefix))
  }
  /** Objects whose key is at or (in bytes) after `key`, in order. `skip` of the last one's id and above jumps ahead. */
  *from(key) {
    let index = this.#firstAt(byteOrder(key))
    while (index < this.#sorted.length) {
      const object = this.#objects.get(this.#sorted[index])
      const jump = yield object
      index = jump === undefined ? index + 1 : this.#firstAt(jump)
    }
  }
  #firstAt(id) {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sorted[middle] < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
/** All that the server remembers. */
export class Store {
  buckets = new Map()
  #clock
  constructor(clock) {
    this.#clock = clock
  }
  createBucket(name) {
    const bucket = new Bucket(name, this.#clock.now())
    this.buckets.set(name, bucket)
    return bucket
  }
  /** @throws NoSuchBucket */
  bucket(name) {
    const bucket = this.buckets.get(name)
    if (!bucket) throw noSuchBucket(name)
    return bucket
  }
  keys(bucket, prefix = '') {
    return this.bucket(bucket).keys(prefix)
  }
  read(bucket, key) {
    const object = this.bucket(bucket).get(key)
    return object && Buffer.concat(object.chunks)
  }
  /** Puts an object there as if someone else had: no request, no condition, no log entry. */
  plant(bucket, key, body, planted = {}) {
    const bytes = Buffer.from(body)
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
  dropMetadata(bucket, prefix = '') {
    for (const key of this.keys(bucket, prefix)) this.bucket(bucket).get(key).metadata = {}
  }
}
export const wholeSeconds = (ms) => Math.floor(ms / 1000) * 1000
/** An ETag that is no digest of the content: encryption with KMS and directory buckets give such ones. */
export const opaqueEtag = () => createHash('md5').update(randomBytes(16)).digest('hex')
