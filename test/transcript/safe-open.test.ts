import {execFileSync} from 'node:child_process'
import {link, mkdir, mkdtemp, rename, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, expect, it} from 'vitest'
import {openPlainFile} from '../../src/transcript/safe-open.js'

const owner = process.getuid?.()

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reprise-open-'))
})
afterEach(() => rm(dir, {recursive: true, force: true}))

it('gives a handle and what it reads, even when the path stands for something else by then', async () => {
  const path = join(dir, 'a.jsonl')
  await writeFile(path, 'before')
  await link(path, join(dir, 'second'))
  const {handle, file} = await openPlainFile(path, {owner})
  await writeFile(join(dir, 'b'), 'after!!')
  await rename(join(dir, 'b'), path)
  expect(file).toMatchObject({path, size: 6, nlink: 2})
  expect(await handle.readFile('utf8')).toBe('before')
  await handle.close()
})

it('follows no link, not even to a file of the owner', async () => {
  await writeFile(join(dir, 'target'), 'x')
  await symlink(join(dir, 'target'), join(dir, 'link'))
  await expect(openPlainFile(join(dir, 'link'), {owner})).rejects.toMatchObject({code: 'FILE_NOT_PLAIN'})
})

it('refuses a pipe at once instead of waiting for its writer', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')])
  await expect(openPlainFile(join(dir, 'pipe'), {owner})).rejects.toMatchObject({code: 'FILE_NOT_PLAIN'})
})

it('refuses a directory, a device, and the file of another user', async () => {
  await mkdir(join(dir, 'x.jsonl'))
  await writeFile(join(dir, 'a'), '')
  await expect(openPlainFile(join(dir, 'x.jsonl'), {owner})).rejects.toMatchObject({code: 'FILE_NOT_PLAIN'})
  await expect(openPlainFile('/dev/null', {owner: 0})).rejects.toMatchObject({code: 'FILE_NOT_PLAIN'})
  await expect(openPlainFile(join(dir, 'a'), {owner: 12345})).rejects.toMatchObject({code: 'FILE_NOT_PLAIN'})
})

it('tells a file that is not there from one that cannot be read', async () => {
  await expect(openPlainFile(join(dir, 'none'), {owner})).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
    kind: 'not-found',
  })
  await writeFile(join(dir, 'a'), '')
  await expect(openPlainFile(join(dir, 'a', 'b'), {owner})).rejects.toMatchObject({code: 'FILE_NOT_FOUND'})
})
