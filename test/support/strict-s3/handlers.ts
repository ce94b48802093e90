import {
  getBucketEncryption,
  getBucketLifecycleConfiguration,
  getBucketPolicy,
  getPublicAccessBlock,
  putBucketEncryption,
  putBucketLifecycleConfiguration,
  putBucketPolicy,
  putPublicAccessBlock,
} from './bucket-settings.js'
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  getObjectLockConfiguration,
  headBucket,
  listBuckets,
} from './buckets.js'
import type {Handler} from './call.js'
import {copyObject, uploadPartCopy} from './copy-object.js'
import {listObjects, listObjectsV2} from './list-objects.js'
import {listMultipartUploads, listParts} from './list-uploads.js'
import {completeMultipartUpload} from './multipart-complete.js'
import {abortMultipartUpload, createMultipartUpload, uploadPart} from './multipart.js'
import type {Operation} from './operations.js'
import {getObject, headObject} from './read-object.js'
import {deleteObject, deleteObjects, putObject} from './write-object.js'

export const HANDLERS: Record<Operation, Handler> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetObjectLockConfiguration: getObjectLockConfiguration,
  GetBucketEncryption: getBucketEncryption,
  PutBucketEncryption: putBucketEncryption,
  GetPublicAccessBlock: getPublicAccessBlock,
  PutPublicAccessBlock: putPublicAccessBlock,
  GetBucketPolicy: getBucketPolicy,
  PutBucketPolicy: putBucketPolicy,
  GetBucketLifecycleConfiguration: getBucketLifecycleConfiguration,
  PutBucketLifecycleConfiguration: putBucketLifecycleConfiguration,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  HeadObject: headObject,
  GetObject: getObject,
  PutObject: putObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
}
