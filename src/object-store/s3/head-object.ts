import {isDeepStrictEqual} from 'node:util'
import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../../base/errors.js'
import type {ObjectHead, PutOptions} from '../object-store.js'
import type {Call, S3Connection} from './connection.js'
import {bareEtag} from './write-params.js'

/** @returns undefined when there is no such object */
export async function headObject(
  connection: S3Connection,
  key: string,
  request: Pick<Call, 'signal' | 'repeats'>,
): Promise<S3.HeadObjectCommandOutput | undefined> {
  const {sdk, target} = connection
  try {
    return await connection.call({operation: 'HeadObject', key, ...request}, (client, options) =>
      client.send(new sdk.HeadObjectCommand({...target, Key: key, ChecksumMode: 'ENABLED'}), options),
    )
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  }
}

/**
 * After a condition failed that an earlier try of the same write may have failed by landing: the object there, when it has the
 * write's metadata and what `isOurs` looks at. Never fails: the refusal stands then.
 */
export async function findLanded(
  connection: S3Connection,
  key: string,
  {metadata, signal}: PutOptions,
  isOurs: (head: S3.HeadObjectCommandOutput) => boolean,
): Promise<S3.HeadObjectCommandOutput | undefined> {
  const head = await headObject(connection, key, {signal, repeats: true}).catch(() => undefined)
  if (head === undefined || !isOurs(head) || !isDeepStrictEqual({...head.Metadata}, {...metadata})) return undefined
  return head
}

export function objectHead(connection: S3Connection, key: string, output: S3.HeadObjectCommandOutput): ObjectHead {
  const date = connection.dateOf(output)
  return {
    key,
    size: output.ContentLength ?? 0,
    etag: bareEtag(output.ETag),
    modified: output.LastModified?.getTime() ?? 0,
    metadata: {...output.Metadata},
    ...(output.ContentType === undefined ? {} : {contentType: output.ContentType}),
    ...(output.StorageClass === undefined ? {} : {storageClass: output.StorageClass}),
    ...(isLocked(output, date) ? {locked: true} : {}),
    date,
  }
}

function isLocked(head: S3.HeadObjectCommandOutput, date: number): boolean {
  const isRetained = head.ObjectLockMode !== undefined && (head.ObjectLockRetainUntilDate?.getTime() ?? 0) > date
  return isRetained || head.ObjectLockLegalHoldStatus === 'ON'
}
