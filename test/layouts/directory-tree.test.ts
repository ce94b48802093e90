import {symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {DirectoryTree} from '../../src/layouts/directory-tree.js'
import {listAll} from '../../src/object-store/list-all.js'
import {makeDirectory} from './support/foreign.js'

const FILES = {'a/b/one.txt': 'one', 'a/two.txt': 'two', 'three.txt': 'three'}

async function read(tree: DirectoryTree, key: string, range?: {start: number; end?: number}): Promise<string> {
  const {body} = await tree.get(key, range && {range})
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('a directory as a tree', () => {
  test('is listed whole, below a prefix, and level by level', async () => {
    await using directory = await makeDirectory(FILES)
    const tree = new DirectoryTree(directory.path)
    const keys = async (prefix: string) => (await listAll(tree, {prefix})).objects.map(({key}) => key)
    expect(await keys('')).toEqual(['a/b/one.txt', 'a/two.txt', 'three.txt'])
    expect(await keys('a/b/')).toEqual(['a/b/one.txt'])
    expect(await keys('no/such/')).toEqual([])
    const {objects, prefixes} = await listAll(tree, {prefix: 'a/', delimiter: '/'})
    expect([objects.map(({key, size}) => [key, size]), prefixes]).toEqual([[['a/two.txt', 3]], ['a/b/']])
  })

  test('is read whole and in ranges; a file that changed since is not taken for the one that was listed', async () => {
    await using directory = await makeDirectory(FILES)
    const tree = new DirectoryTree(directory.path)
    expect(await read(tree, 'three.txt')).toBe('three')
    expect(await read(tree, 'three.txt', {start: 1, end: 3})).toBe('hr')
    expect(await read(tree, 'three.txt', {start: 3, end: 99})).toBe('ee')
    const {etag} = await tree.get('three.txt')
    await writeFile(join(directory.path, 'three.txt'), 'changed')
    await expect(tree.get('three.txt', {ifMatch: etag})).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    await expect(tree.get('three.txt', {range: {start: 7}})).rejects.toMatchObject({code: 'RANGE_INVALID'})
    await expect(tree.get('four.txt')).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
  })

  test('follows no link and climbs nowhere', async () => {
    await using outside = await makeDirectory({'secret/key.txt': 'secret'})
    await using directory = await makeDirectory(FILES)
    await symlink(join(outside.path, 'secret'), join(directory.path, 'a', 'linked'))
    await symlink(join(outside.path, 'secret/key.txt'), join(directory.path, 'a', 'file.txt'))
    const tree = new DirectoryTree(directory.path)
    const {objects} = await listAll(tree, {prefix: ''})
    expect(objects.map(({key}) => key)).toEqual(['a/b/one.txt', 'a/two.txt', 'three.txt'])
    expect((await listAll(tree, {prefix: 'a/linked/'})).objects).toEqual([])
    const up = `../${outside.path.split('/').at(-1)}/secret/key.txt`
    for (const key of ['a/linked/key.txt', 'a/file.txt', up, '/etc/hostname', 'a/../three.txt', '']) {
      await expect(tree.get(key)).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    }
  })

  test('that is not there is empty; one that is reached through a link is what the link leads to', async () => {
    await using directory = await makeDirectory(FILES)
    expect((await listAll(new DirectoryTree(join(directory.path, 'none')), {prefix: ''})).objects).toEqual([])
    const link = join(directory.path, 'link')
    await symlink(join(directory.path, 'a'), link)
    expect(await read(new DirectoryTree(link), 'two.txt')).toBe('two')
  })
})
