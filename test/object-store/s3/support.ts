import {afterEach, beforeEach} from 'vitest'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import type {ObjectStore} from '../../../src/object-store/object-store.js'
import {type RetryNotice, type RetryOptions, RetryPolicy} from '../../../src/object-store/retry-policy.js'
import {RetryingObjectStore} from '../../../src/object-store/retrying.js'
import type {S3StoreOptions} from '../../../src/object-store/s3/options.js'
import {openS3ObjectStore, type S3ObjectStore} from '../../../src/object-store/s3/s3-object-store.js'
import {startStrictS3, type StrictS3, type StrictS3Options} from '../../support/strict-s3/index.js'

/** A server as the strict one and the independent ones describe themselves. */
export interface ServerAddress {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export function openAt(server: ServerAddress, more: Partial<S3StoreOptions> = {}): Promise<S3ObjectStore> {
  const {endpoint, bucket, region, accessKeyId, secretAccessKey} = server
  return openS3ObjectStore({endpoint, bucket, region, credentials: {accessKeyId, secretAccessKey}, ...more})
}

/** A server of its own for each test, and stores on it that are closed with it. */
export class StrictServerFixture {
  #server: StrictS3 | undefined
  readonly #stores: ObjectStore[] = []

  get server(): StrictS3 {
    if (this.#server === undefined) throw new Error('the server runs in tests only')
    return this.#server
  }

  async start(options: StrictS3Options = {}): Promise<void> {
    await this.stop()
    this.#server = await startStrictS3(options)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stores.splice(0).map((store) => store.close()))
    await this.#server?.close()
  }

  /** A store that sends every request once. */
  async open(more: Partial<S3StoreOptions> = {}): Promise<S3ObjectStore> {
    const store = await openAt(this.server, more)
    this.#stores.push(store)
    return store
  }

  /** A store that tries again, put together as the command line does it; without waits that are worth the name. */
  async openRetrying(more: Partial<S3StoreOptions> = {}, policy: Partial<RetryOptions> = {}) {
    const notices: RetryNotice[] = []
    const [clock, random] = [systemClock, systemRandom]
    const onRetry = (notice: RetryNotice) => void notices.push(notice)
    const retries = new RetryPolicy({clock, random, attempts: 5, baseMs: 2, maxMs: 20, onRetry, ...policy})
    const inner = await this.open({...more, retries})
    return {store: new RetryingObjectStore(inner, {clock, random, policy: retries}), notices}
  }
}

export function useStrictServer(options: StrictS3Options = {}): StrictServerFixture {
  const fixture = new StrictServerFixture()
  beforeEach(() => fixture.start(options))
  afterEach(() => fixture.stop())
  return fixture
}

export const MIB = 1024 * 1024

export const text = (value: string) => new TextEncoder().encode(value)

export async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes that differ at every place one might mix up, the same on every run. */
export function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let index = 0; index < size; index += 4) bytes.writeUInt32LE(Math.imul(index + 1, 2_654_435_761) >>> 0, index)
  return bytes
}

/** A body that comes in pieces, and counts how often it was opened. */
export function stream(bytes: Uint8Array, piece = 100_003) {
  let opened = 0
  return {
    size: bytes.byteLength,
    opened: () => opened,
    async *open() {
      opened++
      for (let start = 0; start < bytes.byteLength; start += piece) yield bytes.subarray(start, start + piece)
    },
  }
}
