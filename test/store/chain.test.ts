import * as fc from 'fast-check'
import {expect, test} from 'vitest'
import {EMPTY_SHA256, sha256Hex} from '../../src/base/hash.js'
import {ChainDigests, type Link, slicesOf} from '../../src/store/chain.js'
import {listedPart, type RangedPart} from '../../src/store/part.js'

function partOf(text: string, from: number, index: number): RangedPart {
  const range = {
    from,
    to: text.length,
    before: sha256Hex(text.slice(0, from)),
    after: sha256Hex(text),
    entries: 0,
    epoch: 0,
    leased: false,
    gen: 0,
    machine: '',
  }
  return {...listedPart(`k/s/part-170000000000${index}-abcdef.jsonl`, text.length - from, 'e', 0), range}
}

const text = fc.string({unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 40})

test('digests of a path at any offset are those of its bytes, whatever the order of the questions', async () => {
  const cuts = fc.array(fc.nat({max: 40}), {maxLength: 6})
  const questions = fc.array(fc.nat({max: 40}), {minLength: 1, maxLength: 6})
  await fc.assert(
    fc.asyncProperty(text, cuts, questions, fc.nat({max: 3}), async (whole, inner, asked, early) => {
      const ends = [...inner.filter((cut) => cut <= whole.length), whole.length].toSorted((a, b) => a - b)
      const bodies = new Map<string, string>()
      let link: Link | undefined
      for (const [index, end] of ends.entries()) {
        const start = ends[index - 1] ?? 0
        // A part may begin before the place from which the path uses it.
        const from = Math.max(0, start - early)
        const part = partOf(whole.slice(0, end), from, index)
        bodies.set(part.name, whole.slice(from, end))
        link = {part, start, ...(link && {previous: link})}
      }
      const source = {
        async *read(part: {name: string}, start: number, end: number) {
          for (const letter of bodies.get(part.name)!.slice(start, end)) yield Buffer.from(letter)
        },
      }
      const digests = new ChainDigests(source, ends)
      for (const offset of asked.filter((each) => each <= whole.length)) {
        expect(await digests.at(link, offset)).toBe(sha256Hex(whole.slice(0, offset)))
      }
      expect(
        slicesOf(link)
          .map(({start, end}) => whole.slice(start, end))
          .join(''),
      ).toBe(whole)
    }),
  )
})

test('what a digest says of a part is checked as soon as its bytes are read', async () => {
  const part = partOf('abcdef', 0, 1)
  const source = {
    async *read() {
      yield Buffer.from('abcdeX')
    },
  }
  const digests = new ChainDigests(source, [3])
  expect(await digests.at({part, start: 0}, 0)).toBe(EMPTY_SHA256)
  expect(await digests.at({part, start: 0}, 6)).toBe(sha256Hex('abcdef'))
  await expect(digests.at({part, start: 0}, 3)).rejects.toMatchObject({code: 'PART_DAMAGED', kind: 'bad-data'})
})

test('a path and the beginning of another part are digested as one', async () => {
  const part = partOf('abcd', 0, 1)
  const other = partOf('abcdXY', 2, 2)
  const source = {
    async *read(read: {name: string}, start: number, end: number) {
      yield Buffer.from((read.name === part.name ? 'abcd' : 'cdXY').slice(start, end))
    },
  }
  const digests = new ChainDigests(source, [2, 4])
  expect(await digests.continued({part, start: 0}, 2, other, 2)).toBe(sha256Hex('abcd'))
  expect(await digests.continued({part, start: 0}, 2, other, 3)).toBe(sha256Hex('abcdX'))
  expect(await digests.continued(undefined, 0, part, 4)).toBe(sha256Hex('abcd'))
})
