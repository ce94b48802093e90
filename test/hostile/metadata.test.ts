import {createHash} from 'node:crypto'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE} from '../../src/object-store/object-store.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {encodeRange, type PartRange} from '../../src/store/part.js'
import {chainDigits, formatPartName} from '../../src/store/names.js'
import type {StrictS3} from '../support/strict-s3/index.js'
import {message, SyncWorker} from '../support/sync-worker.js'
import {ID, idOf, Sandbox} from './support/sandbox.js'

const LINE = message(1)
const NEXT = message(2)
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const MS = 1_700_000_000_000

/** What a part says that holds `body` behind `before`. */
function rangeOf(before: string, body: string, more: Partial<PartRange> = {}): PartRange {
  return {
    from: before.length,
    to: before.length + body.length,
    before: digest(before),
    after: digest(before + body),
    entries: 1,
    epoch: 0,
    leased: false,
    gen: 0,
    machine: 'm',
    ...more,
  }
}

function plant(
  server: StrictS3,
  ms: number,
  body: string,
  range: PartRange,
  more: Record<string, string> = {},
  id = ID,
): string {
  const name = formatPartName({ms, digits: chainDigits(range.after, range.from)})
  const key = `p/-work/${id}/${name}`
  server.store.plant(server.bucket, key, body, {metadata: {...encodeRange(range), ...more}})
  return key
}

const LIES: readonly (readonly [Partial<PartRange>, Record<string, string>])[] = [
  [{to: 10_000}, {}],
  [{from: 7}, {}],
  [{before: 'f'.repeat(64)}, {}],
  [{}, {from: '-5'}],
  [{}, {from: '9'.repeat(15), to: '9'.repeat(15)}],
  [{}, {entries: 'NaN', epoch: '1e9'}],
  [{}, {machine: '%1B%5B2J%C2%9B%'}],
  [{gen: 5}, {}],
  [{}, {reprise: '0x1'}],
]

async function begun(): Promise<{here: Sandbox; server: StrictS3} & AsyncDisposable> {
  const here = await Sandbox.make()
  const {server} = await here.useS3()
  server.store.plant(server.bucket, `p/.reprise/home/${ID}`, '-work\n')
  return {here, server, [Symbol.asyncDispose]: () => here[Symbol.asyncDispose]()}
}

describe('metadata that lies', () => {
  test('about itself: no line is lost, none comes twice, nothing fails', async () => {
    await using all = await begun()
    const {here, server} = all
    for (const [index, [lie, more]] of LIES.entries()) {
      plant(server, MS, LINE, rangeOf('', LINE), {}, idOf(index))
      plant(server, MS + 1, NEXT, rangeOf(LINE, NEXT, lie), more, idOf(index))
    }
    const ran = await here.contained(['pull', '--json', ...LIES.map((_, index) => idOf(index))])
    expect(ran.exitCode, ran.all).toBe(0)
    for (const [index, lie] of LIES.entries())
      expect(await here.read(idOf(index)), JSON.stringify(lie)).toBe(LINE + NEXT)
  })

  test('about after: exit 7, no file', async () => {
    await using all = await begun()
    const {here, server} = all
    plant(server, MS, LINE, rangeOf('', LINE))
    plant(server, MS + 1, NEXT, rangeOf(LINE, NEXT, {after: 'e'.repeat(64)}))
    const ran = await here.contained(['pull', ID])
    expect(ran.exitCode, ran.all).toBe(7)
    expect(ran.all).toContain('PART_DAMAGED')
    expect((await here.names()).filter((name) => /\.(?:jsonl|tmp)$/.test(name))).toEqual([])
  })

  test.each([
    ['a newer format', {reprise: '2'}, 'FORMAT_TOO_NEW'],
    ['an unknown codec', {codec: 'rot13\u001b[2J'.replace('\u001b', '%')}, 'CODEC_UNKNOWN'],
  ])('%s: exit 7 for push and pull, the listing goes on', async (_, more, code) => {
    await using all = await begun()
    const {here, server} = all
    // What is stored otherwise has other sizes: a listing alone does not take it for what is here.
    plant(server, MS, `${LINE}?\n`, rangeOf('', `${LINE}?\n`), more)
    const pulled = await here.contained(['pull', ID])
    expect(pulled.exitCode, pulled.all).toBe(7)
    expect(pulled.all).toContain(code)
    await here.write(LINE + NEXT + message(3))
    const pushed = await here.contained(['push', ID])
    expect(pushed.exitCode, pushed.all).toBe(7)
    expect(pushed.all).toContain(code)
    expect((await here.run(['ls'])).exitCode).toBe(0)
  })

  test('an epoch far above the record of the lease: exit 7 for who takes the lease, pull goes on', async () => {
    await using all = await begun()
    const {here, server} = all
    plant(server, MS, LINE, rangeOf('', LINE))
    const began = await here.run(['resume', ID])
    expect(began.exitCode, began.all).toBe(0)
    const end = await here.read()
    plant(server, Date.now() + 1000, NEXT, rangeOf(end, NEXT, {epoch: 900_000_000, leased: true}))
    const pulled = await here.contained(['pull', ID])
    expect(pulled.exitCode, pulled.all).toBe(0)
    const refused = await here.contained(['resume', ID])
    expect(refused.exitCode, refused.all).toBe(7)
    expect(refused.all).toContain('EPOCH_JUMP')
  })

  test('a part from a far future: pull reads it, push refuses to go behind it', async () => {
    await using all = await begun()
    const {here, server} = all
    plant(server, 9_999_999_999_999, LINE, rangeOf('', LINE))
    expect((await here.contained(['pull', ID])).exitCode).toBe(0)
    await here.write(LINE + NEXT)
    const refused = await here.contained(['push', ID])
    expect(refused.exitCode, refused.all).toBe(7)
    expect(refused.all).toContain('PART_FROM_FUTURE')
  })
})

describe('a session of 10,000 parts', () => {
  test.each([
    ['one chain', true],
    ['as other writers leave them', false],
  ])('%s: is pulled, and pushed to by its listing alone', {timeout: 60_000}, async (_, ranged) => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    const hash = createHash('sha256')
    let [text, before] = ['', digest('')]
    for (let index = 0; index < 10_000; index++) {
      const line = `{"uuid":"${index}"}\n`
      const after = hash.update(line).copy().digest('hex')
      const range = {...rangeOf('', line), from: text.length, to: text.length + line.length, before, after}
      const digits = ranged ? chainDigits(after, range.from) : 'abcdef'
      const key = `-work/${ID}/${formatPartName({ms: MS + index, digits})}`
      await store.put(key, Buffer.from(line), {mode: CREATE, ...(ranged && {metadata: encodeRange(range)})})
      text += line
      before = after
    }
    await pullSession(worker.context, ID, {processes: worker.processes})
    expect(await worker.read('-work', ID)).toBe(text)
    await worker.write('-work', text + LINE, ID)
    const pushed = await pushSession(worker.context, await worker.session(ID))
    expect(pushed).toMatchObject({action: 'pushed', bytesUploaded: LINE.length})
  })
})
