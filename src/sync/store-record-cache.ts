import {readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import * as v from 'valibot'
import type {Clock} from '../base/clock.js'
import {sha256Hex} from '../base/hash.js'
import {makeDirectories} from '../base/make-directories.js'
import {type StoreRecord, StoreRecordSchema} from '../store/probe.js'
import type {StoreRecordCache} from './store-agreement.js'

const LIFE_MS = 60 * 60_000

const Content = v.object({
  version: v.literal(1),
  /** By this machine's clock. */
  readAt: v.number(),
  record: v.optional(StoreRecordSchema),
})

/** One file a store, below reprise's cache directory. */
export class FileStoreRecordCache implements StoreRecordCache {
  readonly #path: string
  readonly #clock: Pick<Clock, 'now'>

  constructor(cacheDir: string, storeUrl: string, clock: Pick<Clock, 'now'>) {
    this.#path = join(cacheDir, 'stores', `${sha256Hex(storeUrl).slice(0, 32)}.json`)
    this.#clock = clock
  }

  async read(): Promise<{readonly record: StoreRecord | undefined} | undefined> {
    try {
      const {readAt, record} = v.parse(Content, JSON.parse(await readFile(this.#path, 'utf8')))
      const age = this.#clock.now() - readAt
      return age >= 0 && age < LIFE_MS ? {record} : undefined
    } catch {
      return undefined
    }
  }

  /** A cache that cannot be written is no failure. */
  async write(record: StoreRecord | undefined): Promise<void> {
    const text = JSON.stringify({version: 1, readAt: this.#clock.now(), record})
    await makeDirectories(dirname(this.#path))
      .then(async () => writeFileAtomic(this.#path, text, {mode: 0o600, fsync: false}))
      .catch(() => undefined)
  }
}
