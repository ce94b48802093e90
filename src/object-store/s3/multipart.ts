import {createHash} from 'node:crypto'
import {isDeepStrictEqual} from 'node:util'
import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../../base/errors.js'
import {bodySize, type ObjectBody, type ObjectHead, type PutOptions, type PutResult} from '../object-store.js'
import type {S3Connection} from './connection.js'
import {runLanes} from './lanes.js'
import type {S3Limits, S3StoreOptions} from './options.js'
import {PartSource} from './part-source.js'
import {bareEtag, conditionParams, copySource, objectParams, quoted} from './write-params.js'

const MAX_PARTS = 10_000
const LANES = 2
const COPY_LANES = 4
const ABORT_MS = 10_000

/** What an upload in parts is made with. */
export interface Uploader {
  readonly connection: S3Connection
  readonly options: S3StoreOptions
  readonly limits: S3Limits
}

interface Upload extends Uploader {
  readonly key: string
  readonly id: string
  readonly put: PutOptions
}

interface Gathered {
  readonly parts: S3.CompletedPart[]
  readonly size: number
  /** Base64, of the whole object; absent where the bytes were never here. */
  readonly crc32?: string
}

/** Bytes that {@link putInParts} holds in memory of a body that comes as a stream. */
export function bufferedByUpload(size: number, limits: S3Limits): number {
  return LANES * partSize(size, limits.part)
}

/**
 * Uploads a body in parts, each with its CRC-32, joined under the condition with the CRC-32 of the whole. Whatever fails,
 * the upload is aborted: parts that nobody joins cost money and are not listed.
 */
export async function putInParts(
  uploader: Uploader,
  key: string,
  body: ObjectBody,
  put: PutOptions,
): Promise<PutResult> {
  const size = bodySize(body)
  const length = partSize(size, uploader.limits.part)
  return inUpload(uploader, key, put, async (upload) => {
    const source = new PartSource(key, body, length)
    const parts: S3.CompletedPart[] = []
    try {
      await runLanes(LANES, put.signal, async (signal) => {
        const buffer = Buffer.allocUnsafeSlow(body instanceof Uint8Array ? 0 : length)
        for (let part = await source.next(buffer); part !== undefined; part = await source.next(buffer)) {
          signal.throwIfAborted()
          parts.push(await uploadPart(upload, part.number, part.bytes, signal))
        }
      })
    } finally {
      await source.close()
    }
    return {parts, size, crc32: base64Crc(source.crc)}
  })
}

/** Copies an object that is too large for one CopyObject, inside the store. */
export async function copyInParts(
  uploader: Uploader,
  source: ObjectHead,
  target: string,
  put: PutOptions,
): Promise<PutResult> {
  const {size} = source
  const length = partSize(size, uploader.limits.copyPart)
  const count = Math.ceil(size / length)
  return inUpload(uploader, target, put, async (upload) => {
    const parts: S3.CompletedPart[] = []
    let next = 1
    await runLanes(Math.min(COPY_LANES, count), put.signal, async (signal) => {
      while (next <= count) {
        const number = next++
        parts.push(
          await copyPart(upload, source, number, (number - 1) * length, Math.min(number * length, size), signal),
        )
      }
    })
    return {parts, size}
  })
}

async function inUpload(
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

async function uploadPart(
  {connection, key, id}: Upload,
  number: number,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<S3.CompletedPart> {
  const {ETag, ChecksumCRC32} = await connection.call({operation: 'UploadPart', key, signal}, (client, request) =>
    client.send(
      new connection.sdk.UploadPartCommand({
        ...connection.target,
        Key: key,
        UploadId: id,
        PartNumber: number,
        Body: bytes,
        ContentLength: bytes.byteLength,
        ChecksumAlgorithm: 'CRC32',
      }),
      request,
    ),
  )
  return {PartNumber: number, ETag, ChecksumCRC32}
}

async function copyPart(
  {connection, options, key, id}: Upload,
  source: ObjectHead,
  number: number,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<S3.CompletedPart> {
  const {CopyPartResult} = await connection.call(
    {operation: 'UploadPartCopy', key: source.key, signal},
    (client, request) =>
      client.send(
        new connection.sdk.UploadPartCopyCommand({
          ...connection.target,
          Key: key,
          UploadId: id,
          PartNumber: number,
          CopySource: copySource(options.bucket, source.key),
          CopySourceRange: `bytes=${start}-${end - 1}`,
          CopySourceIfMatch: quoted(source.etag),
        }),
        request,
      ),
  )
  return {PartNumber: number, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32}
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

function partSize(size: number, wanted: number): number {
  return Math.max(wanted, Math.ceil(size / MAX_PARTS))
}

function base64Crc(crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
