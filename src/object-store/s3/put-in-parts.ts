import {Readable} from 'node:stream'
import type * as S3 from '@aws-sdk/client-s3'
import {bodySize, type ObjectBody, type PutOptions, type PutResult} from '../object-store.js'
import {CheckedBody} from './checked-body.js'
import type {S3Limits} from './options.js'
import {abortUpload, beginUpload, completeUpload, partSize, type Uploader} from './upload.js'
import {bareEtag, conditionParams, objectParams} from './write-params.js'

const LANES = 2

/** Bytes that {@link putInParts} holds in memory of a body that comes as a stream: parts under way, and the next. */
export function bufferedByUpload(size: number, limits: S3Limits): number {
  return (LANES + 1) * partSize(size, limits.part)
}

/**
 * Uploads a body in parts, each with its CRC-32, joined under the condition with the CRC-32 of the whole. Whatever fails,
 * the upload is aborted.
 */
export async function putInParts(
  uploader: Uploader,
  key: string,
  body: ObjectBody,
  put: PutOptions,
): Promise<PutResult> {
  // Only large bodies need it.
  const {Upload} = await import('@aws-sdk/lib-storage')
  const {connection, options, limits} = uploader
  const {signal} = put
  const size = bodySize(body)
  const checked = new CheckedBody(key, body)
  const chunks = Readable.from(checked, {highWaterMark: 1})
  const stop = new AbortController()
  const onAbort = () => stop.abort()
  const upload = new Upload({
    client: connection.clientSending((command) => sendChecked(uploader, command, key, put, size, checked)),
    params: {
      ...connection.target,
      ...objectParams(options, put),
      ...conditionParams(put.mode),
      Key: key,
      Body: chunks,
      ContentLength: size,
      ChecksumAlgorithm: 'CRC32',
    },
    partSize: partSize(size, limits.part),
    queueSize: LANES,
    leavePartsOnError: false,
    abortController: stop,
  })
  signal?.addEventListener('abort', onAbort, {once: true})
  try {
    const output = await upload.done()
    return {etag: bareEtag(output.ETag), date: connection.dateOf(output)}
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
    chunks.destroy()
  }
}

/** What the library sends, with what it leaves out: the abort of requests, the whole's checksum, lost answers. */
async function sendChecked(
  uploader: Uploader,
  command: unknown,
  key: string,
  put: PutOptions,
  size: number,
  {crc32}: CheckedBody,
): Promise<S3.ServiceOutputTypes> {
  const {connection} = uploader
  const {sdk} = connection
  if (command instanceof sdk.CreateMultipartUploadCommand) return beginUpload(uploader, command.input)
  if (command instanceof sdk.AbortMultipartUploadCommand) return abortUpload(uploader, command.input)
  if (command instanceof sdk.CompleteMultipartUploadCommand) {
    return completeUpload(uploader, command.input, {put, size, crc32})
  }
  if (!(command instanceof sdk.UploadPartCommand)) throw new TypeError('an upload in parts sends nothing else')
  return connection.call({operation: 'UploadPart', key, signal: put.signal, repeats: true}, (client, request) =>
    client.send(new sdk.UploadPartCommand(command.input), request),
  )
}
