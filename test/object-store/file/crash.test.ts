import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdir, symlink, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {promisify} from 'node:util'
import {describe, expect, test} from 'vitest'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE} from '../../../src/object-store/object-store.js'
import {bytes, fileStore, tempDirectory, text} from './support.js'

/** Writes parts and counts a record up for as long as it lives; says what it got acknowledged. */
const WRITER = `
import {FileObjectStore} from './built/object-store/file/file-object-store.js'
import {systemClock as clock, systemRandom as random} from './built/base/system.js'
const [directory, name] = process.argv.slice(2)
const store = new FileObjectStore({directory, clock, random})
const encode = (text) => new TextEncoder().encode(text)
let etag = (await store.head('record-' + name))?.etag
for (let n = 0; ; n++) {
  const line = JSON.stringify({name, n, pad: 'x'.repeat(200000)}) + '\\n'
  await store.put('p/' + name + '/part-' + n, encode(line), {mode: {type: 'create'}, metadata: {n: String(n), size: String(line.length)}})
  const mode = etag === undefined ? {type: 'create'} : {type: 'update', etag}
  etag = (await store.put('record-' + name, encode(String(n)), {mode, metadata: {n: String(n)}})).etag
  console.log(n)
}
`

async function build(directory: string): Promise<string> {
  const root = resolve(import.meta.dirname, '../../..')
  const options = ['--ignoreConfig', '--noCheck', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
  const sources = ['object-store/file/file-object-store.ts', 'base/system.ts'].map((name) => join(root, 'src', name))
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), [
    ...options,
    '--rootDir',
    join(root, 'src'),
    '--outDir',
    join(directory, 'built'),
    ...sources,
  ])
  const writer = join(directory, 'writer.js')
  await writeFile(writer, WRITER)
  await writeFile(join(directory, 'package.json'), '{"type": "module"}')
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  return writer
}

/** Lets the writer run for so long (ms) after its first acknowledgement, kills it, and says what it acknowledged last. */
async function killed(writer: string, directory: string, name: string, after: number): Promise<number> {
  const child = spawn(process.execPath, [writer, directory, name], {stdio: ['ignore', 'pipe', 'inherit']})
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  await delay(after)
  child.kill('SIGKILL')
  await closed
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1))
}

describe('kill -9 in the middle of writes', () => {
  test('what is listed is whole, what was acknowledged is there', async () => {
    const parent = await tempDirectory()
    const directory = join(parent, 'store')
    const writer = await build(parent)
    for (let round = 0; round < 6; round++) {
      const name = `w${round}`
      const last = await killed(writer, directory, name, 20 + round * 17)
      const store = fileStore(directory)
      const {objects} = await listAll(store, {prefix: `p/${name}/`})
      expect(objects.length).toBeGreaterThan(last)
      for (const {key, size, etag} of objects) {
        const head = await store.head(key)
        expect(head?.metadata).toEqual({n: key.split('-').at(-1), size: String(size)})
        expect(head?.etag).toBe(etag)
        const line: unknown = JSON.parse(await text(store, key))
        expect(line).toMatchObject({name})
      }
      expect(Number(await text(store, `record-${name}`))).toBeGreaterThanOrEqual(last)
      // Whatever the crash left, the next writer gets on.
      const key = `p/${name}/part-${objects.length}`
      await store.put(key, bytes('next'), {mode: CREATE, metadata: {n: 'next'}})
      expect((await store.head(key))?.metadata).toEqual({n: 'next'})
      const seen = await store.head(`record-${name}`)
      await store.put(`record-${name}`, bytes('next'), {mode: {type: 'update', etag: seen?.etag ?? ''}})
      expect(await text(store, `record-${name}`)).toBe('next')
    }
    expect((await readdir(join(directory, '.reprise/tmp'))).length).toBeLessThanOrEqual(6)
  }, 60_000)
})
