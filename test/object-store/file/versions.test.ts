import {readdir, rm, stat, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {describe, expect, test} from 'vitest'
import {hasCode} from '../../../src/base/errors.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {FileObjectStore} from '../../../src/object-store/file/file-object-store.js'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE, OVERWRITE, type PutMode} from '../../../src/object-store/object-store.js'
import {bytes, fileStore, sleepingBody, tempDirectory, text} from './support.js'

const update = (etag: string): PutMode => ({type: 'update', etag})

async function versionsOf(directory: string, key: string): Promise<string[]> {
  return (await readdir(join(directory, `${key}%v`))).toSorted()
}

describe('versions of an object on disk', () => {
  test('a writer that overslept one update is refused', async () => {
    const store = fileStore(await tempDirectory())
    const {etag} = await store.put('lease', bytes('1'), {mode: CREATE})
    const slow = sleepingBody('slow')
    const late = store.put('lease', slow, {mode: update(etag)})
    await slow.sleeping
    await store.put('lease', bytes('2'), {mode: update(etag)})
    slow.wake()
    await expect(late).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    expect(await text(store, 'lease')).toBe('2')
  })

  test('a writer that overslept so long that its number is free again is not told that it won', async () => {
    const directory = await tempDirectory()
    const store = fileStore(directory)
    let {etag} = await store.put('lease', bytes('1'), {mode: CREATE})
    const slow = sleepingBody('2')
    const late = store.put('lease', slow, {mode: update(etag)})
    await slow.sleeping
    for (const content of ['2', '3', '4']) etag = (await store.put('lease', bytes(content), {mode: update(etag)})).etag
    // As an hour later: version 2 has been collected, version 3 tells what it was built on.
    await unlink(join(directory, 'lease%v/2'))
    slow.wake()
    await expect(late).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    expect(await text(store, 'lease')).toBe('4')
    expect(await versionsOf(directory, 'lease')).toEqual(['3', '4'])
  })

  test('where the next version is gone too, nobody can tell', async () => {
    const directory = await tempDirectory()
    const store = fileStore(directory)
    let {etag} = await store.put('lease', bytes('1'), {mode: CREATE})
    const slow = sleepingBody('2')
    const late = store.put('lease', slow, {mode: update(etag)})
    await slow.sleeping
    for (const content of ['2', '3', '4']) etag = (await store.put('lease', bytes(content), {mode: update(etag)})).etag
    await unlink(join(directory, 'lease%v/2'))
    await unlink(join(directory, 'lease%v/3'))
    slow.wake()
    await expect(late).rejects.toMatchObject({code: 'STORE_CONFLICT'})
    expect(await text(store, 'lease')).toBe('4')
    expect((await store.head('lease'))?.etag).toBe(etag)
  })

  test('a writer that is built upon before it looks again has won', async () => {
    const directory = await tempDirectory()
    const [first, second] = [fileStore(directory), fileStore(directory)]
    await first.put('counter', bytes('0'), {mode: CREATE})
    let won = 0
    await Promise.all(
      [first, second].map(async (store) => {
        for (let round = 0; round < 60; round++) {
          const seen = await store.head('counter')
          try {
            await store.put('counter', bytes(`${round}`), {mode: update(seen?.etag ?? '')})
            won++
          } catch (error) {
            if (!hasCode(error, 'OBJECT_CHANGED')) throw error
          }
        }
      }),
    )
    expect((await first.head('counter'))?.etag.split('-')[0]).toBe(String(won + 1))
  })

  test('a delete is not undone by a writer that slept over it', async () => {
    for (const updatesBefore of [0, 1, 3]) {
      const store = fileStore(await tempDirectory())
      let {etag} = await store.put('task', bytes('0'), {mode: CREATE})
      for (let n = 0; n < updatesBefore; n++) etag = (await store.put('task', bytes('n'), {mode: update(etag)})).etag
      const slow = sleepingBody('revived')
      const late = store.put('task', slow, {mode: update(etag)})
      await slow.sleeping
      await store.delete(['task'])
      slow.wake()
      await expect(late, `${updatesBefore} updates`).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
      expect(await store.head('task')).toBeUndefined()
      expect((await listAll(store, {prefix: ''})).objects).toEqual([])
    }
  })

  test('a create that slept over a whole life and a delete is asked to try again', async () => {
    const store = fileStore(await tempDirectory())
    const slow = sleepingBody('late')
    const late = store.put('task', slow, {mode: CREATE, metadata: {by: 'late'}})
    await slow.sleeping
    const {etag} = await store.put('task', bytes('1'), {mode: CREATE})
    await store.put('task', bytes('2'), {mode: update(etag)})
    await store.delete(['task'])
    slow.wake()
    await expect(late).rejects.toMatchObject({code: 'STORE_CONFLICT'})
    expect(await store.head('task')).toBeUndefined()
    await store.put('task', bytes('retry'), {mode: CREATE})
    expect(await text(store, 'task')).toBe('retry')
    await store.put('task', bytes('again'), {mode: OVERWRITE})
    expect(await text(store, 'task')).toBe('again')
  })

  test('old versions stay for an hour, the content of deleted objects does not', async () => {
    const directory = await tempDirectory()
    const store = fileStore(directory)
    for (const content of ['1', '2', '3', '4']) await store.put('a', bytes(content), {mode: OVERWRITE})
    expect(await versionsOf(directory, 'a')).toEqual(['2', '3', '4'])
    expect((await stat(join(directory, 'a'))).isFile()).toBe(true)
    await store.delete(['a'])
    expect(await versionsOf(directory, 'a')).toEqual(['5'])
    const names = await readdir(directory, {recursive: true})
    expect(names.filter((name) => name.endsWith('.json'))).toEqual([])
    await expect(stat(join(directory, 'a'))).rejects.toMatchObject({code: 'ENOENT'})
  })

  test('versions go when their time is over, oldest first, with their metadata; the newest stays', async () => {
    const directory = await tempDirectory()
    const store = new FileObjectStore({directory, clock: systemClock, random: systemRandom, versionLifeMs: 80})
    for (const content of ['1', '2', '3']) {
      await store.put('a', bytes(content), {mode: OVERWRITE, metadata: {v: content}})
    }
    expect(await versionsOf(directory, 'a')).toEqual(['2', '3'])
    await delay(100)
    await store.put('a', bytes('4'), {mode: OVERWRITE, metadata: {v: '4'}})
    // Version 3 was superseded just now.
    expect(await versionsOf(directory, 'a')).toEqual(['3', '4'])
    expect((await readdir(directory)).toSorted()).toEqual(['.reprise', 'a%v'])
    const records = await readdir(join(directory, '.reprise/meta'), {recursive: true})
    expect(records.filter((name) => name.endsWith('.json'))).toHaveLength(2)
    expect((await store.head('a'))?.metadata).toEqual({v: '4'})
    await expect(store.put('a', bytes('x'), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    expect((await listAll(store, {prefix: ''})).objects.map(({key, size}) => [key, size])).toEqual([['a', 1]])
  })

  test('an object that was only created leaves nothing when it is deleted', async () => {
    const directory = await tempDirectory()
    const store = fileStore(directory)
    await store.put('project/session/part-1.jsonl', bytes('{}\n'), {mode: CREATE, metadata: {reprise: '1'}})
    await store.put('project/session/part-2.jsonl', bytes('{}\n'), {mode: CREATE, metadata: {reprise: '1'}})
    await store.delete(['project/session/part-1.jsonl', 'project/session/part-2.jsonl'])
    expect((await readdir(directory, {recursive: true})).toSorted()).toEqual(['.reprise', '.reprise/tmp'])
  })

  test('create and delete exclude each other, on a fresh key and on one with a history', async () => {
    const directory = await tempDirectory()
    const clients = [1, 2, 3, 4].map(() => fileStore(directory))
    await fileStore(directory).put('old', bytes('1'), {mode: OVERWRITE})
    await fileStore(directory).put('old', bytes('2'), {mode: OVERWRITE})
    await fileStore(directory).delete(['old'])
    for (const key of ['fresh', 'old']) {
      let inside = 0
      let entered = 0
      await Promise.all(
        clients.map(async (store, client) => {
          for (let round = 0; round < 40; round++) {
            try {
              await store.put(key, bytes('mine'), {mode: CREATE, metadata: {client: String(client)}})
            } catch (error) {
              if (!hasCode(error, 'OBJECT_EXISTS', 'STORE_CONFLICT')) throw error
              continue
            }
            entered++
            expect(++inside).toBe(1)
            expect((await store.head(key))?.metadata).toEqual({client: String(client)})
            inside--
            await store.delete([key])
          }
        }),
      )
      expect(entered).toBeGreaterThan(10)
      expect(await fileStore(directory).head(key)).toBeUndefined()
    }
  })

  test('folders come and go under racing writers', async () => {
    const directory = await tempDirectory()
    const [one, two] = [fileStore(directory), fileStore(directory)]
    await Promise.all(
      [one, two].map(async (store, writer) => {
        for (let round = 0; round < 60; round++) {
          await store.put(`p/s/${writer}`, bytes(`${round}`), {mode: CREATE, metadata: {n: `${round}`}})
          expect((await store.head(`p/s/${writer}`))?.metadata).toEqual({n: `${round}`})
          expect((await store.delete([`p/s/${writer}`])).failed).toEqual([])
        }
      }),
    )
    expect((await listAll(one, {prefix: ''})).objects).toEqual([])
    await rm(directory, {recursive: true})
  })
})
