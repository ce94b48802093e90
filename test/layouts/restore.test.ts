import {mkdir, readdir, readFile, rename, rm, symlink, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {restoreForeign, type ForeignRestoreOptions} from '../../src/layouts/restore-foreign.js'
import {findForeign} from '../../src/layouts/select-foreign.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {Processes} from '../../src/transcript/processes.js'
import {SyncWorker} from '../support/sync-worker.js'
import {OTHER, SESSION, turn} from './support/claude-lines.js'
import {type Files, sourceOf, storeOf} from './support/foreign.js'
import {FORK, rollout, rolloutName, THREAD} from './support/rollouts.js'
import {zstdOf} from '../support/zstd.js'

const KEY = '-code-shop'
const BASE = `box/raw/claude/${KEY}`
const nobody: Processes = {domain: async () => undefined, find: async () => undefined}

/** One machine with what a store of others holds. */
async function machine(files: Files) {
  const worker = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
  const codexHome = join(worker.root, '.codex')
  let sources = [await sourceOf(await storeOf(files))]
  return {
    worker,
    codexHome,
    async replace(changed: Files) {
      sources = [await sourceOf(await storeOf(changed))]
    },
    async beside(more: Files) {
      sources.push(await sourceOf(await storeOf(more)))
    },
    async restore(text: string, options: Partial<ForeignRestoreOptions> = {}) {
      const found = await findForeign(sources, text)
      if (!found) throw new Error(`no session ${text}`)
      const context = {...worker.context, random: systemRandom, maxBytes: 10_000}
      return restoreForeign(context, found, {projectKey: '-here', processes: nobody, codexHome, ...options})
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, {recursive: true, withFileTypes: true}).catch(() => [])
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted()
}

describe('a session of Claude', () => {
  const files = {
    [`${BASE}/${SESSION}.jsonl`]: turn(1) + turn(2),
    [`${BASE}/${SESSION}/subagents/agent-a.jsonl`]: turn('s'),
    [`${BASE}/${SESSION}/subagents/agent-a.meta.json`]: '{"agentType":"x"}',
    [`${BASE}/${SESSION}/tool-results/deep/big.txt`]: 'much',
    [`${BASE}/memory/MEMORY.md`]: 'remember',
  }

  test('comes whole where claude looks for it, and nothing else does', async () => {
    await using here = await machine(files)
    const pulled = await here.restore(SESSION)
    expect(pulled).toMatchObject({action: 'pulled', projectKey: '-here', entries: 6})
    expect(await filesBelow(join(here.worker.configDir, 'projects'))).toEqual([
      `-here/${SESSION}.jsonl`,
      `-here/${SESSION}/subagents/agent-a.jsonl`,
      `-here/${SESSION}/subagents/agent-a.meta.json`,
      `-here/${SESSION}/tool-results/deep/big.txt`,
    ])
    expect(await here.worker.read('-here')).toBe(turn(1) + turn(2))
    expect(await here.restore(SESSION)).toMatchObject({action: 'unchanged', bytesDownloaded: 0, entries: 0})
  })

  test('a dry run writes nothing', async () => {
    await using here = await machine(files)
    expect(await here.restore(SESSION, {dryRun: true})).toMatchObject({action: 'pulled'})
    expect(await filesBelow(join(here.worker.configDir, 'projects'))).toEqual([])
  })

  test('goes on where the copy there has more, and stays where the one here has', async () => {
    await using here = await machine(files)
    await here.worker.write('-elsewhere', turn(1))
    expect(await here.restore(SESSION)).toMatchObject({action: 'pulled', projectKey: '-elsewhere'})
    expect(await here.worker.read('-elsewhere')).toBe(turn(1) + turn(2))
    await here.worker.write('-elsewhere', turn(1) + turn(2) + turn(3))
    expect(await here.restore(SESSION)).toMatchObject({action: 'ahead'})
    expect(await here.worker.read('-elsewhere')).toBe(turn(1) + turn(2) + turn(3))
  })

  test('a torn end is the same on both sides, or is gone on from', async () => {
    await using here = await machine({[`${BASE}/${SESSION}.jsonl`]: `${turn(1)}{"type":"us`})
    await here.restore(SESSION)
    expect(await here.restore(SESSION)).toMatchObject({action: 'unchanged'})
    await here.replace(files)
    const [line] = turn(2).split('\n')
    await here.worker.write('-here', turn(1) + line!.slice(0, 9))
    expect(await here.restore(SESSION)).toMatchObject({action: 'pulled'})
    expect(await here.worker.read('-here')).toBe(turn(1) + turn(2))
  })

  test('that is larger than is let in is refused, whatever its listing says', async () => {
    await using here = await machine({...files, [`${BASE}/${SESSION}/tool-results/huge`]: 'x'.repeat(10_000)})
    await expect(here.restore(SESSION)).rejects.toMatchObject({code: 'SESSION_TOO_LARGE'})
    expect(await filesBelow(join(here.worker.configDir, 'projects'))).toEqual([])
  })

  test('that went on in two places is refused, merged, or kept beside', async () => {
    const mine = turn(1) + turn('mine')
    const theirs = turn(1) + turn('theirs')
    await using here = await machine({[`${BASE}/${SESSION}.jsonl`]: theirs})
    await here.worker.write('-here', mine)
    await expect(here.restore(SESSION)).rejects.toMatchObject({code: 'SESSION_DIVERGED', kind: 'conflict'})
    expect(await here.worker.read('-here')).toBe(mine)
    const {newSessionId} = await here.restore(SESSION, {fork: true})
    expect(await here.worker.read('-here')).toBe(theirs)
    expect(await here.worker.read('-here', newSessionId)).toContain('answer mine')
    await here.worker.write('-here', mine)
    expect(await here.restore(SESSION, {merge: true})).toMatchObject({action: 'merged'})
    expect(await here.worker.read('-here')).toBe(mine + turn('theirs'))
  })

  test('that a claude has open is left alone', async () => {
    await using here = await machine(files)
    await here.worker.write('-here', turn(1))
    const notes = join(here.worker.configDir, 'sessions')
    await mkdir(notes, {recursive: true})
    await writeFile(join(notes, '77.json'), JSON.stringify({pid: 77, sessionId: SESSION}))
    const processes: Processes = {...nobody, find: async (pid) => (pid === 77 ? {} : undefined)}
    await expect(here.restore(SESSION, {processes})).rejects.toMatchObject({code: 'SESSION_LIVE'})
    expect(await here.restore(SESSION, {processes, force: true})).toMatchObject({action: 'pulled'})
  })

  test('is not written through a link that leads out', async () => {
    await using here = await machine(files)
    const outside = join(here.worker.root, 'outside')
    await mkdir(outside)
    await mkdir(join(here.worker.configDir, 'projects'), {recursive: true})
    await symlink(outside, join(here.worker.configDir, 'projects', '-here'))
    await expect(here.restore(SESSION)).rejects.toMatchObject({code: 'TARGET_OUTSIDE'})
    expect(await readdir(outside)).toEqual([])
  })

  test('that two machines copied has to be named by where it lies', async () => {
    await using here = await machine({
      [`${BASE}/${SESSION}.jsonl`]: turn(1),
      [`other/raw/claude/${KEY}/${SESSION}.jsonl`]: turn(1) + turn(2),
      [`other/raw/claude/${KEY}/${OTHER}.jsonl`]: turn(1),
    })
    const error = await here.restore(SESSION).catch((each: unknown) => each)
    expect(error).toMatchObject({code: 'SESSION_AMBIGUOUS'})
    const [, uri] = (error as {details: {candidates: string[]}}).details.candidates
    expect(await here.restore(uri!)).toMatchObject({action: 'pulled', sessionId: SESSION, entries: 4})
    expect(await here.restore(OTHER.slice(0, 6))).toMatchObject({sessionId: OTHER})
  })
})

describe('a session of Codex', () => {
  const parent = rollout()
  const fork = rollout({sessionId: FORK, base: {sessionId: THREAD, bytes: parent.length}})
  const files = {
    [`box/raw/codex/2026/03/04/${rolloutName()}`]: parent,
    [`box/raw/codex/2026/03/05/${rolloutName(FORK, '2026-03-05T05-06-07')}`]: fork,
    'box/raw/codex/session_index.jsonl': `${JSON.stringify({id: FORK, thread_name: 'the fork'})}\n`,
    'box/raw/codex/auth.json': '{"secret":1}',
  }
  const PARENT_PATH = `sessions/2026/03/04/${rolloutName()}`
  const FORK_PATH = `sessions/2026/03/05/${rolloutName(FORK, '2026-03-05T05-06-07')}`

  test('comes with what it rests on, byte for byte, under its day', async () => {
    await using here = await machine(files)
    const pulled = await here.restore('the fork')
    expect(pulled).toMatchObject({action: 'pulled', sessionId: FORK, path: join(here.codexHome, FORK_PATH)})
    expect(await filesBelow(here.codexHome)).toEqual([PARENT_PATH, FORK_PATH])
    expect(await readFile(join(here.codexHome, PARENT_PATH), 'utf8')).toBe(parent)
    expect(await readFile(join(here.codexHome, FORK_PATH), 'utf8')).toBe(fork)
    expect(await here.restore(FORK)).toMatchObject({action: 'unchanged', bytesDownloaded: 0})
  })

  test('that was compressed comes decompressed', async () => {
    const zst = zstdOf(Buffer.from(parent))
    await using here = await machine({
      [`box/raw/codex/2026/03/04/${rolloutName()}.zst`]: zst,
      [`box/raw/codex/2026/03/05/${rolloutName(FORK, '2026-03-05T05-06-07')}`]: fork,
    })
    await here.restore(FORK)
    expect(await readFile(join(here.codexHome, PARENT_PATH), 'utf8')).toBe(parent)
    expect(await filesBelow(here.codexHome)).toEqual([PARENT_PATH, FORK_PATH])
  })

  test('one that Codex compressed here is the same as the one that it was', async () => {
    await using here = await machine(files)
    const path = join(here.codexHome, `${PARENT_PATH}.zst`)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, zstdOf(Buffer.from(parent)))
    expect(await here.restore(THREAD)).toMatchObject({action: 'unchanged', path})
  })

  test('rests on what is here, or in another store, where its own lacks it', async () => {
    const {[`box/raw/codex/2026/03/04/${rolloutName()}`]: _parent, ...without} = files
    await using here = await machine(without)
    await expect(here.restore(FORK)).rejects.toMatchObject({code: 'ANCESTOR_MISSING'})
    expect(await filesBelow(here.codexHome)).toEqual([])
    const path = join(here.codexHome, PARENT_PATH)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, parent.slice(0, -1))
    await expect(here.restore(FORK)).rejects.toMatchObject({code: 'ANCESTOR_MISSING'})
    await writeFile(path, parent)
    expect(await here.restore(FORK)).toMatchObject({action: 'pulled'})
    await rm(here.codexHome, {recursive: true})
    await here.beside({[`.codex/sessions/${rolloutName()}`]: parent})
    expect(await here.restore(FORK)).toMatchObject({action: 'pulled'})
    expect(await filesBelow(here.codexHome)).toEqual([PARENT_PATH, FORK_PATH])
  })

  test('that was archived comes back where it can be resumed', async () => {
    await using here = await machine({[`.codex/archived_sessions/${rolloutName()}`]: parent})
    expect(await here.restore(THREAD)).toMatchObject({path: join(here.codexHome, PARENT_PATH)})
  })

  test('goes on, stays where the one here has more, and is refused where both have', async () => {
    await using here = await machine(files)
    const path = join(here.codexHome, PARENT_PATH)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, parent.slice(0, 500))
    expect(await here.restore(THREAD)).toMatchObject({action: 'pulled'})
    expect(await readFile(path, 'utf8')).toBe(parent)
    await writeFile(path, parent + turn('here'))
    expect(await here.restore(THREAD)).toMatchObject({action: 'ahead'})
    await here.replace({...files, [`box/raw/codex/2026/03/04/${rolloutName()}`]: parent + turn('there')})
    await expect(here.restore(THREAD)).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
    // What the fork rests on is the same on both sides.
    expect(await here.restore(FORK)).toMatchObject({action: 'pulled'})
    expect(await readFile(path, 'utf8')).toBe(parent + turn('here'))
  })

  test('lies where it lies: one that is archived here, too, is not put there twice', async () => {
    await using here = await machine(files)
    await here.restore(THREAD)
    const archived = join(here.codexHome, 'archived_sessions', rolloutName())
    await mkdir(dirname(archived))
    await rename(join(here.codexHome, PARENT_PATH), archived)
    expect(await here.restore(THREAD)).toMatchObject({action: 'unchanged', path: archived})
  })

  test('whose origin was copied too early is refused before it is written', async () => {
    await using here = await machine({...files, [`box/raw/codex/2026/03/04/${rolloutName()}`]: parent.slice(0, 900)})
    await expect(here.restore(FORK)).rejects.toMatchObject({code: 'ROLLOUT_DAMAGED'})
    expect(await filesBelow(here.codexHome)).toEqual([])
  })

  test('is not written through a link that leads out', async () => {
    await using here = await machine(files)
    const outside = join(here.worker.root, 'outside')
    await mkdir(outside)
    await mkdir(here.codexHome)
    await symlink(outside, join(here.codexHome, 'sessions'))
    await expect(here.restore(THREAD)).rejects.toMatchObject({code: 'TARGET_OUTSIDE'})
    expect(await readdir(outside)).toEqual([])
  })
})
