import {noSuchKey, notImplemented, preconditionFailed} from './errors.js'
const unquote = (etag) => etag.trim().replaceAll(/^(W\/)?"|"$/g, '')
const matches = (list, etag) =>
  list.split(',').some((candidate) => unquote(candidate) === '*' || unquote(candidate) === etag)
const text = (headers, name) => headers[name]
/** @throws PreconditionFailed, NoSuchKey (If-Match on nothing), NotImplemented (If-None-Match with anything but `*`) */
export function checkWriteConditions(headers, key, existing) {
  const ifMatch = text(headers, 'if-match')
  const ifNoneMatch = text(headers, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match')
  if (ifMatch !== undefined && ifNoneMatch !== undefined) throw notImplemented('If-Match')
  if (ifNoneMatch !== undefined && existing) throw preconditionFailed('If-None-Match')
  if (ifMatch !== undefined) {
    if (!existing) throw noSuchKey(key)
    if (!matches(ifMatch, existing.etag)) throw preconditionFailed('If-Match')
  }
}
/**
 * @returns whether the answer is 304
 * @throws PreconditionFailed
 */
export function checkReadConditions(headers, object, prefix = '') {
  const ifMatch = text(headers, `${prefix}if-match`)
  const ifNoneMatch = text(headers, `${prefix}if-none-match`)
  const ifModifiedSince = text(headers, `${prefix}if-modified-since`)
  const ifUnmodifiedSince = text(headers, `${prefix}if-unmodified-since`)
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw preconditionFailed(`${prefix}If-Match`)
  } else if (ifUnmodifiedSince !== undefined && object.modified > Date.parse(ifUnmodifiedSince)) {
    throw preconditionFailed(`${prefix}If-Unmodified-Since`)
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.etag)
  return ifModifiedSince !== undefined && object.modified <= Date.parse(ifModifiedSince)
}
