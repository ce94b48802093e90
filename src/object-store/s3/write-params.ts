import type * as S3 from '@aws-sdk/client-s3'
import type {PutMode, PutOptions} from '../object-store.js'
import type {S3WriteSettings} from './options.js'

/** What a new object is given: by PutObject, CopyObject and CreateMultipartUpload alike. */
export function objectParams({sse, sseKmsKeyId, storageClass}: S3WriteSettings, options: PutOptions) {
  return {
    Metadata: {...options.metadata},
    ...(options.contentType === undefined ? {} : {ContentType: options.contentType}),
    ...(sse === undefined ? {} : {ServerSideEncryption: sse as S3.ServerSideEncryption}),
    ...(sseKmsKeyId === undefined ? {} : {SSEKMSKeyId: sseKmsKeyId}),
    ...(storageClass === undefined ? {} : {StorageClass: storageClass as S3.StorageClass}),
  }
}

/** The condition on what stands at the target. */
export function conditionParams(mode: PutMode): {IfNoneMatch?: string; IfMatch?: string} {
  if (mode.type === 'create') return {IfNoneMatch: '*'}
  return mode.type === 'update' ? {IfMatch: quoted(mode.etag)} : {}
}

export function quoted(etag: string): string {
  return `"${etag}"`
}

/** Servers quote an ETag in one place and not in another. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^(?:W\/)?"(.*)"$/, '$1')
}

/** `bucket/key` as the header of a copy wants it. */
export function copySource(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}
