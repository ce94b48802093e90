import type {LifecycleRule, PublicAccessBlockConfiguration, ServerSideEncryptionByDefault} from '@aws-sdk/client-s3'
import {type Asked, known, type Step} from './check.js'
import {type EncryptionChange, planEncryption} from './encryption.js'
import {checkExpiration, type LifecycleChange, planLifecycle} from './lifecycle.js'
import type {PolicyDocument} from './policy-document.js'
import {planPublicAccess, type PublicAccessChange} from './public-access.js'
import {planTlsOnly, type PolicyChange} from './tls-only.js'
import {checkObjectLock, checkVersioning, type Versioning} from './versions.js'

/** What a bucket says of itself. */
export interface BucketFacts {
  readonly encryption: Asked<ServerSideEncryptionByDefault | undefined>
  readonly publicAccess: Asked<PublicAccessBlockConfiguration | undefined>
  readonly policy: Asked<PolicyDocument | undefined>
  readonly versioning: Asked<Versioning>
  readonly objectLock: Asked<boolean>
  readonly lifecycle: Asked<readonly LifecycleRule[]>
}

export type BucketChange = EncryptionChange | PublicAccessChange | PolicyChange | LifecycleChange

export interface WantedBucket {
  /** `arn:aws:s3:::bucket` */
  readonly arn: string
  /** Where the store's keys begin: `''`, or ends in `/`. */
  readonly prefix: string
  readonly kmsKeyId: string | undefined
  readonly plainHttp: boolean
  /** S3 Express One Zone: much of a bucket is settled there. */
  readonly isDirectory: boolean
}

/** A bucket that was just made, or will be. */
export const NEW_BUCKET: BucketFacts = {
  encryption: known(undefined),
  publicAccess: known(undefined),
  policy: known(undefined),
  versioning: known('off'),
  objectLock: known(false),
  lifecycle: known([]),
}

export function planBucket(facts: BucketFacts, wanted: WantedBucket): readonly Step<BucketChange>[] {
  const {prefix, kmsKeyId, arn, plainHttp} = wanted
  const versioned = !facts.versioning.known || facts.versioning.value !== 'off'
  const rules = facts.lifecycle
  const encryption = planEncryption({byDefault: facts.encryption, kmsKeyId})
  const lifecycle = planLifecycle({rules, versioned: versioned && !wanted.isDirectory, prefix})
  const expiration = checkExpiration({rules, prefix})
  if (wanted.isDirectory) return [encryption, ...SETTLED_IN_DIRECTORY_BUCKETS, lifecycle, expiration]
  return [
    encryption,
    planPublicAccess(facts.publicAccess),
    planTlsOnly({policy: facts.policy, arn, plainHttp}),
    checkVersioning(facts.versioning),
    checkObjectLock(facts.objectLock),
    lifecycle,
    expiration,
  ]
}

const SETTLED_IN_DIRECTORY_BUCKETS: readonly Step<never>[] = [
  {check: 'public access', state: 'ok', detail: 'blocked, as in every directory bucket'},
  {check: 'tls only', state: 'ok', detail: 'directory buckets take nothing else'},
  {check: 'versioning', state: 'ok', detail: 'directory buckets have none: what is deleted is gone'},
  {check: 'object lock', state: 'ok', detail: 'directory buckets have none'},
]
