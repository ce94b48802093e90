import type * as S3 from '@aws-sdk/client-s3'
import {bodySize, type ObjectBody, type ObjectHead, type PutOptions, type PutResult} from '../object-store.js'
import {runLanes} from './lanes.js'
import type {S3Limits} from './options.js'
import {PartSource} from './part-source.js'
import {inUpload, type Upload, type Uploader} from './upload.js'
import {copySource, quoted} from './write-params.js'

const MAX_PARTS = 10_000
const LANES = 2
const COPY_LANES = 4

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

function partSize(size: number, wanted: number): number {
  return Math.max(wanted, Math.ceil(size / MAX_PARTS))
}

function base64Crc(crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
