import {join} from 'node:path'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {FileObjectStore} from '../../../src/object-store/file/file-object-store.js'
import {listAll} from '../../../src/object-store/list-all.js'
import type {ObjectStore} from '../../../src/object-store/object-store.js'
import {PrefixedObjectStore} from '../../../src/object-store/prefixed.js'
import {openAt} from '../../object-store/s3/support.js'
import {startStrictS3, type StrictS3} from '../../support/strict-s3/index.js'

export type PlaceName = 'file' | 's3'

/** Where sessions are stored in a test: how reprise is told, and the test's own way in. */
export interface Place extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  readonly store: ObjectStore
  /** Of an S3 place, to do harm with. */
  readonly server?: StrictS3
}

export async function openPlace(name: PlaceName, root: string): Promise<Place> {
  return name === 'file' ? openDirectory(join(root, 'store')) : openBucket()
}

async function openDirectory(directory: string): Promise<Place> {
  const store = new FileObjectStore({directory, clock: systemClock, random: systemRandom})
  return {env: {REPRISE_STORE: directory}, store, [Symbol.asyncDispose]: async () => store.close()}
}

async function openBucket(): Promise<Place> {
  const server = await startStrictS3()
  const url = `s3://${server.bucket}/transcripts/`
  const bucket = await openAt(server)
  return {
    env: {
      REPRISE_STORE: url,
      REPRISE_ENDPOINT_URL: server.endpoint,
      REPRISE_REGION: server.region,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    },
    store: new PrefixedObjectStore(bucket, 'transcripts/', url),
    server,
    async [Symbol.asyncDispose]() {
      await bucket.close()
      await server.close()
    },
  }
}

export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  return (await listAll(store, {prefix})).objects.map(({key}) => key)
}

export async function textOf(store: ObjectStore, key: string): Promise<string> {
  const {body} = await store.get(key)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
