import {chmod, mkdir, mkdtemp, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, expect, test} from 'vitest'
import {makeDirectories} from '../../src/base/make-directories.js'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reprise-directories-'))
})

afterEach(async () => {
  await rm(root, {recursive: true, force: true})
})

test('makes what is missing, for the user alone, and leaves what is there', async () => {
  await mkdir(join(root, 'a'))
  await chmod(join(root, 'a'), 0o755)
  await makeDirectories(join(root, 'a', 'b', 'c'))
  await makeDirectories(join(root, 'a', 'b', 'c'))
  const modes = await Promise.all(
    ['a', 'a/b', 'a/b/c'].map(async (path) => (await stat(join(root, path))).mode & 0o777),
  )
  expect(modes).toEqual([0o755, 0o700, 0o700])
})

test('many at once make one directory', async () => {
  const path = join(root, 'a', 'b', 'c', 'd', 'e', 'f')
  await Promise.all(Array.from({length: 20}, async () => makeDirectories(path)))
  expect((await stat(path)).isDirectory()).toBe(true)
})

test('below a file nothing is made', async () => {
  await writeFile(join(root, 'file'), '')
  await expect(makeDirectories(join(root, 'file', 'below', 'it'))).rejects.toMatchObject({code: 'ENOTDIR'})
})

test.runIf(process.platform === 'linux')('ends where a file system takes no directory', {timeout: 5_000}, async () => {
  await expect(makeDirectories('/proc/none/such')).rejects.toMatchObject({code: 'ENOENT'})
})
