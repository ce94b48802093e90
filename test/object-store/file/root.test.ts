import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {FileObjectStore} from '../../../src/object-store/file/file-object-store.js'
import {listAll} from '../../../src/object-store/list-all.js'
import {OVERWRITE} from '../../../src/object-store/object-store.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprise-root-'))
})

afterEach(async () => {
  await rm(directory, {recursive: true, force: true})
})

function storeAt(path: string): FileObjectStore {
  return new FileObjectStore({directory: path, clock: systemClock, random: systemRandom})
}

async function put(store: FileObjectStore): Promise<unknown> {
  return store.put('key', Buffer.from('body'), {mode: OVERWRITE})
}

describe.each(['file', 'file/below', 'file/below/it'])('a store at %s, where file is a file', (below) => {
  test('is refused for reading and for writing', async () => {
    await writeFile(join(directory, 'file'), 'kept')
    const refused = {kind: 'usage', code: 'STORE_URL_INVALID', message: expect.stringContaining('is a file')}
    const store = storeAt(join(directory, below))
    await expect(listAll(store, {prefix: ''})).rejects.toMatchObject(refused)
    await expect(store.head('key')).rejects.toMatchObject(refused)
    await expect(put(store)).rejects.toMatchObject(refused)
  })
})

test.runIf(process.platform === 'linux')(
  'a place that takes no directory ends the write',
  {timeout: 5_000},
  async () => {
    const refused = {kind: 'permission', code: 'ACCESS_DENIED', message: expect.stringContaining('cannot be made')}
    await expect(put(storeAt('/proc/none/such'))).rejects.toMatchObject(refused)
  },
)

test('a place that is not there yet is empty, and made by the first write', async () => {
  const store = storeAt(join(directory, 'a', 'b'))
  expect((await listAll(store, {prefix: ''})).objects).toEqual([])
  await put(store)
  expect((await listAll(store, {prefix: ''})).objects.map(({key}) => key)).toEqual(['key'])
})
