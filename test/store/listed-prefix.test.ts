import * as fc from 'fast-check'
import {expect, test} from 'vitest'
import {measure} from '../../src/store/bytes.js'
import {listedEnds, listedPrefix} from '../../src/store/listed-prefix.js'
import {core} from '../support/simulation/core.js'
import {encode} from '../support/simulation/lines.js'
import {Stage} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const LINES = ['a', 'bb', 'ccc', 'd', 'ee'].map((uuid) => `{"uuid":"${uuid}"}\n`)

async function stored(stage: Stage, local: readonly string[]): Promise<number | undefined> {
  const {parts} = await stage.parts.list(REF)
  const whole = encode(local)
  const bytes = {
    length: whole.length,
    async *read(start: number, end: number) {
      yield whole.subarray(start, end)
    },
  }
  const ends = listedEnds(parts).filter((end) => end <= whole.length)
  return listedPrefix(parts, await measure(bytes, ends))
}

test('parts that follow one another tell how much of a file is stored', async () => {
  const stage = new Stage(core)
  expect(await stored(stage, LINES)).toBe(0)
  await stage.put({chain: LINES.slice(0, 2), from: 0, ms: 1})
  await stage.put({chain: LINES.slice(0, 2), from: 2, ms: 2, epoch: 1, leased: true})
  await stage.put({chain: LINES.slice(0, 3), from: 2, ms: 3})
  await stage.loose(4, ['{"type":"agent_metadata"}\n'], core.METADATA_DIGITS)
  expect(await stored(stage, LINES)).toBe(encode(LINES.slice(0, 3)).length)
  expect(await stored(stage, LINES.slice(0, 3))).toBe(encode(LINES.slice(0, 3)).length)
})

test.each([
  ['the file is shorter', [], LINES.slice(0, 1)],
  ['a line of the file changed', [], ['{"uuid":"A"}\n', ...LINES.slice(1)]],
  ['a loose part stands among them', [[2, 'abcdef']], LINES],
  ['a part has a name of another layout', [[9, 'abcdef']], LINES],
] as const)('when %s, metadata must decide', async (_, loose, local) => {
  const stage = new Stage(core)
  await stage.put({chain: LINES.slice(0, 2), from: 0, ms: 1})
  await stage.put({chain: LINES.slice(0, 3), from: 2, ms: 3})
  for (const [ms, digits] of loose) await stage.loose(ms, ['{"uuid":"z"}\n'], digits)
  expect(await stored(stage, local)).toBeUndefined()
})

test('what a listing says to be stored is what readers get', async () => {
  const cuts = fc.uniqueArray(fc.integer({min: 1, max: LINES.length}), {minLength: 1, maxLength: 4})
  await fc.assert(
    fc.asyncProperty(cuts, fc.nat({max: LINES.length}), fc.nat({max: 3}), async (ends, length, missing) => {
      const stage = new Stage(core)
      const sorted = ends.toSorted((a, b) => a - b)
      for (const [index, end] of sorted.entries()) {
        if (index === missing) continue
        await stage.put({chain: LINES.slice(0, end), from: sorted[index - 1] ?? 0, ms: index + 1})
      }
      const local = LINES.slice(0, length)
      const bytes = await stored(stage, local)
      const delivered = await stage.delivered()
      const said = bytes === undefined ? delivered : local.join('').slice(0, bytes)
      expect(said).toBe(delivered)
    }),
    {numRuns: 200},
  )
})
