import {describe, expect, test} from 'vitest'
import {DirectoryTree} from '../../src/layouts/directory-tree.js'
import type {Tree} from '../../src/layouts/tree.js'
import type {CachedSummary, SummaryCache} from '../../src/sync/summary-cache.js'
import {OTHER, SESSION, turn} from './support/claude-lines.js'
import {type Files, makeDirectory, sourceOf, storeOf} from './support/foreign.js'
import {FORK, rollout, rolloutName, THREAD} from './support/rollouts.js'

const parent = rollout({prompt: 'begin the shop'})
const DAY = 'sessions/2026/03/04'
const INDEX = `${JSON.stringify({id: THREAD, thread_name: 'shop work', updated_at: 'x'})}\n`

const TEAM: Files = {
  [`box-1/raw/claude/-code-shop/${SESSION}.jsonl`]: turn(1, 'mend the shop') + turn(2),
  [`box-1/raw/claude/-code-shop/${SESSION}/subagents/agent-a.jsonl`]: turn('s'),
  [`box-1/raw/claude/-code-shop/${SESSION}/subagents/agent-a.meta.json`]: '{"agentType":"x"}',
  [`box-1/raw/claude/-code-shop/${SESSION}/tool-results/big.txt`]: 'much',
  [`box-1/raw/claude/-code-shop/${OTHER}/subagents/agent-lost.jsonl`]: turn('lost'),
  'box-1/raw/claude/settings.json': '{}',
  [`box-2/raw/codex/${DAY}/${rolloutName()}`]: parent,
  [`box-2/raw/codex/${DAY}/${rolloutName(FORK, '2026-03-05T05-06-07')}`]: rollout({
    sessionId: FORK,
    prompt: 'the other way',
    base: {sessionId: THREAD, bytes: parent.length},
  }),
  'box-2/raw/session_index.jsonl': INDEX,
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

/** The same files in a store and in a directory. */
async function onBoth(files: Files, check: (tree: Tree) => Promise<void>): Promise<void> {
  await check(await storeOf(files))
  await using directory = await makeDirectory(files)
  await check(new DirectoryTree(directory.path))
}

function forkOf(sessionId: string, origin: string): string {
  return rollout({sessionId, base: {sessionId: origin, bytes: 1}})
}

/** Of the first session. */
async function transcriptsOf(files: Files) {
  const source = await sourceOf(await storeOf(files))
  return source.transcripts((await source.rows())[0]!)
}

describe('the rows of whole files', () => {
  test('say agent, machine and what the transcripts begin with', async () => {
    const source = await sourceOf(await storeOf(TEAM))
    const rows = await source.rows()
    expect(rows).toMatchObject([
      {
        agent: 'claude',
        sessionId: SESSION,
        projectKey: '-code-shop',
        machine: 'box-1',
        firstPrompt: 'mend the shop',
        cwd: '/code/shop',
        entries: 4,
        messages: 4,
        updatedAt: '2026-01-02T03:04:05.000Z',
        store: source.url,
        source: 'raw',
        uri: `${source.url}/box-1/raw/claude/-code-shop/${SESSION}.jsonl`,
      },
      {
        agent: 'codex',
        sessionId: THREAD,
        name: 'shop work',
        machine: 'box-2',
        firstPrompt: 'begin the shop',
        createdAt: '2026-03-04T05:06:07.000Z',
      },
      {agent: 'codex', sessionId: FORK, firstPrompt: 'the other way'},
    ])
    expect(rows[0]).not.toHaveProperty('parts')
    expect(rows[0]).not.toHaveProperty('path')
  })

  test('of a directory have a path, and the same else', async () => {
    await using directory = await makeDirectory(TEAM)
    const source = await sourceOf(new DirectoryTree(directory.path))
    const rows = await source.rows()
    expect(rows).toMatchObject([
      {agent: 'claude', machine: 'box-1', source: 'local', path: expect.stringContaining(directory.path)},
      {agent: 'codex', name: 'shop work', machine: 'box-2'},
      {sessionId: FORK},
    ])
    expect(rows[0]).not.toHaveProperty('store')
  })

  test('of backups say whose they are', async () => {
    const files = {[`user_data/ann/.claude/projects/-x/${SESSION}.jsonl`]: turn(1)}
    const [row] = await (await sourceOf(await storeOf(files))).rows()
    expect(row).toMatchObject({user: 'ann', source: 'claude-dir'})
    expect(row).not.toHaveProperty('machine')
  })

  test('of a long transcript come from its two ends, whatever lies between', async () => {
    const middle = turn(2, 'x'.repeat(300_000)).repeat(10)
    const last = turn(3).replaceAll('2026-01-02', '2026-02-03')
    const title = `${JSON.stringify({type: 'custom-title', customTitle: 'The shop'})}\n`
    const store = await storeOf({[`b/raw/claude/-w/${SESSION}.jsonl`]: turn(1, 'first') + middle + last + title})
    let bytes = 0
    const counting: Tree = {
      url: store.url,
      list: (options) => store.list(options),
      async get(key, options) {
        const content = await store.get(key, options)
        const {start = 0, end = content.size} = options?.range ?? {}
        bytes += Math.min(end, content.size) - start
        return content
      },
    }
    const [row] = await (await sourceOf(counting)).rows()
    expect(row).toMatchObject({
      firstPrompt: 'first',
      title: 'The shop',
      createdAt: '2026-01-02T03:04:05.000Z',
      updatedAt: '2026-02-03T03:04:05.000Z',
    })
    expect(row).not.toHaveProperty('entries')
    expect(bytes).toBeLessThan(100_000)
  })

  test('of more sessions than anybody looks at: the ends of those that were written last alone', async () => {
    const files: Record<string, string> = {}
    const long = turn(1, 'first') + turn(2, 'x'.repeat(70_000)) + turn(3).replaceAll('2026-01-02', '2026-02-03')
    for (let at = 0; at < 1005; at++) {
      files[`b/raw/claude/-w/${String(at).padStart(8, '0')}-2222-4333-8444-555555555555.jsonl`] = long
    }
    const rows = await (await sourceOf(await storeOf(files))).rows()
    const withEnd = rows.filter(({updatedAt}) => updatedAt?.startsWith('2026-02-03'))
    expect([rows.length, withEnd.length]).toEqual([1005, 1000])
    expect(rows.every(({firstPrompt, updatedAt}) => firstPrompt === 'first' && updatedAt! > '2026-01-03')).toBe(true)
  })

  test('find a prompt behind long instructions', async () => {
    const text = rollout({instructions: 200_000, turns: 30})
    const [row] = await (await sourceOf(await storeOf({[`b/raw/codex/${rolloutName()}`]: text}))).rows()
    expect(row).toMatchObject({firstPrompt: 'mend the shop', cwd: '/code/shop'})
  })

  test('are read once as long as the transcript is the same', async () => {
    let kept: ReadonlyMap<string, CachedSummary> = new Map()
    const cache: SummaryCache = {
      read: async () => kept,
      async write(summaries) {
        kept = summaries
      },
    }
    const store = await storeOf(TEAM)
    const reads: string[] = []
    const counting: Tree = {
      url: store.url,
      list: (options) => store.list(options),
      async get(key, options) {
        if (!key.endsWith('session_index.jsonl')) reads.push(key)
        return store.get(key, options)
      },
    }
    const first = await (await sourceOf(counting, 'auto', cache)).rows()
    expect(reads).toHaveLength(3)
    expect(await (await sourceOf(counting, 'auto', cache)).rows()).toEqual(first)
    expect(reads).toHaveLength(3)
    const key = `box-1/raw/claude/-code-shop/${SESSION}.jsonl`
    await store.put(key, Buffer.from(turn(1, 'changed')), {mode: {type: 'overwrite'}})
    const [row] = await (await sourceOf(counting, 'auto', cache)).rows()
    expect(row?.firstPrompt).toBe('changed')
    expect(reads).toHaveLength(4)
  })
})

describe('hostile keys', () => {
  test('are left out and counted', async () => {
    const source = await sourceOf(
      await storeOf({
        ...TEAM,
        [`box-1/raw/claude/../../../root/${SESSION}.jsonl`]: turn(1),
        [`box-1/raw/claude/-x\u001b[2J/${OTHER}.jsonl`]: turn(1),
        [`box-2/raw/codex/2026/99/99/rollout-2026-99-99T00-00-00-${OTHER}.jsonl`]: rollout(),
      }),
    )
    expect((await source.rows()).map(({sessionId}) => sessionId)).toEqual([SESSION, THREAD, FORK])
    expect(await source.leftOut()).toHaveLength(2)
  })

  test('contents that are none are listed by name and size', async () => {
    const files = {
      [`b/raw/claude/-w/${SESSION}.jsonl`]: '\u0000\u0001 no transcript',
      [`b/raw/claude/-w/${OTHER}.jsonl`]: '',
      [`b/raw/codex/${rolloutName()}.zst`]: 'no zstandard either',
    }
    await onBoth(files, async (tree) => {
      const rows = await (await sourceOf(tree)).rows()
      expect(rows.map(({bytes}) => bytes)).toEqual([16, 0, 19])
      expect(rows.every(({updatedAt, firstPrompt}) => updatedAt !== undefined && firstPrompt === undefined)).toBe(true)
    })
  })

  test('ten thousand sessions are listed', {timeout: 60_000}, async () => {
    const files: Record<string, string> = {}
    for (let at = 0; at < 10_000; at++) {
      const id = `${String(at).padStart(8, '0')}-2222-4333-8444-555555555555`
      files[`box/raw/claude/-w${at % 50}/${id}.jsonl`] = turn(at)
    }
    expect(await (await sourceOf(await storeOf(files))).rows()).toHaveLength(10_000)
  })
})

describe('one rollout in several shapes', () => {
  test('is one session: plain before compressed, current before archived', async () => {
    const files = {
      [`.codex/${DAY}/${rolloutName()}`]: parent,
      [`.codex/${DAY}/${rolloutName()}.zst`]: 'half written',
      [`.codex/archived_sessions/${rolloutName()}`]: parent,
      [`.codex/archived_sessions/${rolloutName(FORK)}`]: rollout({sessionId: FORK}),
    }
    await onBoth(files, async (tree) => {
      const {sessions} = await (await sourceOf(tree)).listing()
      expect(sessions.map(({main}) => main.key).toSorted()).toEqual([
        `.codex/archived_sessions/${rolloutName(FORK)}`,
        `.codex/${DAY}/${rolloutName()}`,
      ])
    })
  })
})

describe('the transcripts of a session', () => {
  test('of Claude: main and subagents', async () => {
    await onBoth(TEAM, async (tree) => {
      const source = await sourceOf(tree)
      const [row] = await source.rows()
      const transcripts = await source.transcripts(row!)
      expect(transcripts.map(({kind, subpath}) => [kind, subpath])).toEqual([
        ['main', undefined],
        ['subagent', 'subagents/agent-a'],
      ])
      expect(await read(transcripts[0]!.open())).toBe(turn(1, 'mend the shop') + turn(2))
      expect(await read(transcripts[1]!.open())).toBe(turn('s'))
    })
  })

  test('of a fork in Codex: what it rests on first, as far as it does', async () => {
    const longer = {...TEAM, [`box-2/raw/codex/${DAY}/${rolloutName()}`]: parent + turn('later')}
    await onBoth(longer, async (tree) => {
      const source = await sourceOf(tree)
      const row = (await source.rows()).find(({sessionId}) => sessionId === FORK)
      const transcripts = await source.transcripts(row!)
      expect(transcripts.map(({kind, sessionId}) => [kind, sessionId])).toEqual([
        ['ancestor', THREAD],
        ['main', FORK],
      ])
      expect(await read(transcripts[0]!.open())).toBe(parent)
    })
  })

  test('a fork whose origin is not there, and one that goes round, are told', async () => {
    await expect(transcriptsOf({[`.codex/${DAY}/${rolloutName(FORK)}`]: forkOf(FORK, THREAD)})).rejects.toMatchObject({
      code: 'ANCESTOR_MISSING',
    })
    const circle = {
      [`.codex/${DAY}/${rolloutName(FORK)}`]: forkOf(FORK, THREAD),
      [`.codex/${DAY}/${rolloutName(THREAD)}`]: forkOf(THREAD, FORK),
    }
    await expect(transcriptsOf(circle)).rejects.toMatchObject({code: 'ROLLOUT_DAMAGED'})
  })
})
