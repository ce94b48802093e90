import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore, S3SessionStore, type SessionStoreOptions} from '../../src/library/session-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {sessionStoreCases, type SessionStoreTarget, targetOf} from '../support/session-store-suite.js'
import {clientFor} from '../support/strict-s3-clients.js'
import {type StrictS3, startStrictS3} from '../support/strict-s3/index.js'

const closings: Promise<unknown>[] = []

/** Several session stores share it, and each closes what it was given. */
class SharedMemory extends MemoryObjectStore {
  override async close(): Promise<void> {}
}

let server: StrictS3
let directory: string
let prefixes = 0
beforeAll(async () => {
  server = await startStrictS3()
  directory = await mkdtemp(join(tmpdir(), 'reprise-sdk-'))
})
afterAll(async () => {
  await Promise.all(closings)
  await server.close()
  await rm(directory, {recursive: true, force: true})
})

async function inMemory(options?: SessionStoreOptions): Promise<SessionStoreTarget> {
  const objectStore = new SharedMemory({clock: systemClock})
  return targetOf(() => createSessionStore({objectStore}, options), closings)
}

async function inFiles(): Promise<SessionStoreTarget> {
  const own = join(directory, String(++prefixes))
  return targetOf(() => createSessionStore(`file://${own}`), closings)
}

async function onS3(): Promise<SessionStoreTarget> {
  const prefix = `run-${++prefixes}/`
  return targetOf(() => new S3SessionStore({bucket: server.bucket, prefix, client: clientFor(server)}), closings)
}

describe.each([
  ['memory', async () => inMemory()],
  ['files', inFiles],
  ['the strict server', onS3],
] as const)('the session store on %s', (_name, open) => {
  test.each(sessionStoreCases())('$name', {timeout: 30_000}, async ({run}) => {
    await expect(run(open)).resolves.toBeUndefined()
  })
})
