import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import type {SessionListing} from '../../src/store/parts.js'
import {Parts} from '../../src/store/parts.js'
import {readDelivery} from '../../src/store/read-delivery.js'
import {viewTranscript} from '../../src/store/view.js'
import {pushSession} from '../../src/sync/push-session.js'
import {openAt} from '../object-store/s3/support.js'
import {loadReference} from './reference-adapter.js'
import {startStrictS3} from './strict-s3/index.js'
import {message, SESSION, type SyncWorker} from './sync-worker.js'

export const HOME = '-a'
export const REF = {homeKey: HOME, sessionId: SESSION}
export const SUBPATH = 'subagents/agent-1'

/** `express`: a directory bucket, which lists in no order, and after no key. */
export type StoreKind = 'memory' | 'file' | 's3' | 'express'
export const STORE_KINDS: readonly StoreKind[] = ['memory', 'file', 's3', 'express']

export interface OpenedStore extends AsyncDisposable {
  readonly store: ObjectStore
}

export async function openStoreOf(kind: StoreKind): Promise<OpenedStore> {
  if (kind === 'memory') {
    return {store: new MemoryObjectStore({clock: systemClock}), [Symbol.asyncDispose]: async () => undefined}
  }
  if (kind === 'file') {
    const directory = await mkdtemp(join(tmpdir(), 'reprise-compact-'))
    const store = new FileObjectStore({directory, clock: systemClock, random: systemRandom})
    return {store, [Symbol.asyncDispose]: async () => rm(directory, {recursive: true, force: true})}
  }
  const server = await startStrictS3({directoryBucket: kind === 'express'})
  const store = await openAt(server)
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close()
      await server.close()
    },
  }
}

/** Pushes a session again with each line: a part a line. @returns the transcript. */
export async function pushLines(worker: SyncWorker, count: number, subpath?: string): Promise<string> {
  let text = ''
  for (let line = 0; line < count; line++) {
    text += message(`${subpath ?? 'main'}-${line}`)
    await worker.write(HOME, text, SESSION, subpath)
    await pushSession(worker.context, await worker.session())
  }
  return text
}

export async function listSession(store: ObjectStore): Promise<SessionListing> {
  return new Parts(store).listSession(REF)
}

export async function countParts(store: ObjectStore, subpath?: string): Promise<number> {
  return (await listSession(store)).transcripts.find(({ref}) => ref.subpath === subpath)?.parts.length ?? 0
}

/** What our readers are given. */
export async function delivered(store: ObjectStore, subpath?: string): Promise<string> {
  const parts = new Parts(store)
  const view = await viewTranscript(parts, {...REF, ...(subpath !== undefined && {subpath})})
  const chunks: Uint8Array[] = []
  for await (const chunk of readDelivery(view, parts)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What a reader of the layout is given that knows nothing of reprise. */
export async function referenceLines(store: ObjectStore, subpath?: string): Promise<string> {
  const key = {projectKey: HOME, sessionId: SESSION, ...(subpath !== undefined && {subpath})}
  return (await loadReference(store, key)).map((line) => `${line}\n`).join('')
}
