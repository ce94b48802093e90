import type {PublicAccessBlockConfiguration} from '@aws-sdk/client-s3'
import {type Asked, type Step, unchecked} from './check.js'

export interface PublicAccessChange {
  readonly type: 'public-access'
}

export const NOTHING_PUBLIC = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
} as const satisfies PublicAccessBlockConfiguration

export function planPublicAccess(block: Asked<PublicAccessBlockConfiguration | undefined>): Step<PublicAccessChange> {
  const check = 'public access'
  if (!block.known) return unchecked(check, block.why)
  const open = Object.keys(NOTHING_PUBLIC).filter((name) => !block.value?.[name as keyof typeof NOTHING_PUBLIC])
  if (open.length === 0) return {check, state: 'ok', detail: 'blocked'}
  return {
    check,
    state: 'missing',
    detail: `a policy or an ACL could make transcripts public (${open.join(', ')})`,
    change: {to: {type: 'public-access'}, makes: block.value ? 'changed' : 'created', done: 'blocked'},
  }
}
