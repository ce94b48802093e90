import {mkdir, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {listAll} from '../../../src/object-store/list-all.js'
import {Lookups} from '../../../src/object-store/file/lookups.js'
import {OVERWRITE} from '../../../src/object-store/object-store.js'
import {fileStore, tempDirectory} from './support.js'

/** Each look at it is this much later (ms). */
function clockOf(step: number) {
  let at = 0
  return {now: () => (at += step)}
}

describe.each([
  ['at hand', 0],
  ['slow', 5],
])('a disk that is %s', (_, step) => {
  test('answers in the order of the paths, and undefined for what is not there', async () => {
    const directory = await tempDirectory()
    const names = Array.from({length: 100}, (_each, at) => `f${at}`)
    await Promise.all(
      names.filter((name) => !name.endsWith('7')).map(async (name) => writeFile(join(directory, name), name)),
    )
    await mkdir(join(directory, 'd'))
    await writeFile(join(directory, 'd/in'), '')
    const lookups = new Lookups(clockOf(step))
    const stats = await lookups.stats([...names, 'f1/below'].map((name) => join(directory, name)))
    expect(stats.map((each) => each?.size)).toEqual([
      ...names.map((name) => (name.endsWith('7') ? undefined : name.length)),
      undefined,
    ])
    const entries = await lookups.entries(['d', 'none', 'f1'].map((name) => join(directory, name)))
    expect(entries.map((each) => each?.map(({name}) => name))).toEqual([['in'], undefined, undefined])
    await expect(lookups.stats([join(directory, 'x'.repeat(300))])).rejects.toMatchObject({code: 'ENAMETOOLONG'})
    expect(await lookups.stats([])).toEqual([])
  })

  test('lists each object as its newest version, as a look at it alone shows it, and none that was deleted', async () => {
    const directory = await tempDirectory()
    const store = fileStore(directory, clockOf(step))
    const put = async (key: string, text: string) => store.put(key, Buffer.from(text), {mode: OVERWRITE})
    for (const key of ['p/once', 'p/twice', 'p/gone', 'p/thrice', 'top']) await put(key, 'one')
    for (const key of ['p/twice', 'p/gone', 'p/thrice', 'top']) await put(key, 'more')
    await put('p/thrice', 'and more')
    await store.delete(['p/gone'])
    await writeFile(join(directory, 'p/by-hand'), 'hand')
    const {objects} = await listAll(store, {prefix: ''})
    expect(objects.map(({key}) => key)).toEqual(['p/by-hand', 'p/once', 'p/thrice', 'p/twice', 'top'])
    for (const object of objects) expect(await store.head(object.key)).toMatchObject(object)
    expect(objects.map(({size}) => size)).toEqual([4, 3, 8, 4, 4])
  })

  test('rolls up folders that hold an object, not links and not what is empty', async () => {
    const directory = await tempDirectory()
    const outside = await tempDirectory()
    await writeFile(join(outside, 'object'), '')
    for (const folder of ['p/flat', 'p/deep/er/still', 'p/empty', 'p/hollow/er']) {
      await mkdir(join(directory, folder), {recursive: true})
    }
    await writeFile(join(directory, 'p/flat/object'), '')
    await writeFile(join(directory, 'p/deep/er/still/object'), '')
    await symlink(outside, join(directory, 'p/link'))
    await symlink(outside, join(directory, 'p/hollow/link'))
    const store = fileStore(directory, clockOf(step))
    expect((await listAll(store, {prefix: 'p/', delimiter: '/'})).prefixes).toEqual(['p/deep/', 'p/flat/'])
    expect((await listAll(store, {prefix: '', delimiter: '/'})).prefixes).toEqual(['p/'])
    const after = await listAll(store, {prefix: 'p/', delimiter: '/', startAfter: 'p/deep/er/still/object'})
    expect(after.prefixes).toEqual(['p/flat/'])
  })
})
