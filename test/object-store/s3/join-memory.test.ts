import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {CREATE, type JoinSource, type ObjectStore} from '../../../src/object-store/object-store.js'
import {type SpawnedStrictS3, spawnStrictS3} from '../../support/strict-s3/index.js'
import {MIB, noise, openAt} from './support.js'

let server: SpawnedStrictS3
let store: ObjectStore
let small: readonly JoinSource[]

beforeAll(async () => {
  server = await spawnStrictS3()
  store = await openAt(server)
  small = await put('small', 1000, noise(120_000))
}, 120_000)
afterAll(async () => {
  await store.close()
  await server.close()
})

async function put(name: string, count: number, bytes: Uint8Array): Promise<JoinSource[]> {
  const sources: JoinSource[] = []
  let next = 0
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      const key = `${name}/${index}`
      sources[index] = {key, size: bytes.byteLength, etag: (await store.put(key, bytes, {mode: CREATE})).etag}
    }
  }
  await Promise.all(Array.from({length: 8}, lane))
  return sources
}

/** The most bytes of buffers that were in use at once. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    return process.memoryUsage().arrayBuffers
  }
  const before = used()
  let most = 0
  const sampling = setInterval(() => void (most = Math.max(most, used() - before)), 150)
  await work().finally(() => clearInterval(sampling))
  return most
}

test.each([
  ['1,000 small sources, streamed', 0],
  ['1,000 small sources and large ones, in parts', 2],
])('memory stays flat: %s', {timeout: 120_000}, async (name, large) => {
  const sources = [...small.slice(0, 500), ...(await put(`${name}/large`, large, noise(30 * MIB))), ...small.slice(500)]
  const size = sources.reduce((sum, source) => sum + source.size, 0)
  const peak = await peakOf(async () => store.join(sources, `${name}/joined`, {mode: CREATE}))
  expect(await store.head(`${name}/joined`)).toMatchObject({size})
  expect(peak).toBeGreaterThan(MIB)
  expect(peak).toBeLessThan(56 * MIB)
})
