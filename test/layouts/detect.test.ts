import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {detectLayout} from '../../src/layouts/detect.js'
import type {LayoutChoice} from '../../src/layouts/layout.js'
import type {ListOptions} from '../../src/object-store/object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {SESSION} from './support/claude-lines.js'
import {rolloutName} from './support/rollouts.js'

const PART = 'part-1700000000000-abcdef.jsonl'

async function storeWith(...keys: string[]) {
  const store = new MemoryObjectStore({clock: systemClock})
  for (const key of keys) await store.put(key, Buffer.from('{}\n'), {mode: {type: 'create'}})
  return store
}

async function detect(keys: string[], above: string[] = [], wanted: LayoutChoice = 'auto', local = false) {
  return detectLayout(await storeWith(...keys), {wanted, local, above})
}

const prefixesOf = async (...args: Parameters<typeof detect>) =>
  (await detect(...args))?.roots.map(({prefix}) => prefix)

describe('whole files of many machines', () => {
  const keys = [
    `team/box-1/raw/claude/-work/${SESSION}.jsonl`,
    `team/box-2/raw/codex/2026/03/04/${rolloutName()}`,
    'team/readme.txt',
  ]

  test('are found level by level', async () => {
    expect(await detect(keys)).toEqual({
      layout: 'raw',
      roots: [
        {layout: 'raw', agent: 'claude', prefix: 'team/box-1/raw/claude/', machine: 'box-1'},
        {
          layout: 'raw',
          agent: 'codex',
          prefix: 'team/box-1/raw/codex/',
          machine: 'box-1',
          indexes: ['team/box-1/raw/session_index.jsonl', 'team/box-1/raw/codex/session_index.jsonl'],
        },
        {layout: 'raw', agent: 'claude', prefix: 'team/box-2/raw/claude/', machine: 'box-2'},
        {
          layout: 'raw',
          agent: 'codex',
          prefix: 'team/box-2/raw/codex/',
          machine: 'box-2',
          indexes: ['team/box-2/raw/session_index.jsonl', 'team/box-2/raw/codex/session_index.jsonl'],
        },
      ],
    })
  })

  test('take the machine from the URL where that goes further down', async () => {
    const key = `-work/${SESSION}.jsonl`
    for (const [stored, above] of [
      [`raw/claude/${key}`, ['team', 'box-1']],
      [`claude/${key}`, ['team', 'box-1', 'raw']],
      [key, ['team', 'box-1', 'raw', 'claude']],
    ] as const) {
      const found = await detect([stored], [...above])
      expect(found?.roots[0]).toMatchObject({agent: 'claude', machine: 'box-1', prefix: stored.slice(0, -key.length)})
    }
  })

  test('a directory called raw with something else in it is none', async () => {
    expect(await detect(['team/raw/data.csv'])).toBeUndefined()
  })
})

describe('copies of config dirs', () => {
  test('of many users', async () => {
    const found = await detect([
      `user_data/ann/.claude/projects/-work/${SESSION}.jsonl`,
      `user_data/bob/.codex/archived_sessions/${rolloutName()}`,
      'user_data/ann/workspace/a/b/c.txt',
    ])
    expect(found?.layout).toBe('claude-dir')
    expect(found?.roots.map(({agent, prefix, user}) => [agent, prefix, user])).toEqual([
      ['claude', 'user_data/ann/.claude/projects/', 'ann'],
      ['codex', 'user_data/bob/.codex/sessions/', 'bob'],
      ['codex', 'user_data/bob/.codex/archived_sessions/', 'bob'],
    ])
  })

  test('under another name, or only what is in them', async () => {
    expect(await prefixesOf([`projects/-work/${SESSION}.jsonl`])).toEqual(['projects/'])
    expect(await prefixesOf([`-work/${SESSION}.jsonl`])).toEqual([''])
    expect(await prefixesOf([`sessions/2026/03/04/${rolloutName()}`])).toEqual(['sessions/', 'archived_sessions/'])
    expect(await prefixesOf([rolloutName()])).toEqual([''])
    expect(await prefixesOf([`projects/-work/${SESSION}.jsonl`], ['x', '.claude'])).toEqual(['projects/'])
  })

  test('on this machine are called local, and nobody is told to be their user', async () => {
    const found = await detect([`.claude/projects/-work/${SESSION}.jsonl`], ['tmp', 'x'], 'auto', true)
    expect(found).toEqual({
      layout: 'local',
      roots: [{layout: 'local', agent: 'claude', prefix: '.claude/projects/'}],
    })
  })
})

describe('stores of reprise', () => {
  test.each([
    ['with its own records', ['.reprise/home/x', `team/box-1/raw/claude/-work/${SESSION}.jsonl`]],
    ['of the reference adapters', [`-work/${SESSION}/${PART}`]],
    ['one level down', [`task-1/.reprise/home/x`, `task-1/-work/${SESSION}/${PART}`]],
    ['that are empty', []],
    ['of something else', ['data/x/y/z.bin']],
  ])('%s are no layout of others', async (_, keys) => {
    expect(await detect(keys)).toBeUndefined()
  })

  test('are looked through no further than it takes', async () => {
    const keys = Array.from({length: 300}, (_, at) => `-code-${at}/${SESSION}/${PART}`)
    const store = await storeWith(...keys)
    let listed = 0
    const counting = {
      url: store.url,
      get: store.get.bind(store),
      list(options: ListOptions) {
        listed++
        return store.list(options)
      },
    }
    expect(await detectLayout(counting, {wanted: 'auto', local: false, above: []})).toBeUndefined()
    expect(listed).toBeLessThanOrEqual(10)
  })
})

describe('a layout that is named', () => {
  const both = ['.reprise/home/x', `box/raw/claude/-work/${SESSION}.jsonl`, `ann/.claude/projects/-x/${SESSION}.jsonl`]

  test('is the only one that is found', async () => {
    expect(await prefixesOf(both, [], 'raw')).toEqual(['box/raw/claude/', 'box/raw/codex/'])
    expect(await prefixesOf(both, [], 'claude-dir')).toEqual(['ann/.claude/projects/'])
    expect(await detect(both, [], 'reprise')).toBeUndefined()
  })

  test('may have no sessions', async () => {
    expect(await detect([], [], 'raw')).toEqual({layout: 'raw', roots: []})
  })
})

test('a store with more directories than can be looked through says so, once there is something', async () => {
  const many = Array.from({length: 2100}, (_, at) => `d${String(at).padStart(4, '0')}/x/y`)
  expect(await detect(many)).toBeUndefined()
  await expect(detect([...many, 'box/raw/claude/x'])).rejects.toMatchObject({code: 'LAYOUT_UNCLEAR'})
  expect((await detect([...many, 'box/raw/claude/x'], [], 'raw'))?.roots[0]).toMatchObject({machine: 'box'})
  const deeper = [`a/.claude/projects/-x/${SESSION}.jsonl`, ...many.map((key) => `b/${key}`)]
  await expect(detect(deeper)).rejects.toMatchObject({code: 'LAYOUT_UNCLEAR'})
})
