import {bucketOf, xmlAnswer, type Answer, type Call} from './call.js'
import {checkBucketName} from './directory-bucket.js'
import {S3Error} from './errors.js'
import {xmlDocument} from './xml.js'

export function listBuckets(call: Call): Answer {
  const buckets = [...call.store.buckets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return xmlAnswer(
    xmlDocument('ListAllMyBucketsResult', {
      Buckets: {
        Bucket: buckets.map(({name, created}) => ({Name: name, CreationDate: new Date(created).toISOString()})),
      },
    }),
  )
}

export function createBucket(call: Call): Answer {
  const name = call.bucketName
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..')) {
    throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', {elements: {BucketName: name}})
  }
  checkBucketName(call, name)
  if (call.store.buckets.has(name)) {
    throw new S3Error(
      409,
      'BucketAlreadyOwnedByYou',
      'Your previous request to create the named bucket succeeded and you already own it.',
      {elements: {BucketName: name}},
    )
  }
  call.store.createBucket(name)
  return {status: 200, headers: {location: `/${name}`}}
}

export function headBucket(call: Call): Answer {
  bucketOf(call)
  return {status: 200, headers: {'x-amz-bucket-region': call.region}}
}

export function deleteBucket(call: Call): Answer {
  if (bucketOf(call).size > 0) {
    throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty', {
      elements: {BucketName: call.bucketName},
    })
  }
  call.store.buckets.delete(call.bucketName)
  return {status: 204}
}

export function getBucketLocation(call: Call): Answer {
  bucketOf(call)
  const region = call.region === 'us-east-1' ? '' : call.region
  return xmlAnswer(
    `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${region}</LocationConstraint>`,
  )
}

export function getBucketVersioning(call: Call): Answer {
  bucketOf(call)
  return xmlAnswer(xmlDocument('VersioningConfiguration', {}))
}

export function getObjectLockConfiguration(call: Call): Answer {
  bucketOf(call)
  throw new S3Error(
    404,
    'ObjectLockConfigurationNotFoundError',
    'Object Lock configuration does not exist for this bucket',
  )
}
