import assert from 'node:assert/strict'
import {mkdir, mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {importSessionToStore, type SessionKey, type SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import {projectKeyFor} from '../../../src/transcript/project-key.js'
import {isMetadata, metadata, newKey, noted, saidAll, sameEntries, stored} from './entries.js'
import {sessionStoreCase, type SessionStoreTag, type StoreUnderTest} from './target.js'

const SUBPATH = 'subagents/agent-a1'

interface LocalSession {
  readonly key: SessionKey
  readonly dir: string
  readonly main: readonly SessionStoreEntry[]
  readonly sub: readonly SessionStoreEntry[]
}

function importCase(
  name: string,
  tags: readonly SessionStoreTag[],
  body: (target: {store: StoreUnderTest; again: () => Promise<StoreUnderTest>}, local: LocalSession) => Promise<void>,
) {
  return sessionStoreCase(name, tags, async (target) => {
    const root = await mkdtemp(join(await realpath(tmpdir()), 'session-import-'))
    const before = process.env['CLAUDE_CONFIG_DIR']
    process.env['CLAUDE_CONFIG_DIR'] = join(root, 'config')
    try {
      await body(target, await writeSession(root))
    } finally {
      if (before === undefined) delete process.env['CLAUDE_CONFIG_DIR']
      else process.env['CLAUDE_CONFIG_DIR'] = before
      await rm(root, {recursive: true, force: true})
    }
  })
}

const linesOf = (entries: readonly SessionStoreEntry[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')

async function writeSession(root: string): Promise<LocalSession> {
  const dir = join(root, 'work')
  await mkdir(dir)
  const key = newKey(await projectKeyFor(dir))
  const project = join(root, 'config/projects', key.projectKey)
  await mkdir(join(project, key.sessionId, 'subagents'), {recursive: true})
  const main = saidAll(25).flatMap((entry) => [{...entry, cwd: dir}, noted('x')])
  const sub = saidAll(12)
  await writeFile(join(project, `${key.sessionId}.jsonl`), linesOf(main))
  await writeFile(join(project, key.sessionId, `${SUBPATH}.jsonl`), linesOf(sub))
  const {type: _type, ...meta} = metadata('imported')
  await writeFile(join(project, key.sessionId, `${SUBPATH}.meta.json`), JSON.stringify(meta))
  return {key, dir, main, sub}
}

const withUuid = (entries: readonly SessionStoreEntry[]) => entries.filter(({uuid}) => uuid !== undefined)

export const importingCases = [
  importCase(
    "the SDK's import brings every line and the subagent's metadata",
    [],
    async ({store, again}, {key, dir, main, sub}) => {
      await importSessionToStore(key.sessionId, store, {dir, batchSize: 7})
      const other = await again()
      sameEntries(await stored(other, key), main)
      const found = await stored(other, {...key, subpath: SUBPATH})
      sameEntries(
        found.filter((entry) => !isMetadata(entry)),
        sub,
      )
      assert.deepEqual(found.find(isMetadata), metadata('imported'))
      assert.deepEqual(await store.listSubkeys(key), [SUBPATH])
    },
  ),

  importCase(
    'imported again, in other batches and by another instance, no uuid comes twice',
    ['idempotent'],
    async ({store, again}, {key, dir, main, sub}) => {
      await importSessionToStore(key.sessionId, store, {dir, batchSize: 7})
      await importSessionToStore(key.sessionId, store, {dir, batchSize: 500})
      const other = await again()
      await importSessionToStore(key.sessionId, other, {dir, batchSize: 10})
      sameEntries(withUuid(await stored(store, key)), withUuid(main))
      sameEntries(withUuid(await stored(other, {...key, subpath: SUBPATH})), sub)
    },
  ),
]
