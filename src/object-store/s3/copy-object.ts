import {isDeepStrictEqual} from 'node:util'
import {storeError} from '../errors.js'
import type {ObjectHead, ObjectStore, PutOptions, PutResult} from '../object-store.js'
import {checkMode} from '../put-mode.js'
import {copyInParts} from './copy-in-parts.js'
import {headObject} from './head-object.js'
import type {Uploader} from './upload.js'
import {bareEtag, conditionParams, copySource, objectParams, quoted} from './write-params.js'

/**
 * Copies inside the store, and looks at what arrived: one server drops all metadata of a copy, and several ignore a
 * copy's conditions, so that these are also asked beforehand. Where the copy came without its metadata, the bytes take
 * the way through this machine.
 */
export async function copyObject(
  store: ObjectStore,
  uploader: Uploader,
  source: string,
  target: string,
  options: PutOptions,
): Promise<PutResult> {
  const request = options.signal === undefined ? {} : {signal: options.signal}
  const [from, before] = await Promise.all([
    store.head(source, request),
    options.mode.type === 'overwrite' ? undefined : store.head(target, request),
  ])
  if (from === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${source}' in ${store.url}.`)
  checkMode(options.mode, before?.etag, target, store.url)
  const kept = from.contentType === undefined ? options : {contentType: from.contentType, ...options}
  if (from.size > uploader.limits.singleCopy) return copyInParts(uploader, from, target, kept)
  const result = await copyWhole(uploader, from, target, kept)
  const after = await headObject(uploader.connection, target, {...request, repeats: true})
  if (after === undefined || bareEtag(after.ETag) !== result.etag) return result
  if (isDeepStrictEqual({...after.Metadata}, {...options.metadata})) return result
  const body = {
    size: from.size,
    async *open() {
      yield* (await store.get(source, {...request, ifMatch: from.etag})).body
    },
  }
  return store.put(target, body, {...kept, mode: {type: 'update', etag: result.etag}})
}

async function copyWhole(
  {connection, options}: Uploader,
  source: ObjectHead,
  target: string,
  put: PutOptions,
): Promise<PutResult> {
  const output = await connection.call(
    {operation: 'CopyObject', key: target, mode: put.mode, signal: put.signal},
    (client, request) =>
      client.send(
        new connection.sdk.CopyObjectCommand({
          ...connection.target,
          ...objectParams(options, put),
          ...conditionParams(put.mode),
          Key: target,
          CopySource: copySource(options.bucket, source.key),
          CopySourceIfMatch: quoted(source.etag),
          MetadataDirective: 'REPLACE',
          ...(options.expectedBucketOwner === undefined
            ? {}
            : {ExpectedSourceBucketOwner: options.expectedBucketOwner}),
        }),
        request,
      ),
  )
  return {etag: bareEtag(output.CopyObjectResult?.ETag), date: connection.dateOf(output)}
}
