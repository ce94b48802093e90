import {openS3ObjectStore, type S3ObjectStore} from '../../../src/object-store/s3/s3-object-store.js'
import type {S3StoreOptions} from '../../../src/object-store/s3/options.js'

/** A server as the strict one and the independent ones describe themselves. */
export interface ServerAddress {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export function openAt(server: ServerAddress, more: Partial<S3StoreOptions> = {}): Promise<S3ObjectStore> {
  const {endpoint, bucket, region, accessKeyId, secretAccessKey} = server
  return openS3ObjectStore({endpoint, bucket, region, credentials: {accessKeyId, secretAccessKey}, ...more})
}
