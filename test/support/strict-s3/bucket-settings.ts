import {bucketOf, xmlAnswer, type Handler} from './call.js'
import {S3Error} from './errors.js'
import type {Bucket} from './store.js'

/** What was said about a bucket, by subresource, byte for byte. This server obeys none of it. */
const SAID = new WeakMap<Bucket, Map<string, string>>()

/** @param absent the code of S3's answer where nothing was said. */
function getter(subresource: string, absent: string): Handler {
  return (call) => {
    const said = SAID.get(bucketOf(call))?.get(subresource)
    if (said === undefined) throw new S3Error(404, absent, `The bucket has no ${subresource}`)
    if (subresource !== 'policy') return xmlAnswer(said)
    return {status: 200, headers: {'content-type': 'application/json'}, body: said}
  }
}

function setter(subresource: string): Handler {
  return (call) => {
    const bucket = bucketOf(call)
    // S3 wants to know that these bodies came in whole.
    if (!call.body.checksum && call.headers['content-md5'] === undefined) {
      throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5')
    }
    const said = SAID.get(bucket) ?? new Map<string, string>()
    SAID.set(bucket, said.set(subresource, call.body.text()))
    return {status: 200}
  }
}

export const getBucketEncryption = getter('encryption', 'ServerSideEncryptionConfigurationNotFoundError')
export const putBucketEncryption = setter('encryption')
export const getPublicAccessBlock = getter('publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration')
export const putPublicAccessBlock = setter('publicAccessBlock')
export const getBucketPolicy = getter('policy', 'NoSuchBucketPolicy')
export const putBucketPolicy = setter('policy')
export const getBucketLifecycleConfiguration = getter('lifecycle', 'NoSuchLifecycleConfiguration')
export const putBucketLifecycleConfiguration = setter('lifecycle')
