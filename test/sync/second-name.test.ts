import {link, mkdir, rename, rm, symlink, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {beforeEach, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {filesPrefix} from '../../src/store/names.js'
import type {SyncContext} from '../../src/sync/context.js'
import {hasKnownNames} from '../../src/sync/second-name.js'
import {pushSession} from '../../src/sync/push-session.js'
import {statusOf} from '../../src/sync/status.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const KEY = '-work'
let store: MemoryObjectStore

beforeEach(() => {
  store = new MemoryObjectStore({clock: systemClock})
})

/** A session with one large output, as claude 2.1.170 leaves it: written below its temporary directory, and linked. */
async function workerWithLinkedOutput() {
  const worker = await SyncWorker.start(store)
  const claudeTemp = join(worker.root, 'claude-0')
  const output = join(claudeTemp, KEY, SESSION, 'tasks', 'b1.output')
  const result = join(worker.configDir, 'projects', KEY, SESSION, 'tool-results', 'b1.txt')
  await worker.write(KEY, message(1))
  for (const path of [output, result]) await mkdir(dirname(path), {recursive: true})
  await writeFile(output, 'a large output')
  await link(output, result)
  return {worker, context: {...worker.context, claudeTemp}, output, result}
}

async function pushedFiles(context: SyncContext, worker: SyncWorker): Promise<string[]> {
  await pushSession(context, await worker.session())
  const prefix = filesPrefix(SESSION)
  return (await listAll(store, {prefix})).objects.map(({key}) => key.slice(prefix.length))
}

async function stateOf(context: SyncContext, worker: SyncWorker): Promise<string | undefined> {
  const {sessions} = await statusOf(context, [await worker.session()], {processes: worker.processes, concurrency: 1})
  return sessions[0]?.state
}

test('an output that lies in Claude’s temporary directory too is stored, and counts as unstored before', async () => {
  const {worker, context} = await workerWithLinkedOutput()
  await using _ = worker
  expect(await stateOf(context, worker)).toBe('unstored')
  expect(await pushedFiles(context, worker)).toEqual(['tool-results/b1.txt'])
  expect(await stateOf(context, worker)).toBe('stored')
})

test.each<[string, (at: {output: string; result: string; root: string}) => Promise<void>]>([
  [
    'is another file',
    async ({output}) => {
      await rename(output, `${output}.elsewhere`)
      await writeFile(output, 'a large output')
    },
  ],
  ['is not there', async ({output, root}) => rename(output, join(root, 'elsewhere'))],
  ['is one of three', async ({output, root}) => link(output, join(root, 'third'))],
  ['is another output', async ({output}) => rename(output, output.replace('b1', 'b2'))],
  [
    'is reached through a link',
    async ({output}) => {
      const tasks = dirname(output)
      await rename(tasks, `${tasks}-moved`)
      await symlink(`${tasks}-moved`, tasks)
    },
  ],
])('an output whose second name %s is left out', async (_name, change) => {
  const {worker, context, output, result} = await workerWithLinkedOutput()
  await using _ = worker
  await change({output, result, root: worker.root})
  expect(await pushedFiles(context, worker)).toEqual([])
})

test('directories and files of another user vouch for nothing', async () => {
  const {worker, context} = await workerWithLinkedOutput()
  await using _ = worker
  const session = await worker.session()
  const [file] = session.toolResults
  if (!file) throw new Error('the output is not found')
  const judge = async (uid: number | undefined) =>
    hasKnownNames({claudeTemp: context.claudeTemp, uid}, session, 'tool-results', file, file)
  expect(await judge(context.uid)).toBe(true)
  expect(await judge((context.uid ?? 0) + 1)).toBe(false)
  expect(await hasKnownNames(context, session, 'file-history', file, file)).toBe(false)
})

test('a file that went away after it was found is not there, and the others go up', async () => {
  const {worker, context, output, result} = await workerWithLinkedOutput()
  await using _ = worker
  const session = await worker.session()
  await rm(output)
  await rm(result)
  expect((await pushSession(context, session)).action).toBe('pushed')
})
