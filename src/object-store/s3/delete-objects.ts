import type * as S3 from '@aws-sdk/client-s3'
import {hasCode, toRepriseError} from '../../base/errors.js'
import {maskSecrets} from '../../base/mask.js'
import type {DeleteResult} from '../object-store.js'
import type {S3Connection} from './connection.js'
import {runLanes} from './lanes.js'
import {codeByName} from './s3-error.js'

/** S3's limit. */
const BATCH = 1000
const BATCH_LANES = 4
const SINGLE_LANES = 16

type Failed = DeleteResult['failed'][number]

/** What XML 1.0 cannot carry, or changes on the way: such keys are deleted one by one. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const NOT_FOR_XML = /[\u0000-\u001f\ufffe\uffff]/

/** Deletes in batches; where the server knows none, one by one. */
export async function deleteObjects(
  connection: S3Connection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteResult> {
  const failed: Failed[] = []
  let date = 0
  const single = keys.filter((key) => NOT_FOR_XML.test(key))
  const batches = chunked(
    keys.filter((key) => !NOT_FOR_XML.test(key)),
    BATCH,
  )
  await runLanes(Math.min(BATCH_LANES, batches.length), signal, async (signal) => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      try {
        const result = await deleteBatch(connection, batch, signal)
        failed.push(...result.failed)
        date = Math.max(date, result.date)
      } catch (error) {
        if (!refusesBatches(error)) throw error
        single.push(...batch, ...batches.splice(0).flat())
      }
    }
  })
  await runLanes(Math.min(SINGLE_LANES, single.length), signal, async (signal) => {
    for (let key = single.pop(); key !== undefined; key = single.pop()) {
      const result = await deleteOne(connection, key, signal)
      failed.push(...result.failed)
      date = Math.max(date, result.date)
    }
  })
  return {failed, date}
}

async function deleteBatch(
  connection: S3Connection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<DeleteResult> {
  const output = await connection.call({operation: 'DeleteObjects', signal}, (client, request) =>
    client.send(
      new connection.sdk.DeleteObjectsCommand({
        ...connection.target,
        Delete: {Objects: keys.map((Key) => ({Key})), Quiet: true},
      }),
      request,
    ),
  )
  return {failed: (output.Errors ?? []).flatMap(failedKey), date: connection.dateOf(output)}
}

function failedKey({Key = '', Code = '', Message = ''}: S3._Error): Failed[] {
  const code = codeByName(Code) ?? 'UNSUPPORTED'
  return code === 'OBJECT_NOT_FOUND' ? [] : [{key: Key, code, message: maskSecrets(`${Code}: ${Message}`)}]
}

async function deleteOne(connection: S3Connection, key: string, signal: AbortSignal): Promise<DeleteResult> {
  try {
    const output = await connection.call({operation: 'DeleteObject', key, signal}, (client, request) =>
      client.send(new connection.sdk.DeleteObjectCommand({...connection.target, Key: key}), request),
    )
    return {failed: [], date: connection.dateOf(output)}
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return {failed: [], date: 0}
    // The way to the store or the right to use it is gone: that holds for every other key too.
    if (!hasCode(error, 'ACCESS_DENIED', 'KEY_INVALID', 'UNSUPPORTED', 'STORE_CONFLICT')) throw error
    const {code, message} = toRepriseError(error)
    return {failed: [{key, code, message}], date: 0}
  }
}

function refusesBatches(error: unknown): boolean {
  if (!hasCode(error, 'UNSUPPORTED')) return false
  const {status, s3Code} = error.details
  return status === 501 || status === 405 || s3Code === 'MissingContentMD5' || s3Code === 'MalformedXML'
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size))
  return chunks
}
