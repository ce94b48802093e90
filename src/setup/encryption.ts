import type {ServerSideEncryptionByDefault} from '@aws-sdk/client-s3'
import {type Asked, type Step, unchecked} from './check.js'

export interface EncryptionFacts {
  /** What the bucket does to objects that come without a wish of their own. */
  readonly byDefault: Asked<ServerSideEncryptionByDefault | undefined>
  /** The KMS key that it should be; undefined: any encryption is good. */
  readonly kmsKeyId: string | undefined
}

export interface EncryptionChange {
  readonly type: 'encryption'
  readonly kmsKeyId: string | undefined
}

export function planEncryption({byDefault, kmsKeyId}: EncryptionFacts): Step<EncryptionChange> {
  const check = 'encryption'
  if (!byDefault.known) return unchecked(check, byDefault.why)
  const found = byDefault.value
  if (found?.SSEAlgorithm !== undefined && (kmsKeyId === undefined || isKey(found, kmsKeyId))) {
    return {check, state: 'ok', detail: `objects are encrypted with ${nameOf(found)}`}
  }
  return {
    check,
    state: 'missing',
    detail: found ? `objects are encrypted with ${nameOf(found)}` : 'the bucket encrypts nothing by default',
    change: {
      to: {type: 'encryption', kmsKeyId},
      makes: found ? 'changed' : 'created',
      done: `objects are encrypted with ${kmsKeyId === undefined ? "the store's own key (SSE-S3)" : `the KMS key ${kmsKeyId}`}`,
    },
  }
}

/** A key may be named by its id, its ARN, or an alias; only the same words are known to be the same key. */
function isKey({SSEAlgorithm, KMSMasterKeyID}: ServerSideEncryptionByDefault, wanted: string): boolean {
  if (!SSEAlgorithm?.startsWith('aws:kms') || KMSMasterKeyID === undefined) return false
  return KMSMasterKeyID === wanted || KMSMasterKeyID.endsWith(`/${wanted}`) || wanted.endsWith(`/${KMSMasterKeyID}`)
}

function nameOf({SSEAlgorithm, KMSMasterKeyID}: ServerSideEncryptionByDefault): string {
  if (!SSEAlgorithm?.startsWith('aws:kms')) return "the store's own key (SSE-S3)"
  return KMSMasterKeyID === undefined ? "KMS (the account's key for S3)" : `the KMS key ${KMSMasterKeyID}`
}
