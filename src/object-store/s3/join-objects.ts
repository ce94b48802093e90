import pMap from 'p-map'
import {crc32} from 'node:zlib'
import {hasCode} from '../../base/errors.js'
import {storeError} from '../errors.js'
import {once, streamJoin} from '../join.js'
import type {JoinOptions, JoinSource, ObjectStore, PutResult} from '../object-store.js'
import {checkMode} from '../put-mode.js'
import {encodeCrc32} from './crc32.js'
import {headObject} from './head-object.js'
import {type JoinPiece, planJoin, type SourceRange} from './plan-join.js'
import {readSource, sourceChanged} from './read-source.js'
import type {Uploader} from './upload.js'
import {copyPiece, type SendPiece, uploadPieces} from './upload-pieces.js'
import {bareEtag} from './write-params.js'

const READS_AT_ONCE = 16
/** Few: all listen to the signal of the caller. */
const HEADS_AT_ONCE = 8

/**
 * Joins objects, in the store where there is something that it can copy by itself: a part of an upload has at least 5 MiB. A small
 * object is not worth the requests of an upload, and a server that cannot copy into one is sent all bytes.
 */
export async function joinObjects(
  store: ObjectStore,
  uploader: Uploader,
  sources: readonly JoinSource[],
  target: string,
  options: JoinOptions,
): Promise<PutResult> {
  const {limits, options: settings} = uploader
  const stream = async (): Promise<PutResult> =>
    streamJoin(store, sources, target, options, async (source, signal) =>
      once(await readSource(store, settings, {source, start: 0, end: source.size}, signal)),
    )
  const size = sources.reduce((sum, source) => sum + source.size, 0)
  if (size <= limits.singleJoin || sources.every((source) => source.size < limits.minPart)) return stream()
  try {
    return await joinInParts(store, uploader, sources, target, options)
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED') && error.details['operation'] === 'UploadPartCopy') return stream()
    throw error
  }
}

async function joinInParts(
  store: ObjectStore,
  uploader: Uploader,
  sources: readonly JoinSource[],
  target: string,
  options: JoinOptions,
): Promise<PutResult> {
  const pieces = planJoin(sources, uploader.limits)
  await Promise.all([
    checkSources(uploader, unread(sources, pieces), options.signal),
    checkTarget(store, target, options),
  ])
  const result = await uploadPieces(uploader, pieces, target, options, sendPiece(store, uploader, target, options))
  await checkSize(store, target, result, pieces)
  return result
}

/**
 * Beforehand, since some servers ignore the condition on an upload, and nothing need be moved for what is refused. What is there
 * after an earlier try may be the caller's own: that is found out at the end.
 */
async function checkTarget(store: ObjectStore, target: string, {mode, retried, signal}: JoinOptions): Promise<void> {
  if (mode.type === 'overwrite' || retried === true) return
  const head = await store.head(target, signal === undefined ? {} : {signal})
  checkMode(mode, head?.etag, target, store.url)
}

/** A server that copied something else than the ranges asked for must not have it taken for the join: its sources may go next. */
async function checkSize(
  store: ObjectStore,
  target: string,
  {etag}: PutResult,
  pieces: readonly JoinPiece[],
): Promise<void> {
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0)
  const head = await store.head(target)
  if (head === undefined || head.etag !== etag || head.size === size) return
  await store.delete([target])
  throw storeError(
    'CHECKSUM_MISMATCH',
    `The store joined '${target}' in ${store.url} to ${head.size} bytes, not ${size}.`,
  )
}

function sendPiece(
  store: ObjectStore,
  uploader: Uploader,
  target: string,
  {onProgress}: JoinOptions,
): SendPiece<JoinPiece> {
  const {connection, budget, options} = uploader
  return async (piece, part, signal) => {
    const {size} = piece
    if (piece.type === 'copy') {
      const copied = await copyPiece(uploader, piece.range, part, signal)
      onProgress?.({moved: 0, copied: size})
      return copied
    }
    return budget.hold(size, signal, async () => {
      const Body = Buffer.allocUnsafeSlow(size)
      const read = async ({at, range}: PlacedRange): Promise<void> => {
        const bytes = await readSource(store, options, range, signal)
        Body.set(bytes, at)
        onProgress?.({moved: bytes.byteLength, copied: 0})
      }
      await pMap(placed(piece.ranges), read, {concurrency: READS_AT_ONCE})
      const ChecksumCRC32 = encodeCrc32(crc32(Body))
      const call = {operation: 'UploadPart', key: target, signal, repeats: true}
      const {ETag} = await connection.call(call, (client, request) =>
        client.send(new connection.sdk.UploadPartCommand({...part, Body, ContentLength: size, ChecksumCRC32}), request),
      )
      return {ETag, ChecksumCRC32}
    })
  }
}

interface PlacedRange {
  /** Where it begins in the part. */
  readonly at: number
  readonly range: SourceRange
}

function* placed(ranges: readonly SourceRange[]): Iterable<PlacedRange> {
  let at = 0
  for (const range of ranges) {
    yield {at, range}
    at += range.end - range.start
  }
}

/** Sources that no GET holds against their etag. */
function unread(sources: readonly JoinSource[], pieces: readonly JoinPiece[]): readonly JoinSource[] {
  const copied = new Set(pieces.flatMap((piece) => (piece.type === 'copy' ? [piece.range.source] : [])))
  return sources.filter((source) => source.size === 0 || copied.has(source))
}

/** Beforehand, and with their sizes: some servers ignore the condition on the source of a copy. */
async function checkSources(
  {connection}: Uploader,
  sources: readonly JoinSource[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await pMap(
    sources,
    async ({key, etag, size}) => {
      const head = await headObject(connection, key, {signal, repeats: true})
      if (head === undefined) {
        throw storeError('OBJECT_NOT_FOUND', `There is no object '${key}' in ${connection.url}.`, {details: {key}})
      }
      if (bareEtag(head.ETag) !== etag || head.ContentLength !== size) throw sourceChanged(connection.url, key)
    },
    {concurrency: HEADS_AT_ONCE},
  )
}
