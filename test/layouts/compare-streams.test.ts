import fc from 'fast-check'
import {expect, test} from 'vitest'
import {compareStreams} from '../../src/layouts/compare-streams.js'

async function* inPieces(text: string, cuts: readonly number[]): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  for (const [index, start] of at.slice(0, -1).entries()) yield bytes.subarray(start, at[index + 1])
}

function sharedLength(first: string, second: string): number {
  let length = 0
  while (length < first.length && first[length] === second[length]) length++
  return length
}

test('says how two streams stand to each other, however they are cut', async () => {
  const text = fc.string({unit: fc.constantFrom('a', 'b', '\n'), maxLength: 20})
  const cuts = fc.array(fc.nat(40), {maxLength: 6})
  await fc.assert(
    fc.asyncProperty(text, text, text, cuts, cuts, async (start, a, b, cutsOfA, cutsOfB) => {
      const [first, second] = [start + a, start + b]
      const {kind, common} = await compareStreams(inPieces(first, cutsOfA), inPieces(second, cutsOfB))
      const length = sharedLength(first, second)
      const ends = [length === first.length, length === second.length].join()
      const kinds: Record<string, string> = {
        'true,true': 'equal',
        'true,false': 'first-is-shorter',
        'false,true': 'second-is-shorter',
        'false,false': 'differ',
      }
      expect({kind, common}).toEqual({kind: kinds[ends], common: length})
    }),
    {seed: 7},
  )
})

test('closes both streams where they differ', async () => {
  const closed: string[] = []
  async function* endless(name: string): AsyncIterable<Uint8Array> {
    try {
      for (;;) yield Buffer.from(name)
    } finally {
      closed.push(name)
    }
  }
  expect(await compareStreams(endless('a'), endless('b'))).toEqual({kind: 'differ', common: 0})
  expect(closed.toSorted()).toEqual(['a', 'b'])
})
