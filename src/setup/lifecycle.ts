import type {LifecycleRule} from '@aws-sdk/client-s3'
import {type Asked, type Check, type Step, unchecked} from './check.js'

/** Days after which S3 gives up uploads that nobody finished. */
export const ABORT_DAYS = 7
/** Days for which what was deleted or replaced can be brought back in a versioned bucket. */
export const NONCURRENT_DAYS = 30

export interface LifecycleFacts {
  readonly rules: Asked<readonly LifecycleRule[]>
  /** Deleted objects stay as noncurrent versions. */
  readonly versioned: boolean
  /** Where the store's keys begin: `''`, or ends in `/`. */
  readonly prefix: string
}

/** The bucket's rules, all of them, as they are to be. */
export interface LifecycleChange {
  readonly type: 'lifecycle'
  readonly rules: readonly LifecycleRule[]
}

/** Unfinished uploads end, and so do noncurrent versions; other rules stay. Nothing of ours ever expires a current object. */
export function planLifecycle({rules, versioned, prefix}: LifecycleFacts): Step<LifecycleChange> {
  const check = 'lifecycle'
  if (!rules.known) return unchecked(check, rules.why)
  const covering = rules.value.filter((rule) => covers(rule, prefix))
  const lacking = ownRules(prefix).filter(
    ({AbortIncompleteMultipartUpload, NoncurrentVersionExpiration}) =>
      (AbortIncompleteMultipartUpload && !covering.some((rule) => rule.AbortIncompleteMultipartUpload)) ||
      (NoncurrentVersionExpiration && versioned && !covering.some((rule) => rule.NoncurrentVersionExpiration)),
  )
  const done = versioned
    ? 'unfinished uploads and noncurrent versions are removed after some days'
    : 'unfinished uploads are removed after some days'
  if (lacking.length === 0) return {check, state: 'ok', detail: done}
  const kept = rules.value.filter(({ID}) => !lacking.some((rule) => rule.ID === ID))
  return {
    check,
    state: 'missing',
    detail: lacking.map(lackOf).join('; '),
    change: {
      to: {type: 'lifecycle', rules: [...kept, ...lacking]},
      makes: rules.value.length === 0 ? 'created' : 'changed',
      done,
    },
  }
}

/** Rules that take away, or out of reach, parts that a living session still needs. */
export function checkExpiration({rules, prefix}: Pick<LifecycleFacts, 'rules' | 'prefix'>): Check {
  const check = 'expiration'
  if (!rules.known) return unchecked(check, rules.why)
  const touching = rules.value.filter((rule) => touches(rule, prefix))
  const expiring = touching.filter(({Expiration}) => Expiration?.Days !== undefined || Expiration?.Date !== undefined)
  const archiving = touching.filter(({Transitions}) =>
    Transitions?.some(({StorageClass}) => StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE'),
  )
  if (expiring.length > 0) {
    return {
      check,
      state: 'warning',
      detail: `dangerous: ${namesOf(expiring)} deletes parts by their age, which takes the beginning of a living session away`,
      fix: 'Remove that rule, or keep it away from this prefix. To remove old sessions as a whole: reprise prune.',
    }
  }
  if (archiving.length > 0) {
    return {
      check,
      state: 'warning',
      detail: `${namesOf(archiving)} archives parts by their age: a session whose beginning is archived cannot be resumed before it is restored`,
      fix: 'Remove that rule, or keep it away from this prefix. GLACIER_IR can be read at once.',
    }
  }
  return {check, state: 'ok', detail: 'no rule deletes or archives parts by their age'}
}

export function ownRules(prefix: string): readonly LifecycleRule[] {
  const scope = {Filter: {Prefix: prefix}, Status: 'Enabled'} as const
  return [
    {ID: 'reprise-unfinished-uploads', ...scope, AbortIncompleteMultipartUpload: {DaysAfterInitiation: ABORT_DAYS}},
    {ID: 'reprise-noncurrent-versions', ...scope, NoncurrentVersionExpiration: {NoncurrentDays: NONCURRENT_DAYS}},
  ]
}

function lackOf({AbortIncompleteMultipartUpload}: LifecycleRule): string {
  return AbortIncompleteMultipartUpload
    ? 'uploads that nobody finished are kept, and paid, for ever'
    : 'what compaction and rm delete is kept, and paid, for ever'
}

function covers(rule: LifecycleRule, prefix: string): boolean {
  return rule.Status === 'Enabled' && !isNarrowed(rule) && prefix.startsWith(prefixOf(rule))
}

function touches(rule: LifecycleRule, prefix: string): boolean {
  const own = prefixOf(rule)
  return rule.Status === 'Enabled' && !hasTags(rule) && (own.startsWith(prefix) || prefix.startsWith(own))
}

function prefixOf({Filter, Prefix}: LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? ''
}

/** Our objects bear no tags. */
function hasTags({Filter}: LifecycleRule): boolean {
  return Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0
}

function isNarrowed(rule: LifecycleRule): boolean {
  const {Filter} = rule
  const sizes = [Filter?.ObjectSizeGreaterThan, Filter?.ObjectSizeLessThan]
  const more = [Filter?.And?.ObjectSizeGreaterThan, Filter?.And?.ObjectSizeLessThan]
  return hasTags(rule) || [...sizes, ...more].some((size) => size !== undefined)
}

function namesOf(rules: readonly LifecycleRule[]): string {
  return rules.map(({ID}, index) => `the lifecycle rule ${JSON.stringify(ID ?? `number ${index + 1}`)}`).join(' and ')
}
