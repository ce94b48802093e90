import type * as S3 from '@aws-sdk/client-s3'
import type {PutOptions, PutResult} from '../object-store.js'
import {joinCrc32} from './crc32.js'
import {runLanes} from './lanes.js'
import type {JoinPiece, SourceRange} from './plan-join.js'
import {abortUpload, beginUpload, completeUpload, type Uploader} from './upload.js'
import {bareEtag, conditionParams, copySource, objectParams, quoted} from './write-params.js'

const LANES = 4

/** A part of an upload under way. */
type PartTarget = Required<Pick<S3.UploadPartCommandInput, 'Bucket' | 'Key' | 'UploadId' | 'PartNumber'>>

/** Sends one piece as a part, and is asked again by nobody when that fails. */
export type SendPiece<P> = (
  piece: P,
  part: PartTarget,
  signal: AbortSignal,
) => Promise<Omit<S3.CompletedPart, 'PartNumber'>>

/**
 * An upload whose parts are sent in any order by several lanes, joined under the condition of the put. Whatever fails, the upload
 * is aborted, when nothing is under way any more.
 */
export async function uploadPieces<P extends {readonly size: number}>(
  uploader: Uploader,
  pieces: readonly P[],
  target: string,
  put: PutOptions,
  send: SendPiece<P>,
): Promise<PutResult> {
  const {connection, options} = uploader
  const object = {...connection.target, Key: target}
  const {UploadId = ''} = await beginUpload(uploader, {...object, ...objectParams(options, put)})
  const upload = {...object, UploadId}
  try {
    const Parts = await sendAll(pieces, upload, put.signal, send)
    const size = pieces.reduce((sum, piece) => sum + piece.size, 0)
    const output = await completeUpload(
      uploader,
      {...upload, ...conditionParams(put.mode), MultipartUpload: {Parts}},
      {put, size, ...wholeCrc32(pieces, Parts)},
    )
    return {etag: bareEtag(output.ETag), date: connection.dateOf(output)}
  } catch (error) {
    const aborted = abortUpload(uploader, upload)
    if (put.signal?.aborted === true) throw put.signal.reason
    await aborted
    throw error
  }
}

/** Lets the store copy a range; the whole of a source is asked for without one, which small objects need. */
export async function copyPiece(
  {connection, options}: Uploader,
  {source, start, end}: SourceRange,
  part: PartTarget,
  signal: AbortSignal,
): Promise<S3.CompletedPart> {
  const {key, etag, size} = source
  const {expectedBucketOwner} = options
  const call = {operation: 'UploadPartCopy', key, signal, repeats: true}
  const {CopyPartResult} = await connection.call(call, (client, request) =>
    client.send(
      new connection.sdk.UploadPartCopyCommand({
        ...part,
        CopySource: copySource(options.bucket, key),
        CopySourceIfMatch: quoted(etag),
        ...(start === 0 && end === size ? {} : {CopySourceRange: `bytes=${start}-${end - 1}`}),
        ...(expectedBucketOwner === undefined ? {} : {ExpectedSourceBucketOwner: expectedBucketOwner}),
      }),
      request,
    ),
  )
  return {ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32}
}

async function sendAll<P extends JoinPiece | {readonly size: number}>(
  pieces: readonly P[],
  upload: Omit<PartTarget, 'PartNumber'>,
  outer: AbortSignal | undefined,
  send: SendPiece<P>,
): Promise<S3.CompletedPart[]> {
  const parts: S3.CompletedPart[] = Array.from({length: pieces.length})
  const waiting = pieces.entries()
  await runLanes(Math.min(LANES, pieces.length), outer, async (signal) => {
    for (const [place, piece] of waiting) {
      const PartNumber = place + 1
      parts[place] = {PartNumber, ...(await send(piece, {...upload, PartNumber}, signal))}
    }
  })
  return parts
}

/** Where the store told the checksum of each part: it then holds the whole against them. */
function wholeCrc32(pieces: readonly {readonly size: number}[], parts: readonly S3.CompletedPart[]): {crc32?: string} {
  const known = parts.flatMap(({ChecksumCRC32: crc32}, place) =>
    crc32 === undefined ? [] : [{crc32, size: pieces[place]?.size ?? 0}],
  )
  return known.length === parts.length ? {crc32: joinCrc32(known)} : {}
}
