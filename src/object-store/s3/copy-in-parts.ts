import type * as S3 from '@aws-sdk/client-s3'
import type {ObjectHead, PutOptions, PutResult} from '../object-store.js'
import {runLanes} from './lanes.js'
import {abortUpload, beginUpload, completeUpload, partSize, type Uploader} from './upload.js'
import {bareEtag, conditionParams, copySource, objectParams, quoted} from './write-params.js'

const LANES = 4

/** Copies an object that is too large for one CopyObject, inside the store. */
export async function copyInParts(
  uploader: Uploader,
  source: ObjectHead,
  target: string,
  put: PutOptions,
): Promise<PutResult> {
  const {connection, options} = uploader
  const object = {...connection.target, Key: target}
  const {UploadId} = await beginUpload(uploader, {...object, ...objectParams(options, put)})
  const upload = {...object, UploadId}
  try {
    const Parts = await copyParts(uploader, source, upload, put.signal)
    const joined = {...upload, ...conditionParams(put.mode), MultipartUpload: {Parts}}
    const output = await completeUpload(uploader, joined, {put, size: source.size})
    return {etag: bareEtag(output.ETag), date: connection.dateOf(output)}
  } catch (error) {
    const aborted = abortUpload(uploader, upload)
    if (put.signal?.aborted === true) throw put.signal.reason
    await aborted
    throw error
  }
}

async function copyParts(
  {connection, options, limits}: Uploader,
  source: ObjectHead,
  upload: Pick<S3.UploadPartCopyCommandInput, 'Bucket' | 'Key' | 'UploadId' | 'ExpectedBucketOwner'>,
  outer: AbortSignal | undefined,
): Promise<S3.CompletedPart[]> {
  const {size, key, etag} = source
  const length = partSize(size, limits.copyPart)
  const parts: S3.CompletedPart[] = Array.from({length: Math.ceil(size / length)})
  let next = 0
  await runLanes(Math.min(LANES, parts.length), outer, async (signal) => {
    while (next < parts.length) {
      const start = next++ * length
      const call = {operation: 'UploadPartCopy', key, signal, repeats: true}
      const {CopyPartResult} = await connection.call(call, (client, request) =>
        client.send(
          new connection.sdk.UploadPartCopyCommand({
            ...upload,
            PartNumber: start / length + 1,
            CopySource: copySource(options.bucket, key),
            CopySourceRange: `bytes=${start}-${Math.min(start + length, size) - 1}`,
            CopySourceIfMatch: quoted(etag),
            ...(options.expectedBucketOwner === undefined
              ? {}
              : {ExpectedSourceBucketOwner: options.expectedBucketOwner}),
          }),
          request,
        ),
      )
      parts[start / length] = {
        PartNumber: start / length + 1,
        ETag: CopyPartResult?.ETag,
        ChecksumCRC32: CopyPartResult?.ChecksumCRC32,
      }
    }
  })
  return parts
}
