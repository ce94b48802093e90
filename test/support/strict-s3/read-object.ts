import {bucketOf, headerOf, type Answer, type Call} from './call.js'
import {checkReadConditions} from './conditions.js'
import {accessDenied, noSuchKey, S3Error} from './errors.js'
import {objectHeaders} from './object-headers.js'
import type {StoredObject} from './store.js'

export interface ByteRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export function headObject(call: Call): Answer {
  const object = findObject(call)
  const headers = objectHeaders(call, object, true)
  if (checkReadConditions(call.headers, object)) return {status: 304, headers}
  return {status: 200, headers, contentLength: object.size}
}

export function getObject(call: Call): Answer {
  const object = findObject(call)
  checkReadable(object)
  if (checkReadConditions(call.headers, object)) return {status: 304, headers: objectHeaders(call, object, true)}
  const range = parseRange(headerOf(call, 'range'), object.size)
  if (!range) return {status: 200, headers: objectHeaders(call, object, true), body: object.chunks}
  return {
    status: 206,
    headers: {
      ...objectHeaders(call, object, call.settings.checksumOnRanges),
      'content-range': `bytes ${range.start}-${range.end - 1}/${object.size}`,
    },
    body: sliceChunks(object.chunks, range),
  }
}

/** @throws InvalidObjectState for what is archived */
export function checkReadable({headers}: StoredObject): void {
  const storageClass = headers['x-amz-storage-class']
  if (storageClass !== 'GLACIER' && storageClass !== 'DEEP_ARCHIVE') return
  throw new S3Error(403, 'InvalidObjectState', "The operation is not valid for the object's storage class", {
    elements: {StorageClass: storageClass},
  })
}

/** Who may not list must not learn from a 404 what is there: S3 answers 403 then. */
function findObject(call: Call): StoredObject {
  const object = bucketOf(call).get(call.key)
  if (object) return object
  if (call.faults.isDenied('ListObjectsV2', '', call.accessKeyId)) throw accessDenied()
  throw noSuchKey(call.key)
}

/**
 * @returns undefined for no range, and for a header that is not one range of bytes (S3 then sends the whole object)
 * @throws InvalidRange when the range begins at or past the end
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [, first = '', last = ''] = match
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start >= size || (first === '' && Number(last) === 0)) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      elements: {RangeRequested: header ?? '', ActualObjectSize: String(size)},
      headers: {'content-range': `bytes */${size}`},
    })
  }
  return {start, end}
}

/** A run of bytes as slices of the chunks that hold it. */
export function sliceChunks(chunks: readonly Buffer[], {start, end}: ByteRange): Buffer[] {
  const slices: Buffer[] = []
  let position = 0
  for (const chunk of chunks) {
    const from = Math.max(start - position, 0)
    const to = Math.min(end - position, chunk.length)
    if (from < to) slices.push(chunk.subarray(from, to))
    position += chunk.length
    if (position >= end) break
  }
  return slices
}
