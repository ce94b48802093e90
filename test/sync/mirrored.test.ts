import {readFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {SESSION} from '../support/sync-worker.js'
import {MirroredWorld, type ProgramName} from './mirrored-world.js'
import type {Turn} from './mirrored-lines.js'

const TURN: Turn = {messages: 2, bookkeeping: 2, unmirrored: true, subagent: false}
const WITH_SUBAGENT: Turn = {...TURN, subagent: true}
const NOTHING_LOST = {inFile: 0, inMirror: 0}

describe('a local file and what the Agent SDK mirrored of it', () => {
  test('lines that are never mirrored: a push brings them to the store, a pull has nothing to bring', async () => {
    await using world = await MirroredWorld.start()
    await world.begin([TURN, TURN], NOTHING_LOST)
    expect(await world.pull('a')).toMatchObject({action: 'ahead'})
    expect(await world.push('a')).toMatchObject({action: 'replaced'})
    expect(await world.settle()).toEqual([])
  })

  test('entries that the file lost with its host: a pull brings them back', async () => {
    await using world = await MirroredWorld.start()
    await world.begin([TURN, TURN], {inFile: 4, inMirror: 0})
    expect(await world.push('a')).toMatchObject({action: 'merged'})
    expect(await world.pull('a')).toMatchObject({action: 'pulled'})
    expect(await world.settle()).toEqual([])
  })

  test.each(['plain', 'leased', 'reference'] as const)(
    'a %s query went on elsewhere: both have more, one only bookkeeping, and nobody is asked',
    async (by) => {
      await using world = await MirroredWorld.start()
      await world.begin([TURN], NOTHING_LOST)
      await world.query(by, WITH_SUBAGENT, true)
      expect(await world.pull('a')).toMatchObject({action: 'merged'})
      expect(await world.push('a')).toMatchObject({action: 'replaced'})
      expect(await world.settle()).toEqual([])
    },
  )

  test.each(['plain', 'leased', 'reference'] as const)('the same, pushed first: a %s query', async (by) => {
    await using world = await MirroredWorld.start()
    await world.begin([TURN], NOTHING_LOST)
    await world.query(by, WITH_SUBAGENT, true)
    expect(await world.push('a')).toMatchObject({action: 'merged'})
    expect(await world.pull('a')).toMatchObject({action: 'pulled'})
    expect(await world.settle()).toEqual([])
  })

  test.each([1, 2, 4])(
    'a mirror that lacks the last %d entries, as after a kill: a push brings them, equal ones as often as they are',
    async (inMirror) => {
      await using world = await MirroredWorld.start()
      await world.begin([TURN, {...TURN, messages: 1}], {inFile: 0, inMirror})
      expect(await world.push('a')).toMatchObject({action: 'replaced'})
      expect(await world.settle()).toEqual([])
    },
  )

  test('an entry without a uuid that the mirror has less often: a pull of what went on elsewhere keeps all of them', async () => {
    await using world = await MirroredWorld.start()
    await world.begin([{...TURN, messages: 1, unmirrored: false}], {inFile: 0, inMirror: 1})
    await world.query('plain', TURN, true)
    expect(await world.pull('a')).toMatchObject({action: 'merged'})
    expect(await world.settle()).toEqual([])
  })

  test.each(['plain', 'leased', 'reference'] as const)(
    'a %s query, a resume elsewhere, and a query once more, with an entry that is equal in all of them',
    async (by) => {
      await using world = await MirroredWorld.start()
      const turn = {...WITH_SUBAGENT, latch: true}
      await world.begin([turn, turn], NOTHING_LOST)
      await world.query(by, turn, true)
      await world.resume('b', turn)
      await world.query(by, turn, true)
      await world.query(by, turn, false)
      await world.resume('a', turn)
      await world.query(by, turn, true)
      expect(world.said.main.get('{"type":"atis-latch"}\n')).toBe(8)
      expect(await world.settle()).toEqual([])
    },
  )
})

describe('metadata of a subagent that stands among its entries', () => {
  test.each<ProgramName>(['plain', 'leased', 'reference'])(
    'of a %s query: taken out by a pull, an adoption and a comparison; the last one is the file beside it',
    async (by) => {
      await using world = await MirroredWorld.start()
      await world.begin([TURN], NOTHING_LOST)
      await world.query(by, WITH_SUBAGENT, true)
      await world.query(by, WITH_SUBAGENT, true)
      await world.pull('b')
      const path = world.hosts.b.pathOf('-b', SESSION, 'subagents/agent-1').replace(/jsonl$/, 'meta.json')
      const meta = {agentType: 'general-purpose', description: 't3-sub'}
      expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(meta)
      expect((await world.local('b')).subagent.join('')).not.toContain('agent_metadata')

      await world.resume('b', TURN)
      expect(await world.push('b')).toMatchObject({action: 'unchanged'})
      expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(meta)
      const described = (await world.loadedMetadata()).map(({description}) => description)
      expect(described).toEqual(['t2-sub', 't2-sub', 't2-sub', 't3-sub', 't3-sub', 't3-sub'])
      expect(await world.settle()).toEqual([])
    },
  )
})
