import {createHash} from 'node:crypto'
import {isDeepStrictEqual} from 'node:util'
import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../../base/errors.js'
import type {PutOptions, PutResult} from '../object-store.js'
import type {S3Connection} from './connection.js'
import type {S3Limits, S3StoreOptions} from './options.js'
import {bareEtag, conditionParams, objectParams} from './write-params.js'

const ABORT_MS = 10_000

/** What an upload in parts is made with. */
export interface Uploader {
  readonly connection: S3Connection
  readonly options: S3StoreOptions
  readonly limits: S3Limits
}

/** An upload that has begun. */
export interface Upload extends Uploader {
  readonly key: string
  readonly id: string
  readonly put: PutOptions
}

/** What it is joined from. */
export interface Gathered {
  readonly parts: S3.CompletedPart[]
  readonly size: number
  /** Base64, of the whole object; absent where the bytes were never here. */
  readonly crc32?: string
}

/** Begins an upload, joins what `gather` has sent, and aborts it whatever fails. */
export async function inUpload(
  uploader: Uploader,
  key: string,
  put: PutOptions,
  gather: (upload: Upload) => Promise<Gathered>,
): Promise<PutResult> {
  const upload = {...uploader, key, put, id: await begin(uploader, key, put)}
  try {
    return await complete(upload, await gather(upload))
  } catch (error) {
    const aborted = abort(upload)
    if (put.signal?.aborted === true) throw put.signal.reason
    await aborted
    throw error
  }
}

async function begin({connection, options}: Uploader, key: string, put: PutOptions): Promise<string> {
  const create = async (checksum: {ChecksumAlgorithm?: 'CRC32'; ChecksumType?: 'FULL_OBJECT'}) => {
    const {UploadId} = await connection.call(
      {operation: 'CreateMultipartUpload', key, signal: put.signal},
      (client, request) =>
        client.send(
          new connection.sdk.CreateMultipartUploadCommand({
            ...connection.target,
            ...objectParams(options, put),
            ...checksum,
            Key: key,
          }),
          request,
        ),
    )
    return UploadId ?? ''
  }
  try {
    return await create({ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT'})
  } catch (error) {
    // An older server knows no checksums of whole uploads; each part still carries its own.
    if (hasCode(error, 'UNSUPPORTED')) return create({})
    throw error
  }
}

async function complete(upload: Upload, {parts, size, crc32}: Gathered): Promise<PutResult> {
  const {connection, key, id, put} = upload
  const ordered = parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
  const checksum = crc32 === undefined ? {} : {ChecksumCRC32: crc32, ChecksumType: 'FULL_OBJECT' as const}
  try {
    const output = await connection.call(
      {operation: 'CompleteMultipartUpload', key, mode: put.mode, signal: put.signal},
      (client, request) =>
        client.send(
          new connection.sdk.CompleteMultipartUploadCommand({
            ...connection.target,
            ...conditionParams(put.mode),
            ...(ordered.every((part) => part.ChecksumCRC32 !== undefined) ? checksum : {}),
            Key: key,
            UploadId: id,
            MultipartUpload: {Parts: ordered},
          }),
          request,
        ),
    )
    return {etag: bareEtag(output.ETag), date: connection.dateOf(output)}
  } catch (error) {
    const ours = mayHaveLanded(error) ? await findOurs(upload, ordered, size, crc32) : undefined
    if (ours !== undefined) return ours
    throw error
  }
}

/** A join whose answer was lost is sent again, and meets an upload that is gone, or its own object. */
function mayHaveLanded(error: unknown): boolean {
  if (hasCode(error, 'STORE_UNREACHABLE')) return error.details['s3Code'] === 'NoSuchUpload'
  return hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED') && error.details['retried'] === true
}

async function findOurs(
  {connection, key, put}: Upload,
  parts: readonly S3.CompletedPart[],
  size: number,
  crc32: string | undefined,
): Promise<PutResult | undefined> {
  const head = await connection
    .call({operation: 'HeadObject', key, signal: put.signal}, (client, request) =>
      client.send(
        new connection.sdk.HeadObjectCommand({...connection.target, Key: key, ChecksumMode: 'ENABLED'}),
        request,
      ),
    )
    .catch(() => undefined)
  if (head === undefined || head.ContentLength !== size) return undefined
  if (!isDeepStrictEqual({...head.Metadata}, {...put.metadata})) return undefined
  const etag = bareEtag(head.ETag)
  const same = crc32 !== undefined && head.ChecksumCRC32 === crc32
  return same || etag === joinedEtag(parts) ? {etag, date: connection.dateOf(head)} : undefined
}

/** The ETag that S3 gives an unencrypted join: the MD5 of its parts' MD5s. */
function joinedEtag(parts: readonly S3.CompletedPart[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(Buffer.from(bareEtag(part.ETag), 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

async function abort({connection, key, id}: Upload): Promise<void> {
  const signal = AbortSignal.timeout(ABORT_MS)
  await connection
    .call({operation: 'AbortMultipartUpload', key, signal}, (client, request) =>
      client.send(
        new connection.sdk.AbortMultipartUploadCommand({...connection.target, Key: key, UploadId: id}),
        request,
      ),
    )
    // What made the upload fail matters more, and the bucket's lifecycle rule takes what stays.
    .catch(() => undefined)
}
