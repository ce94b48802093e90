import {readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {sha256Hex} from '../base/hash.js'
import {makeDirectories} from '../base/make-directories.js'
import type {SessionSummary} from '../store/summary-record.js'

/** A summary as it was read, and the etag that the store gave it then. */
export interface CachedSummary {
  readonly etag: string
  readonly summary: SessionSummary
}

/** Summaries that were read before: a listing tells which of them changed. Losing it costs requests. */
export interface SummaryCache {
  read(): Promise<ReadonlyMap<string, CachedSummary>>
  write(summaries: ReadonlyMap<string, CachedSummary>): Promise<void>
}

const VERSION = 1

/** One file a store, below reprise's cache directory. */
export class FileSummaryCache implements SummaryCache {
  readonly #path: string

  constructor(cacheDir: string, storeUrl: string) {
    this.#path = join(cacheDir, 'summaries', `${sha256Hex(storeUrl).slice(0, 32)}.json`)
  }

  async read(): Promise<ReadonlyMap<string, CachedSummary>> {
    try {
      const content: unknown = JSON.parse(await readFile(this.#path, 'utf8'))
      return isContent(content) ? new Map(content.summaries) : new Map()
    } catch {
      return new Map()
    }
  }

  /** A cache that cannot be written is no failure. */
  async write(summaries: ReadonlyMap<string, CachedSummary>): Promise<void> {
    const {default: writeFileAtomic} = await import('write-file-atomic')
    const text = JSON.stringify({version: VERSION, summaries: [...summaries]})
    await makeDirectories(dirname(this.#path))
      .then(async () => writeFileAtomic(this.#path, text, {mode: 0o600, fsync: false}))
      .catch(() => undefined)
  }
}

/** Only this program writes the file, so its version is all that is asked. */
function isContent(value: unknown): value is {summaries: [string, CachedSummary][]} {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === VERSION &&
    'summaries' in value &&
    Array.isArray(value.summaries)
  )
}
