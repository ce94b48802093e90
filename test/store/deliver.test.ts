import * as fc from 'fast-check'
import {expect, test} from 'vitest'
import {core} from '../support/simulation/core.js'
import {Stage} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const [A, B, C, X, Y] = ['a', 'b', 'c', 'x', 'y'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  string,
  string,
  string,
  string,
  string,
]
const MODE = '{"type":"mode"}\n'
const META = '{"type":"agent_metadata","agentType":"x"}\n'

test('loose lines come where their keys sort', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 2})
  await stage.put({chain: [A, B], from: 1, ms: 4})
  await stage.loose(1, [X])
  await stage.loose(3, [Y])
  await stage.loose(5, [C])
  expect(await stage.delivered()).toBe(X + A + Y + B + C)
})

test('an entry with a uuid that was given already is a repeat, wherever it stands', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [B, X])
  await stage.put({chain: [A, B], from: 0, ms: 2})
  await stage.loose(3, [X, A, Y])
  await stage.loose(4, ['{"more":1, "uuid": "y"}\n'])
  expect(await stage.delivered()).toBe(X + A + B + Y)
})

test('two loose parts never take bytes from each other', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [MODE, X])
  await stage.loose(2, [MODE, MODE])
  expect(await stage.delivered()).toBe(MODE + X + MODE + MODE)
})

test('bytes are a repeat only where a path part with a later key has them', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [MODE])
  await stage.put({chain: [MODE, A], from: 0, ms: 2})
  await stage.loose(3, [MODE])
  expect(await stage.delivered()).toBe(MODE + A + MODE)
})

test('a fork repeats the run that it shares with the path from its own beginning, and no more', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1})
  await stage.put({chain: [A, MODE, B, C, Y], from: 1, ms: 2})
  await stage.put({chain: [A, MODE, X, MODE], from: 1, ms: 3})
  expect(await stage.delivered()).toBe(A + MODE + B + C + Y + X + MODE)
})

test('two forks of one place give the run that both begin with once', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1})
  await stage.put({chain: [A, B, C, B], from: 1, ms: 2})
  await stage.put({chain: [A, MODE, X], from: 1, ms: 3})
  await stage.put({chain: [A, MODE, Y], from: 1, ms: 4})
  expect(await stage.delivered()).toBe(A + B + C + B + MODE + X + Y)
})

test('metadata lines are no lines of the transcript: from parts of their own, and out of mixed batches', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [META], core.METADATA_DIGITS)
  await stage.loose(2, [A, META.replace('"x"', '"y"'), B])
  const view = await core.viewTranscript(stage.parts, REF)
  expect(await stage.text(view.delivery)).toBe(A + B)
  const types: unknown[] = []
  for (const {part, start, end} of view.delivery.metadata) {
    let text = ''
    for await (const chunk of stage.parts.read(part, start, end)) text += Buffer.from(chunk).toString()
    types.push((JSON.parse(text) as {agentType: unknown}).agentType)
  }
  expect(types).toEqual(['x', 'y'])
})

test('a part named as metadata that holds something else loses nothing', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [A, B], core.METADATA_DIGITS)
  expect(await stage.delivered()).toBe(A + B)
})

test('the last line of a loose part need not be ended, a reader ends it', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [A, B.trimEnd()])
  await stage.loose(2, [C])
  const view = await core.viewTranscript(stage.parts, REF)
  expect(await stage.text(view.delivery)).toBe(A + B + C)
  expect(view.delivery.length).toBe(A.length * 3)
})

test('CRLF stays, blank lines of loose parts go', async () => {
  const stage = new Stage(core)
  const crlf = A.replace('\n', '\r\n')
  await stage.loose(1, ['\n', crlf, '  \r\n', '\t\n', B])
  expect(await stage.delivered()).toBe(crlf + B)
})

test('a long line is one entry', async () => {
  const stage = new Stage(core)
  const long = `{"uuid":"long","text":"${'x'.repeat(3_000_000)}"}\n`
  await stage.put({chain: [A, long], from: 0, ms: 1})
  await stage.loose(2, [long, B])
  const text = await stage.delivered()
  expect(text.length).toBe(A.length + long.length + B.length)
  expect(text.endsWith(B)).toBe(true)
})

test('what agrees with the path is told by its length', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1})
  await stage.put({chain: [A, B], from: 1, ms: 3})
  const straight = await core.viewTranscript(stage.parts, REF)
  expect([straight.delivery.straight, straight.delivery.agreed]).toEqual([true, A.length * 2])
  await stage.loose(2, [A])
  const repeat = await core.viewTranscript(stage.parts, REF)
  expect([repeat.delivery.straight, repeat.delivery.agreed]).toEqual([true, A.length * 2])
  await stage.loose(2, [X], '123456')
  const among = await core.viewTranscript(stage.parts, REF)
  expect([among.delivery.straight, among.delivery.agreed]).toEqual([false, A.length])
})

test('whatever parts there are, each uuid that nobody fenced is given exactly once', async () => {
  const LINES = Array.from({length: 6}, (_, index) => `{"uuid":"l${index}"}\n`)
  const spec = fc.record({
    lines: fc.array(fc.nat({max: 5}), {maxLength: 6}),
    from: fc.nat({max: 6}),
    ms: fc.integer({min: 1, max: 12}),
    loose: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(spec, {maxLength: 8}), async (specs) => {
      const stage = new Stage(core)
      const expected = new Set<string>()
      for (const [index, {lines, from, ms, loose}] of specs.entries()) {
        const chain = [...new Set(lines)].map((line) => LINES[line]!)
        const start = Math.min(from, chain.length)
        if (loose) await stage.loose(ms, chain, `aaaaa${index}`)
        else await stage.put({chain, from: start, ms: ms * 10 + index})
        for (const line of chain.slice(loose ? 0 : start)) expected.add(line)
      }
      const delivered = (await stage.delivered()).split(/(?<=\n)/).filter((line) => line !== '')
      expect(delivered.toSorted()).toEqual([...expected].toSorted())
    }),
    {numRuns: 300},
  )
})
