import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {EMPTY_SHA256, sha256Hex} from '../../src/base/hash.js'
import {
  compareNames,
  decodeRange,
  encodeRange,
  isMetadataPart,
  listedPart,
  type PartRange,
  sameWrite,
} from '../../src/store/part.js'

const RANGE: PartRange = {
  from: 5,
  to: 15,
  before: sha256Hex('a'),
  after: sha256Hex('b'),
  entries: 2,
  epoch: 3,
  leased: true,
  gen: 1,
  machine: 'worker',
}

function part(name: string, size: number) {
  return listedPart(`k/s/${name}`, size, 'e', 0)
}

const TEN = part('part-1700000000000-0a1b2c.jsonl', 10)

test('metadata comes back as it was written, in ASCII and below its limits', () => {
  const machine = fc.string({unit: 'binary', maxLength: 200})
  fc.assert(
    fc.property(machine, fc.nat(), fc.boolean(), (name, epoch, leased) => {
      const range = {...RANGE, machine: name, epoch, leased}
      const metadata = encodeRange(range)
      const values = Object.values(metadata)
      expect(values.every((value) => /^[\x21-\x7e]+$/.test(value))).toBe(true)
      expect(metadata['machine']!.length).toBeLessThanOrEqual(128)
      expect(Object.entries(metadata).flat().join('').length).toBeLessThan(2048)
      const read = decodeRange(TEN, metadata)
      expect({...read, machine: ''}).toEqual({...range, machine: ''})
      // As much of the name as fits, and no torn character.
      const comparable = name.isWellFormed() && name !== '-'
      expect(!comparable || name.startsWith(read!.machine)).toBe(true)
    }),
  )
  expect(decodeRange(TEN, encodeRange({...RANGE, machine: 'bücher 1'}))?.machine).toBe('bücher 1')
})

describe('metadata that is not ours, or contradicts its object, makes a part loose', () => {
  const own = encodeRange(RANGE)
  const without = (key: string) => Object.fromEntries(Object.entries(own).filter(([each]) => each !== key))
  test.each([
    ['nothing at all', {}],
    ['only another writer`s', {writer: 'sdk'}],
    ['no version', without('reprise')],
    ['no beginning', without('from')],
    ['no end', without('to')],
    ['no digest', without('after')],
    ['no epoch', without('epoch')],
    ['no right', without('leased')],
    ['a version in words', {...own, reprise: 'one'}],
    ['another size', {...own, to: '16'}],
    ['an end before the beginning', {...own, from: '15', to: '5'}],
    ['a negative number', {...own, epoch: '-1'}],
    ['a broken number', {...own, gen: '1e3'}],
    ['a number beyond what is exact', {...own, epoch: '9'.repeat(16)}],
    ['a digest in capitals', {...own, after: own['after']!.toUpperCase()}],
    ['a short digest', {...own, before: 'abc'}],
    ['a right that is none', {...own, leased: 'yes'}],
    ['a beginning at 0 after something', {...own, from: '0', to: '10'}],
  ])('%s', (_, metadata) => {
    expect(decodeRange(TEN, metadata)).toBeUndefined()
  })

  test('an empty part that claims to change the transcript', () => {
    const empty = part('part-1700000000000-0a1b2c.jsonl', 0)
    expect(decodeRange(empty, {...own, to: '5'})).toBeUndefined()
    expect(decodeRange(empty, {...own, to: '5', after: own['before']!})).toMatchObject({from: 5, to: 5})
  })
})

test('what a newer version wrote is refused and not guessed at', () => {
  const own = encodeRange(RANGE)
  expect(() => decodeRange(TEN, {...own, reprise: '2'})).toThrow(
    expect.objectContaining({code: 'FORMAT_TOO_NEW'}) as Error,
  )
  expect(() => decodeRange(TEN, {...own, codec: 'zstd'})).toThrow(
    expect.objectContaining({code: 'CODEC_UNKNOWN'}) as Error,
  )
})

test.each(['%', '%zz', '%ff', '', '-', undefined])('a machine written %j harms nobody', (machine) => {
  const {machine: _, ...own} = encodeRange(RANGE)
  const read = decodeRange(TEN, machine === undefined ? own : {...own, machine})
  expect(typeof read?.machine).toBe('string')
})

test('the same write is told by place, content and right', () => {
  expect(sameWrite(RANGE, {...RANGE, machine: 'other', entries: 9, before: EMPTY_SHA256})).toBe(true)
  for (const change of [{from: 4}, {to: 16}, {after: EMPTY_SHA256}, {epoch: 4}, {leased: false}, {gen: 2}]) {
    expect(sameWrite(RANGE, {...RANGE, ...change})).toBe(false)
  }
})

test('parts sort by the bytes of their names, and 000000 looks like metadata', () => {
  const names = ['part-1700000000001-000000.jsonl', 'z.jsonl', 'part-1700000000000-ffffff.jsonl', 'Part.jsonl']
  const sorted = names.map((name) => part(name, 1)).toSorted(compareNames)
  expect(sorted.map((each) => each.name)).toEqual([
    'Part.jsonl',
    'part-1700000000000-ffffff.jsonl',
    'part-1700000000001-000000.jsonl',
    'z.jsonl',
  ])
  expect(sorted.map(isMetadataPart)).toEqual([false, false, true, false])
})
