import type {Clock} from '../base/clock.js'
import type {LeaseRecord} from './lease-record.js'
import type {LeaseAnswer, LeaseTable, ListedLease, StoredLease} from './lease-table.js'

/** Fewer are read one by one. */
const WORTHWHILE = 4
/** Records in one page of a listing. */
const PAGE = 1000
/** Who asks within so long of another asks together, ms: half of what a request takes within a region. */
const GATHER_MS = 10

interface Waiting {
  readonly sessionId: string
  readonly resolve: (found: Promise<StoredLease | undefined>) => void
}

/**
 * A lease table for whoever asks for many records at a time, most of which are not there: those who ask while a request is under way are
 * answered together by the next one, which tells who has a record. As each is answered by a request that began after it asked, a read
 * means what it does without.
 */
export class GlancingLeaseTable implements LeaseTable {
  readonly #table: LeaseTable
  readonly #clock: Pick<Clock, 'sleep'>
  #waiting: Waiting[] = []
  #isUnderWay = false
  #records = 0

  constructor(table: LeaseTable, clock: Pick<Clock, 'sleep'>) {
    this.#table = table
    this.#clock = clock
  }

  get place(): string {
    return this.#table.place
  }

  get sharesClockWithParts(): boolean {
    return this.#table.sharesClockWithParts
  }

  async read(sessionId: string): Promise<StoredLease | undefined> {
    const found = new Promise<StoredLease | undefined>((resolve) => {
      this.#waiting.push({sessionId, resolve})
    })
    if (!this.#isUnderWay) void this.#answer()
    return found
  }

  async write(sessionId: string, record: LeaseRecord, replaces: string | undefined): Promise<LeaseAnswer | undefined> {
    return this.#table.write(sessionId, record, replaces)
  }

  async date(sessionId: string): Promise<number> {
    return this.#table.date(sessionId)
  }

  async versions(sessionIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const versions = await this.#table.versions(sessionIds)
    this.#records = versions.size
    return versions
  }

  list(): AsyncIterable<ListedLease> {
    return this.#table.list()
  }

  async #answer(): Promise<void> {
    this.#isUnderWay = true
    while (this.#waiting.length > 0) {
      await this.#clock.sleep(GATHER_MS)
      await this.#answerTogether(this.#waiting.splice(0))
    }
    this.#isUnderWay = false
  }

  /** Never rejects: who asked meets the failure of a read. */
  async #answerTogether(asking: readonly Waiting[]): Promise<void> {
    const pages = Math.ceil((this.#records + 1) / PAGE)
    const isWorthIt = asking.length >= WORTHWHILE * pages
    const sessionIds = asking.map(({sessionId}) => sessionId)
    const there = isWorthIt ? await this.versions(sessionIds).catch(() => undefined) : undefined
    const reads = asking.map(async ({sessionId, resolve}) => {
      const found = there && !there.has(sessionId) ? Promise.resolve(undefined) : this.#table.read(sessionId)
      resolve(found)
      // The next ones wait no longer than for these.
      await found.catch(() => undefined)
    })
    await Promise.all(reads)
  }
}
