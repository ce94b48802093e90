import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, test} from 'vitest'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE, OVERWRITE} from '../../../src/object-store/object-store.js'
import {bytes, fileStore, tempDirectory, text} from './support.js'

const DAY = 24 * 60 * 60 * 1000

async function keysOf(store: ReturnType<typeof fileStore>, prefix = ''): Promise<string[]> {
  return (await listAll(store, {prefix})).objects.map(({key}) => key)
}

describe('the tree of a file store', () => {
  test('parts lie under their keys, metadata beside them, for their owner alone', async () => {
    const directory = join(await tempDirectory(), 'made', 'on first write')
    const store = fileStore(directory)
    const key = '-home-me/0b7e/part-1700000000000-abcdef.jsonl'
    const before = await store.head(key)
    expect(before).toBeUndefined()
    await expect(stat(directory)).rejects.toMatchObject({code: 'ENOENT'})
    const {etag} = await store.put(key, bytes('{"a":1}\n'), {mode: CREATE, metadata: {reprise: '1'}})
    expect(await readFile(join(directory, key), 'utf8')).toBe('{"a":1}\n')
    const digest = createHash('sha256').update('{"a":1}\n').digest('hex')
    expect(etag).toBe(`1-${digest}`)
    const record: unknown = JSON.parse(
      await readFile(join(directory, '.reprise/meta', `${key}.${digest}.json`), 'utf8'),
    )
    expect(record).toMatchObject({metadata: {reprise: '1'}})
    expect((await stat(join(directory, key))).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, '-home-me/0b7e'))).mode & 0o777).toBe(0o700)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(await readdir(join(directory, '.reprise/tmp'))).toEqual([])
  })

  test('a tree that somebody copied or wrote by hand is read as it is', async () => {
    const parent = await tempDirectory()
    const store = fileStore(join(parent, 'a'))
    await store.put('p/1', bytes('one'), {mode: CREATE, metadata: {n: '1'}})
    await store.put('p/2', bytes('two'), {mode: OVERWRITE, metadata: {n: 'old'}})
    await store.put('p/2', bytes('two'), {mode: OVERWRITE, metadata: {n: '2'}})
    await cp(join(parent, 'a'), join(parent, 'b'), {recursive: true})
    await writeFile(join(parent, 'b/p/3'), 'three')
    const copy = fileStore(join(parent, 'b'))
    expect(await keysOf(copy)).toEqual(['p/1', 'p/2', 'p/3'])
    expect((await copy.head('p/1'))?.metadata).toEqual({n: '1'})
    expect((await copy.head('p/2'))?.metadata).toEqual({n: '2'})
    expect(await text(copy, 'p/3')).toBe('three')
    const {objects} = await listAll(copy, {prefix: 'p/'})
    for (const {key, etag} of objects) expect((await copy.head(key))?.etag).toBe(etag)
    const foreign = await copy.head('p/3')
    await copy.put('p/3', bytes('3'), {mode: {type: 'update', etag: foreign?.etag ?? ''}})
    expect(await text(copy, 'p/3')).toBe('3')
  })

  test('no key leads out of the root or into the store’s own folders', async () => {
    const parent = await tempDirectory()
    const directory = join(parent, 'root')
    const store = fileStore(directory)
    const keys = [
      '../out',
      'a/../../out',
      './a',
      '/abs',
      '//',
      'a//b',
      'b/',
      '..\\out',
      'C:\\x',
      '%2e%2e/out',
      '~/x',
      '...',
      '.nfs0001',
    ]
    for (const key of keys) await store.put(key, bytes(key), {mode: CREATE})
    expect(await readdir(parent)).toEqual(['root'])
    expect(new Set(await keysOf(store))).toEqual(new Set(keys))
    for (const key of keys) expect(await text(store, key)).toBe(key)
    for (const key of ['.reprise/tmp/x', '.reprise/meta/x', '.reprise/tmp', '.reprise/meta']) {
      await expect(store.put(key, bytes('x'), {mode: CREATE})).rejects.toMatchObject({code: 'KEY_INVALID'})
    }
    expect((await store.delete(['.reprise/tmp/x'])).failed).toMatchObject([{code: 'KEY_INVALID'}])
    await expect(store.put('x'.repeat(256), bytes(''), {mode: CREATE})).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: expect.stringContaining('253'),
    })
    await store.delete(keys)
    expect(await readdir(directory)).toEqual(['.reprise'])
    for (const key of ['.', '..']) {
      await store.put(key, bytes(key), {mode: CREATE})
      expect(await text(store, key)).toBe(key)
    }
    expect(await readdir(parent)).toEqual(['root'])
  })

  test('a planted link is not followed', async () => {
    const outside = await mkdtemp(join(await realpath(tmpdir()), 'reprise-outside-'))
    const directory = await tempDirectory()
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(outside, join(directory, 'folder'))
    await symlink(join(outside, 'secret'), join(directory, 'file'))
    await symlink(join(outside, 'new'), join(directory, 'dangling'))
    await mkdir(join(directory, '.reprise'))
    await symlink(outside, join(directory, '.reprise', 'meta'))
    const store = fileStore(directory)
    for (const key of ['folder/new', 'folder/secret', 'folder/deep/er', 'file', 'dangling', 'plain']) {
      for (const mode of [CREATE, OVERWRITE]) {
        await expect(store.put(key, bytes('x'), {mode})).rejects.toMatchObject({code: 'KEY_INVALID'})
      }
    }
    expect(await store.head('folder/secret')).toBeUndefined()
    expect(await store.head('file')).toBeUndefined()
    await store.delete(['folder/secret', 'file'])
    expect(await keysOf(store)).toEqual([])
    expect((await listAll(store, {prefix: 'folder/'})).objects).toEqual([])
    expect(await readdir(outside)).toEqual(['secret'])
    await rm(outside, {recursive: true})
  })

  test('a planted pipe holds nobody up', async () => {
    const directory = await tempDirectory()
    await promisify(execFile)('mkfifo', [join(directory, 'pipe')])
    const store = fileStore(directory)
    expect(await store.head('pipe')).toBeUndefined()
    expect(await keysOf(store)).toEqual([])
    await expect(store.put('pipe', bytes('x'), {mode: OVERWRITE})).rejects.toMatchObject({code: 'KEY_INVALID'})
  })

  test('an object is no folder', async () => {
    const store = fileStore(await tempDirectory())
    await store.put('a', bytes('1'), {mode: CREATE})
    await expect(store.put('a/b', bytes('2'), {mode: CREATE})).rejects.toMatchObject({code: 'KEY_INVALID'})
    await store.put('c/d', bytes('3'), {mode: CREATE})
    await expect(store.put('c', bytes('4'), {mode: CREATE})).rejects.toMatchObject({code: 'KEY_INVALID'})
    await expect(store.put('c', bytes('4'), {mode: OVERWRITE})).rejects.toMatchObject({code: 'KEY_INVALID'})
    expect(await store.head('c')).toBeUndefined()
    expect(await store.head('a/b')).toBeUndefined()
    await store.delete(['c', 'a/b', 'c/d'])
    await store.put('c', bytes('5'), {mode: CREATE})
    expect(await keysOf(store)).toEqual(['a', 'c'])
  })

  test('leftovers of crashed writers go after a day', async () => {
    const directory = await tempDirectory()
    await mkdir(join(directory, '.reprise/tmp'), {recursive: true})
    for (const [name, age] of [
      ['old', DAY + 60_000],
      ['young', DAY - 60_000],
    ] as const) {
      const path = join(directory, '.reprise/tmp', name)
      await writeFile(path, 'x')
      const then = new Date(Date.now() - age)
      await utimes(path, then, then)
    }
    await fileStore(directory).put('a', bytes('1'), {mode: CREATE})
    expect(await readdir(join(directory, '.reprise/tmp'))).toEqual(['young'])
  })

  test('dates are the disk’s, whatever this machine’s clock says', async () => {
    const store = fileStore(await tempDirectory(), {now: () => 1})
    const from = Date.now() - 2000
    const {date} = await store.put('a', bytes('1'), {mode: CREATE})
    const head = await store.head('a')
    const {date: listed} = await listAll(store, {prefix: ''})
    for (const seen of [date, head?.date ?? 0, head?.modified ?? 0, listed]) {
      expect(seen).toBeGreaterThan(from)
      expect(seen).toBeLessThan(Date.now() + 2000)
    }
  })

  test('a directory that may not be written says so', async ({skip}) => {
    if (process.getuid?.() === 0) skip('root may write everywhere')
    const directory = await tempDirectory()
    await chmod(directory, 0o500)
    await expect(fileStore(directory).put('a', bytes('1'), {mode: CREATE})).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await chmod(directory, 0o700)
  })

  test('a body that is not as long as it said is not stored', async () => {
    const store = fileStore(await tempDirectory())
    const short = {
      size: 10,
      async *open() {
        yield bytes('short')
      },
    }
    await expect(store.put('a', short, {mode: CREATE})).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    expect(await keysOf(store)).toEqual([])
  })
})
