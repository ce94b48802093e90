import {createHash} from 'node:crypto'
import type * as S3 from '@aws-sdk/client-s3'
import type {ByteBudget} from '../../base/byte-budget.js'
import {hasCode} from '../../base/errors.js'
import type {PutOptions} from '../object-store.js'
import type {S3Connection} from './connection.js'
import {findLanded} from './head-object.js'
import type {S3Limits, S3StoreOptions} from './options.js'
import {bareEtag} from './write-params.js'

const MAX_PARTS = 10_000
const ABORT_MS = 10_000

/** What an upload in parts is made with. */
export interface Uploader {
  readonly connection: S3Connection
  readonly options: S3StoreOptions
  readonly limits: S3Limits
  /** For bodies that come as streams, all of this store's together. */
  readonly budget: ByteBudget
}

/** The object that an upload is to become. */
export interface Expected {
  readonly put: PutOptions
  readonly size: number
  /** Base64, of the whole object; absent where the bytes were never here. */
  readonly crc32?: string
}

/** As wanted, or what it takes to fit the object into the parts that an upload may have. */
export function partSize(size: number, wanted: number): number {
  return Math.max(wanted, Math.ceil(size / MAX_PARTS))
}

/**
 * Begins an upload whose object gets a CRC-32 of the whole. It cannot be aborted: an upload that began without our
 * learning its id would stay.
 */
export async function beginUpload(
  {connection}: Uploader,
  input: S3.CreateMultipartUploadCommandInput,
): Promise<S3.CreateMultipartUploadCommandOutput> {
  const begin = (checksum: Pick<typeof input, 'ChecksumAlgorithm' | 'ChecksumType'>) =>
    connection.call({operation: 'CreateMultipartUpload', ...keyOf(input), repeats: true}, (client, request) =>
      client.send(new connection.sdk.CreateMultipartUploadCommand({...input, ...checksum}), request),
    )
  try {
    return await begin({ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT'})
  } catch (error) {
    // An older server knows no checksums of whole uploads; each part still carries its own.
    if (hasCode(error, 'UNSUPPORTED')) return begin({ChecksumAlgorithm: undefined, ChecksumType: undefined})
    throw error
  }
}

/**
 * Joins the parts under the condition and the checksum of the whole. When the answer got lost and the object there is the
 * one expected, this succeeds, with the answer to a HEAD.
 */
export async function completeUpload(
  uploader: Uploader,
  input: S3.CompleteMultipartUploadCommandInput,
  expected: Expected,
): Promise<S3.CompleteMultipartUploadCommandOutput | S3.HeadObjectCommandOutput> {
  const {connection} = uploader
  const {crc32, put, size} = expected
  const parts = input.MultipartUpload?.Parts ?? []
  const hasChecksums = crc32 !== undefined && parts.every((part) => part.ChecksumCRC32 !== undefined)
  const {mode, signal} = put
  const call = {operation: 'CompleteMultipartUpload', ...keyOf(input), mode, signal, repeats: true}
  try {
    return await connection.call(call, (client, request) =>
      client.send(
        new connection.sdk.CompleteMultipartUploadCommand({
          ...input,
          MpuObjectSize: size,
          ...(hasChecksums ? {ChecksumCRC32: crc32, ChecksumType: 'FULL_OBJECT'} : {}),
        }),
        request,
      ),
    )
  } catch (error) {
    const ours = mayHaveLanded(error, put) ? await findOurs(uploader, input, expected) : undefined
    if (ours === undefined) throw error
    // What landed was another upload's, when all was sent again.
    const {Bucket, Key, UploadId} = input
    await abortUpload(uploader, {Bucket, Key, UploadId})
    return ours
  }
}

/** Parts that nobody joins cost money and are not listed. Never fails: what made the upload fail matters more. */
export async function abortUpload(
  {connection}: Uploader,
  input: S3.AbortMultipartUploadCommandInput,
): Promise<S3.AbortMultipartUploadCommandOutput> {
  const signal = AbortSignal.timeout(ABORT_MS)
  const call = {operation: 'AbortMultipartUpload', ...keyOf(input), signal, repeats: true}
  return (
    connection
      .call(call, (client, request) =>
        client.send(new connection.sdk.AbortMultipartUploadCommand({...input, ...connection.target}), request),
      )
      // What stays, the bucket's lifecycle rule takes.
      .catch(() => ({$metadata: {}}))
  )
}

/** A join whose answer was lost is sent again, alone or with all its upload, and meets an upload that is gone, or its own object. */
function mayHaveLanded(error: unknown, {retried}: PutOptions): boolean {
  if (hasCode(error, 'STORE_UNREACHABLE')) return error.details['s3Code'] === 'NoSuchUpload'
  return hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED') && (retried === true || error.details['retried'] === true)
}

async function findOurs(
  {connection}: Uploader,
  {Key = '', MultipartUpload}: S3.CompleteMultipartUploadCommandInput,
  {put, size, crc32}: Expected,
): Promise<S3.HeadObjectCommandOutput | undefined> {
  return findLanded(connection, Key, put, (head) => {
    if (head.ContentLength !== size) return false
    const hasOurBytes = crc32 !== undefined && head.ChecksumCRC32 === crc32
    return hasOurBytes || bareEtag(head.ETag) === joinedEtag(MultipartUpload?.Parts ?? [])
  })
}

/** The ETag that S3 gives an unencrypted join: the MD5 of its parts' MD5s. */
function joinedEtag(parts: readonly S3.CompletedPart[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(Buffer.from(bareEtag(part.ETag), 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

function keyOf({Key}: {readonly Key: string | undefined}): {key?: string} {
  return Key === undefined ? {} : {key: Key}
}
