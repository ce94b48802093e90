import {mkdir, readdir, rm, truncate} from 'node:fs/promises'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore} from '../../src/library/session-store.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {type GetOptions, type ObjectContent, type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {encodeRange} from '../../src/store/part.js'
import {Parts} from '../../src/store/parts.js'
import {loadTranscript} from '../../src/store/load.js'
import {archiveSession} from '../../src/sync/archive-session.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'
import {ID, Sandbox} from './support/sandbox.js'

const TEXT = Array.from({length: 20}, (_, line) => message(line)).join('')
const PIECE = 200 * 1024 * 1024

/** A session of a main transcript, a subagent and an output, in the store alone. */
async function storedOnly(here: Sandbox): Promise<void> {
  await here.write(TEXT)
  await mkdir(here.pathBelow('subagents'), {recursive: true})
  await here.write(message('sub'), `${ID}/subagents/agent-7c1e`)
  await mkdir(here.pathBelow('tool-results'), {recursive: true})
  await here.write('o'.repeat(100), `${ID}/tool-results/out`)
  expect((await here.run(['push', ID])).exitCode).toBe(0)
  await forget(here)
}

async function forget(here: Sandbox): Promise<void> {
  await rm(join(here.configDir, 'projects'), {recursive: true, force: true})
}

async function expectRefused(here: Sandbox, argv: readonly string[], code: string, env = {}): Promise<string> {
  const ran = await here.contained([...argv], {env})
  expect([argv[0], ran.exitCode]).toEqual([argv[0], 7])
  expect(ran.all).toContain(code)
  expect((await here.names()).filter((name) => /jsonl|tmp|out/.test(name))).toEqual([])
  return ran.all
}

async function objectsOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await listAll(store, {prefix})).objects.map(({key}) => key)
}

describe('a session that is larger than is let in', {timeout: 60_000}, () => {
  test('is refused before anything of it is brought here, by flag, environment and default', async () => {
    await using here = await Sandbox.make()
    await storedOnly(here)
    const told = await expectRefused(here, ['pull', ID, '--json', '--max-bytes', '1kB'], 'SESSION_TOO_LARGE')
    expect(told).toContain('--max-bytes 1GB')
    await expectRefused(here, ['pull', '--all', '--json'], 'SESSION_TOO_LARGE', {REPRISE_MAX_BYTES: '1000'})
    await expectRefused(here, ['resume', ID, '--max-bytes', '1kB'], 'no more than 1000 are let in')
    await expectRefused(here, ['resume', ID, '--print', '--max-bytes', '1kB'], 'no more than 1000 are let in')
    // Its files count too.
    const bytes = TEXT.length + message('sub').length + 100
    await expectRefused(here, ['pull', ID, '--json', '--max-bytes', String(bytes - 1)], 'SESSION_TOO_LARGE')
    const wrong = await here.run(['pull', ID, '--json', '--max-bytes', 'much'])
    expect(wrong).toMatchObject({exitCode: 2, stdout: expect.stringContaining('SETTING_INVALID')})
    expect(await here.run(['pull', ID, '--max-bytes', String(bytes)])).toMatchObject({exitCode: 0})
    expect(await here.read()).toBe(TEXT)

    // A listing of six gigabytes, which nobody asked for.
    await forget(here)
    const session = join(here.root, 'store', here.projectKey, ID)
    const [part = ''] = (await readdir(session)).filter((name) => name.endsWith('.jsonl'))
    await truncate(join(session, part), 6e9)
    expect(await expectRefused(here, ['pull', ID, '--json'], 'SESSION_TOO_LARGE')).toContain('--max-bytes 7GB')
    await expectRefused(here, ['resume', ID], 'no more than 5000000000 are let in')
  })

  test('is refused by what its archive claims, before it is unpacked or put back', async () => {
    await using here = await Sandbox.make()
    await storedOnly(here)
    await here.run(['compact', ID, '--archive', 'gzip'])
    const store = here.fileStore()
    const key = {projectKey: here.projectKey, sessionId: ID}
    await using sessions = createSessionStore({objectStore: store}, {maxBytes: TEXT.length - 1})
    await expect(sessions.load(key)).rejects.toMatchObject({code: 'SESSION_TOO_LARGE', kind: 'bad-data'})
    const prefix = `.reprise/archive/${ID}/`
    const range = {entries: 1, epoch: 1, leased: true, gen: 0, machine: 'a'}
    for (let piece = 0; piece < 30; piece++) {
      const [before, after] = [piece, piece + 1].map((each) => String(each).padStart(64, '0'))
      const claim = {
        ...range,
        from: 1 + piece * PIECE,
        to: 1 + (piece + 1) * PIECE,
        before: before ?? '',
        after: after ?? '',
      }
      const key = `${prefix}part-${1_700_000_000_000 + piece}-abcdef.jsonl`
      await store.put(key, gzipSync('x'), {mode: OVERWRITE, metadata: encodeRange(claim, 'gzip')})
    }
    await expectRefused(here, ['pull', ID, '--json'], 'SESSION_TOO_LARGE')
    await expectRefused(here, ['resume', ID], 'no more than 5000000000 are let in')
    expect(await objectsOf(store, prefix)).toHaveLength(32)
  })

  test('is refused by the library where it is told to', async () => {
    const objectStore = new MemoryObjectStore({clock: systemClock})
    const key = {projectKey: '-w', sessionId: SESSION}
    await using writer = createSessionStore({objectStore})
    await writer.append(key, [{type: 'user', uuid: 'u', text: 'x'.repeat(1000)}])
    await using sessions = createSessionStore({objectStore}, {maxBytes: 1000})
    await expect(sessions.load(key)).rejects.toMatchObject({code: 'SESSION_TOO_LARGE', details: {maxBytes: 1000}})
    await using more = createSessionStore({objectStore}, {maxBytes: 1100})
    expect(await more.load(key)).toHaveLength(1)
  })
})

test(
  'an archive that unpacks to more than it claims ends a command, and leaves nothing',
  {timeout: 60_000},
  async () => {
    await using here = await Sandbox.make()
    await storedOnly(here)
    await here.run(['compact', ID, '--archive', 'gzip'])
    const store = here.fileStore()
    const [key = ''] = await objectsOf(store, `.reprise/archive/${ID}/part-`)
    const {metadata = {}} = (await store.head(key)) ?? {}
    // One is short enough to be read to its end, the other is not.
    for (const [mebibytes, what] of [
      [32, 'unpacks to more than it says'],
      [512, 'is longer than anything that it could hold'],
    ] as const) {
      await store.put(key, gzipSync(Buffer.alloc(mebibytes * 1024 * 1024)), {mode: OVERWRITE, metadata})
      for (const argv of [
        ['pull', ID, '--json'],
        ['resume', ID],
      ]) {
        const ran = await here.contained(argv)
        expect([argv[0], ran.exitCode]).toEqual([argv[0], 7])
        expect(ran.all).toContain(what)
        const names = await here.names()
        expect(names.filter((name) => name.endsWith(`${ID}.jsonl`) || name.endsWith('.tmp'))).toEqual([])
      }
    }
    // It is put back by nobody: the packed objects stay as they are, and readers are given no line of it.
    expect(await objectsOf(store, `.reprise/archive/${ID}/part-`)).toHaveLength(1)
  },
)

/** Gives an object that never ends, and counts what is taken of it. */
class Endless extends ObjectStoreDecorator {
  taken = 0
  chunk: Uint8Array = Buffer.alloc(64 * 1024, 'x')
  #isOn = ''

  from(prefix: string, chunk = this.chunk): void {
    this.#isOn = prefix
    this.chunk = chunk
  }

  override async get(key: string, options?: GetOptions): Promise<ObjectContent> {
    const content = await this.inner.get(key, options)
    return this.#isOn !== '' && key.startsWith(this.#isOn) ? {...content, body: this.#body()} : content
  }

  async *#body(): AsyncIterable<Uint8Array> {
    for (;;) {
      this.taken += this.chunk.byteLength
      yield this.chunk
      // A test that fails ends all the same.
      if (this.taken > 512 * 1024 * 1024) throw new Error('nobody stopped it')
    }
  }
}

async function pushed(worker: SyncWorker): Promise<void> {
  await worker.write('-a', TEXT)
  await mkdir(join(worker.configDir, 'projects', '-a', SESSION, 'tool-results'), {recursive: true})
  await worker.write('-a', 'o'.repeat(100), `${SESSION}/tool-results/out`)
  await pushSession(worker.context, await worker.session())
}

describe('an object that goes on for ever', () => {
  test('is left as a part, as an archive, and as a file beside it', async () => {
    const store = new Endless(new MemoryObjectStore({clock: systemClock}))
    await using worker = await SyncWorker.start(store)
    await pushed(worker)
    const ref = {homeKey: '-a', sessionId: SESSION}
    const sink = {begin: () => undefined, write: () => undefined}
    const load = async () => loadTranscript(new Parts(store), ref, sink)
    await using there = await SyncWorker.start(store, 'b')
    const pull = async () =>
      pullSession({...there.context, parts: new Parts(store), maxBytes: 1e6}, SESSION, {processes: there.processes})

    store.from('.reprise/files/')
    await expect(pull()).rejects.toMatchObject({code: 'SESSION_TOO_LARGE'})
    expect(await readdir(join(there.configDir, 'projects', '-a', SESSION, 'tool-results'))).toEqual([])
    store.from('-a/')
    await expect(load()).rejects.toMatchObject({code: 'PART_DAMAGED', kind: 'bad-data'})
    await expect(pull()).rejects.toMatchObject({code: 'PART_DAMAGED'})
    expect(store.taken).toBeLessThan(4 * 1024 * 1024)

    store.from('')
    const listing = await worker.context.parts.listSession(ref)
    await archiveSession(worker.context, listing, {codec: 'gzip', inUse: 'refuse'})
    store.taken = 0
    // Members that hold nothing: it unpacks to no byte, and never ends.
    store.from('.reprise/archive/', gzipSync(''))
    await expect(load()).rejects.toMatchObject({code: 'PART_DAMAGED'})
    expect(store.taken).toBeLessThan(4 * 1024 * 1024)
  })
})
