import {expect, test} from 'vitest'
import {EMPTY_SHA256, sha256Hex} from '../../src/base/hash.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {readJournals} from '../../src/store/journal.js'
import {formatPartName, journalPrefix, transcriptPrefix} from '../../src/store/names.js'
import {encodeRange} from '../../src/store/part.js'
import {Parts} from '../../src/store/parts.js'
import {viewTranscript} from '../../src/store/view.js'
import {startCpuTime} from '../support/cpu-time.js'

const REF = {homeKey: '-a', sessionId: '11111111-1111-4111-8111-111111111111'}
const PREFIX = transcriptPrefix(REF)
const LIMIT = {ms: 2000, bytes: 150 * 1024 * 1024}

function lineOf(index: number | string): string {
  return `{"uuid":"${index}"}\n`
}

class Listing {
  readonly store = new MemoryObjectStore({clock: {now: () => 0}})
  gets = 0
  #parts = 0

  async put(from: number, before: string, body: string, after: string, more: {leased?: boolean} = {}): Promise<void> {
    const digits = (++this.#parts).toString(16).padStart(6, '0')
    const range = {
      from,
      to: from + body.length,
      before,
      after,
      entries: 0,
      epoch: 0,
      leased: false,
      gen: 0,
      machine: '',
    }
    await this.store.put(PREFIX + formatPartName({ms: this.#parts, digits}), Buffer.from(body), {
      mode: {type: 'create'},
      metadata: encodeRange({...range, ...more}),
    })
  }

  /** A part that says where it stands in the text, by digests that hold. */
  async slice(text: string, from: number, to: number, more: {leased?: boolean} = {}): Promise<void> {
    const digest = (end: number) => (end === 0 ? EMPTY_SHA256 : sha256Hex(text.slice(0, end)))
    await this.put(from, digest(from), text.slice(from, to), digest(to), more)
  }

  async view() {
    const {store} = this
    const counting = new Proxy(store, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name)
        if (typeof found !== 'function') return found
        if (name === 'get') this.gets++
        return (found as () => void).bind(target)
      },
    })
    return viewTranscript(new Parts(counting), REF)
  }
}

/** What a view costs in processor time, with the memory that it held on to or took outside of V8. */
async function measured<T>(work: () => Promise<T>) {
  const before = process.memoryUsage().rss
  const cpuTime = startCpuTime()
  const result = await work()
  return {result, ms: cpuTime(), bytes: process.memoryUsage().rss - before}
}

async function chain(listing: Listing, count: number, {leasedFirst = false} = {}): Promise<string> {
  const text = Array.from({length: count}, (_, index) => lineOf(index)).join('')
  let at = 0
  for (let index = 0; index < count; index++) {
    const next = at + lineOf(index).length
    await listing.slice(text, at, next, {leased: leasedFirst && index === 0})
    at = next
  }
  return text
}

test('a chain of 10,000 parts', {timeout: 60_000}, async () => {
  const listing = new Listing()
  const text = await chain(listing, 10_000)
  const {result, ms, bytes} = await measured(() => listing.view())
  expect([result.resolution.length, result.resolution.slices.length]).toEqual([text.length, 10_000])
  expect(listing.gets).toBe(0)
  expect(ms).toBeLessThan(LIMIT.ms)
  expect(bytes).toBeLessThan(LIMIT.bytes)
})

test('10,000 parts that others added to the tip without a lease', {timeout: 60_000}, async () => {
  const listing = new Listing()
  const text = await chain(listing, 10_000, {leasedFirst: true})
  const {result, ms, bytes} = await measured(() => listing.view())
  expect([result.resolution.length, result.resolution.tip?.range.from]).toEqual([text.length, 0])
  expect(listing.gets).toBe(0)
  expect(ms).toBeLessThan(LIMIT.ms)
  expect(bytes).toBeLessThan(LIMIT.bytes)
})

test('10,000 loose parts of the reference layout', {timeout: 60_000}, async () => {
  const listing = new Listing()
  for (let index = 0; index < 10_000; index++) {
    const digits = (index + 1).toString(16).padStart(6, '0')
    await listing.store.put(PREFIX + formatPartName({ms: index, digits}), Buffer.from(lineOf(index)), {
      mode: {type: 'create'},
    })
  }
  const {result, ms, bytes} = await measured(() => listing.view())
  expect(result.delivery.segments).toHaveLength(10_000)
  expect(ms).toBeLessThan(LIMIT.ms)
  expect(bytes).toBeLessThan(LIMIT.bytes)
})

test('a merge beside the 5,000 parts that it covers, and merges of those', {timeout: 60_000}, async () => {
  const listing = new Listing()
  const text = await chain(listing, 5000)
  await listing.slice(text, 0, text.length)
  const middle = text.indexOf(lineOf(2500))
  await listing.slice(text, 0, middle)
  await listing.slice(text, middle, text.length)
  const {result, ms, bytes} = await measured(() => listing.view())
  expect([result.resolution.covered.length, result.resolution.forks.length]).toEqual([5001, 0])
  expect(result.resolution.length).toBe(text.length)
  expect(ms).toBeLessThan(LIMIT.ms)
  expect(bytes).toBeLessThan(LIMIT.bytes)
})

test.each([400, 1600, 5000])(
  '%d parts from byte 0, and as many that begin inside all and fit none',
  {timeout: 60_000},
  async (count) => {
    const listing = new Listing()
    for (let index = 0; index < count; index++) {
      const body = `${lineOf(`first-${index}`)}${'x'.repeat(count)}\n`.slice(0, count)
      await listing.put(0, EMPTY_SHA256, body, sha256Hex(body))
      await listing.put(1 + (index % (count - 1)), sha256Hex(`${index}`), lineOf(index), sha256Hex(`to ${index}`))
    }
    const {ms, bytes, result} = await measured(() => listing.view().catch((error: unknown) => error))
    expect(result).toMatchObject({code: 'LISTING_TOO_TANGLED', kind: 'bad-data', suggestions: ['reprise doctor', /./]})
    expect(ms).toBeLessThan(2 * LIMIT.ms)
    expect(bytes).toBeLessThan(LIMIT.bytes)
  },
)

test('1,500 forks of 100 lines are compared in a moment', {timeout: 60_000}, async () => {
  const listing = new Listing()
  const base = lineOf('base')
  await listing.slice(base, 0, base.length)
  for (let fork = 0; fork < 1500; fork++) {
    let text = base
    for (let line = 0; line < 100; line++) text += `{"f":${fork},"l":${line}}\n`
    await listing.slice(text, base.length, text.length)
  }
  const {result, ms} = await measured(() => listing.view())
  expect(result.resolution.forks).toHaveLength(1499)
  expect(ms).toBeLessThan(2 * LIMIT.ms)
})

test('forks that begin inside another one share its run as well', async () => {
  const listing = new Listing()
  const [base, mode] = [lineOf('base'), '{"type":"mode"}\n']
  await listing.slice(base + 'x\n'.repeat(100), 0, base.length + 200)
  const fork = base + lineOf('f') + mode + mode + lineOf('g')
  await listing.slice(fork, base.length, fork.length)
  const inside = base + lineOf('f') + mode + mode + lineOf('h')
  await listing.slice(inside, (base + lineOf('f')).length, inside.length)
  const {delivery} = await listing.view()
  const given = delivery.segments.filter((segment) => !segment.path)
  const size = given.reduce((sum, segment) => sum + segment.end - segment.start, 0)
  expect(size).toBe((lineOf('f') + mode + mode + lineOf('g') + lineOf('h')).length)
})

test('a part that could extend the tip and does not is read once', async () => {
  const listing = new Listing()
  const text = await chain(listing, 50, {leasedFirst: true})
  for (let other = 0; other < 40; other++) {
    const body = `${lineOf(`other-${other}`)}${'y'.repeat(text.length)}\n`
    await listing.put(0, EMPTY_SHA256, body, sha256Hex(body))
  }
  const {resolution} = await listing.view()
  expect([resolution.length, resolution.forks.length]).toEqual([text.length, 40])
  // Each once to see whether it agrees, once for its lines, and the path at most twice.
  expect(listing.gets).toBeLessThanOrEqual(2 * 40 + 2 * 50)
})

test('journals beyond any number or size that rebases leave are not read', async () => {
  const many = new MemoryObjectStore({clock: {now: () => 0}})
  const content = Buffer.from('{"version":1,"confirmed":true,"displaced":[]}')
  const put = async (store: MemoryObjectStore, ms: number, bytes: Uint8Array) =>
    store.put(`${journalPrefix(REF)}${formatPartName({ms, digits: 'aaaaaa'})}.json`, bytes, {mode: {type: 'create'}})
  for (let ms = 1; ms <= 10_000; ms++) await put(many, ms, content)
  expect(await readJournals(many, REF)).toHaveLength(10_000)
  await put(many, 10_001, content)
  const refused = {code: 'TOO_MANY_JOURNALS', kind: 'bad-data'}
  await expect(readJournals(many, REF)).rejects.toMatchObject(refused)

  const large = new MemoryObjectStore({clock: {now: () => 0}})
  const filler = Buffer.alloc(8 * 1024 * 1024, ' ')
  for (let ms = 1; ms <= 9; ms++) await put(large, ms, filler)
  await expect(readJournals(large, REF)).rejects.toMatchObject(refused)
})
