import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {BucketUploads} from '../../src/doctor/uploads.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type DeleteResult, OVERWRITE} from '../../src/object-store/object-store.js'
import {S3Connection} from '../../src/object-store/s3/connection.js'
import {settleStoreRecord} from '../../src/store/probe.js'
import {openAt} from '../object-store/s3/support.js'
import {listSession, pushLines} from '../support/compactable.js'
import {startStrictS3, type StrictS3, type StrictS3Options} from '../support/strict-s3/index.js'
import {SESSION, SyncWorker} from '../support/sync-worker.js'
import {DAY, examineAt, HOUR, storeAt} from './support.js'

class WithoutDelete extends ObjectStoreDecorator {
  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    return {failed: keys.map((key) => ({key, code: 'ACCESS_DENIED', message: 'no'})), date: Date.now()}
  }
}

interface S3Worker extends AsyncDisposable {
  readonly server: StrictS3
  readonly worker: SyncWorker
}

async function onStrictS3(options: StrictS3Options = {}, open: Parameters<typeof openAt>[1] = {}): Promise<S3Worker> {
  const server = await startStrictS3(options)
  const store = await openAt(server, open)
  const worker = await SyncWorker.start(store)
  return {
    server,
    worker,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await store.close()
      await server.close()
    },
  }
}

describe('what the store does', () => {
  test('conditions that are ignored', async () => {
    await using s3 = await onStrictS3({conditions: 'ignored'})
    expect((await examineAt(s3.worker)).told).toEqual(['warning conditions-ignored'])
  })

  test('no right to delete, and what probes left then', async () => {
    const clock = {now: Date.now()}
    const memory = storeAt(clock)
    await using a = await SyncWorker.start(new WithoutDelete(memory))
    expect((await examineAt(a)).told).toEqual(['warning delete-denied'])
    clock.now += 2 * HOUR
    await using b = await SyncWorker.start(memory)
    const probes = '.reprise/probe/'
    expect((await examineAt(b)).told).toEqual([`note probe-stale ${probes}`])
    expect((await examineAt(b, {fix: true})).told).toEqual([`note probe-stale ${probes} fixed`])
    expect((await examineAt(b)).told).toEqual([])
  })

  test('a bucket that is not there: nothing of the store is looked at', async () => {
    await using s3 = await onStrictS3({}, {bucket: 'no-such-bucket'})
    const report = await examineAt(s3.worker)
    expect(report.told).toEqual(['problem bucket-missing'])
    expect(report.error).toMatchObject({code: 'BUCKET_NOT_FOUND', kind: 'not-found'})
    expect(report.checks.filter(({state}) => state === 'skipped').length).toBeGreaterThan(5)
  })

  test('credentials that are refused, and a server that is not there', async () => {
    await using s3 = await onStrictS3({}, {credentials: {accessKeyId: 'no', secretAccessKey: 'no'}})
    expect((await examineAt(s3.worker)).findings.find(({severity}) => severity === 'problem')?.check).toBe('store')
    await s3.server.close()
    const report = await examineAt(s3.worker)
    expect(report.told).toEqual(['problem store-unreachable'])
    expect(report.error?.kind).toBe('unreachable')
  })
})

describe('what workers agreed on', () => {
  test('a record that cannot be read', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.context.store.put('.reprise/store.json', Buffer.from('{'), {mode: CREATE})
    expect((await examineAt(a)).told).toEqual(['problem store-record-damaged .reprise/store.json'])
  })

  test('another registry, and conditions that changed', async () => {
    await using s3 = await onStrictS3()
    const {store} = s3.worker.context
    await settleStoreRecord(store, systemRandom, 'dynamodb://tasks?region=eu-central-1')
    expect((await examineAt(s3.worker)).told).toEqual(['problem registry-mismatch .reprise/store.json'])
    await store.delete(['.reprise/store.json'])
    await settleStoreRecord(store, systemRandom, 'store')
    expect((await examineAt(s3.worker)).told).toEqual([])
    s3.server.settings.conditions = 'ignored'
    expect((await examineAt(s3.worker)).told).toEqual([
      'warning conditions-ignored',
      'problem conditions-changed .reprise/store.json',
    ])
  })
})

test('uploads that nobody completed are removed after a day, those of today and of others stay', async () => {
  await using s3 = await onStrictS3()
  const {server} = s3
  const {endpoint, bucket, region, accessKeyId, secretAccessKey} = server
  const credentials = {accessKeyId, secretAccessKey}
  const connection = await S3Connection.open({endpoint, bucket, region, credentials}, 's3://test')
  try {
    const uploads = new BucketUploads(connection, 'ours/')
    const begin = async (key: string) =>
      connection.call({operation: 'put', key}, async (client) =>
        client.send(new connection.sdk.CreateMultipartUploadCommand({Bucket: bucket, Key: key})),
      )
    await begin('ours/old')
    await begin('theirs/old')
    server.clock.offsetMs = 2 * DAY
    await begin('ours/new')
    expect((await examineAt(s3.worker, {uploads})).told).toContain('warning upload-stale ours/old')
    expect((await examineAt(s3.worker, {uploads, fix: true})).told).toContain('warning upload-stale ours/old fixed')
    expect((await uploads.list()).map(({key}) => key)).toEqual(['ours/new'])
    expect(await new BucketUploads(connection, 'theirs/').list()).toHaveLength(1)
  } finally {
    connection.close()
  }
})

describe('where bytes lie', () => {
  test('an archive class, with the command that restores it', async () => {
    await using s3 = await onStrictS3()
    const {store} = s3.worker.context
    await pushLines(s3.worker, 1)
    const [{key, size} = {key: '', size: 0}] = (await listSession(store)).transcripts.flatMap(({parts}) => parts)
    // As a lifecycle rule leaves it.
    const {metadata} = (await store.head(key)) ?? {metadata: {}}
    const archive = await openAt(s3.server, {storageClass: 'GLACIER'})
    await archive.put(key, Buffer.alloc(size, 'x'), {mode: OVERWRITE, metadata})
    await archive.close()
    const bucket = {name: 'b', prefix: 'agents/'}
    const {findings} = await examineAt(s3.worker, {facts: {store: {isDefault: false, bucket}}})
    expect(findings.find(({code}) => code === 'storage-archived')).toMatchObject({
      severity: 'problem',
      subject: SESSION,
      mend: `aws s3api restore-object --bucket b --key agents/${key} --restore-request 'Days=7,GlacierJobParameters={Tier=Standard}'`,
    })
  })

  test('Object Lock', async () => {
    await using s3 = await onStrictS3({retentionMs: DAY})
    await pushLines(s3.worker, 2)
    expect((await examineAt(s3.worker)).findings.map(({code}) => code)).toContain('object-locked')
    await using plain = await onStrictS3()
    await pushLines(plain.worker, 2)
    expect((await examineAt(plain.worker)).told).toEqual([])
  })
})
