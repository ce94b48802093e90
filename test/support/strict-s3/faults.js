import {S3Error} from './errors.js'
export const SLOW_DOWN = {type: 'error', status: 503, code: 'SlowDown'}
export const INTERNAL_ERROR = {type: 'error', status: 500, code: 'InternalError'}
export const TOO_MANY_REQUESTS = {type: 'error', status: 429, code: 'TooManyRequests'}
export const CONDITIONAL_CONFLICT = {type: 'error', status: 409, code: 'ConditionalRequestConflict'}
export const RESET_BEFORE = {type: 'reset', at: 'before'}
export const ANSWER_LOST = {type: 'reset', at: 'after'}
export const HALF_A_BODY = {type: 'reset', at: 'body'}
/** One IAM action covers several operations, as in S3's own policies. */
const COVERED_BY = {
  PutObject: [
    'PutObject',
    'CopyObject',
    'CreateMultipartUpload',
    'UploadPart',
    'UploadPartCopy',
    'CompleteMultipartUpload',
  ],
  GetObject: ['GetObject', 'HeadObject'],
  ListObjectsV2: ['ListObjectsV2', 'ListObjects', 'HeadBucket'],
}
export class FaultPlan {
  #random
  #active = []
  #denials = []
  constructor(seed) {
    this.#random = mulberry32(seed)
  }
  add(rule) {
    const active = {rule, seen: 0, hits: 0}
    this.#active.push(active)
    return {
      get hits() {
        return active.hits
      },
      remove: () => {
        this.#active = this.#active.filter((other) => other !== active)
      },
    }
  }
  /**
   * Refuses what an IAM policy without that action would refuse: 403 AccessDenied. Denying `PutObject` denies copies and uploads,
   * `GetObject` HEAD too, `ListObjectsV2` makes a missing key a 403; for lists the prefix is compared.
   */
  deny(operation, keyPrefix = '', accessKeyId) {
    this.#denials.push({operation, keyPrefix, accessKeyId})
  }
  /** Ends faults and denials. */
  clear() {
    this.#active = []
    this.#denials = []
  }
  isDenied(operation, key, accessKeyId) {
    return this.#denials.some(
      (denial) =>
        (COVERED_BY[denial.operation] ?? [denial.operation]).includes(operation) &&
        key.startsWith(denial.keyPrefix) &&
        (denial.accessKeyId === undefined || denial.accessKeyId === accessKeyId),
    )
  }
  judge(facts) {
    let beforeMs = 0
    let afterMs = 0
    let fault
    for (const active of this.#active) {
      const planned = active.rule.fault
      if (planned.type !== 'delay' && fault) continue
      if (!this.#strikes(active, facts)) continue
      if (planned.type === 'delay') {
        beforeMs += planned.beforeMs ?? 0
        afterMs += planned.afterMs ?? 0
      } else fault = planned
    }
    return {beforeMs, afterMs, ...(fault ? {fault} : {})}
  }
  /** The error planned for one key of a DeleteObjects. */
  deleteError(key) {
    for (const active of this.#active) {
      const {fault, when} = active.rule
      const namesKeys = typeof when === 'object' && (when.key ?? when.keyPrefix ?? when.keyPattern) !== undefined
      if (fault.type !== 'error' || !namesKeys) continue
      const facts = {method: 'POST', operation: 'DeleteObjects', bucket: when.bucket ?? '', key}
      if (this.#strikes(active, facts)) return plannedError(fault)
    }
    return undefined
  }
  #strikes(active, facts) {
    const {when, skip = 0, times = Number.POSITIVE_INFINITY, probability = 1} = active.rule
    if (when && !(typeof when === 'function' ? when(facts) : matches(when, facts))) return false
    active.seen++
    if (active.seen <= skip || active.hits >= times) return false
    if (probability < 1 && this.#random() >= probability) return false
    active.hits++
    return true
  }
}
export function plannedError(fault) {
  const headers = fault.retryAfterSeconds === undefined ? {} : {'retry-after': String(fault.retryAfterSeconds)}
  return new S3Error(fault.status, fault.code, `Planned by the test: ${fault.code}`, {headers})
}
function matches(match, facts) {
  const operations = match.operation === undefined ? undefined : [match.operation].flat()
  return (
    (match.method === undefined || match.method === facts.method) &&
    (operations === undefined || (facts.operation !== undefined && operations.includes(facts.operation))) &&
    (match.bucket === undefined || match.bucket === facts.bucket) &&
    (match.key === undefined || match.key === facts.key) &&
    (match.keyPrefix === undefined || facts.key.startsWith(match.keyPrefix)) &&
    (match.keyPattern === undefined || new RegExp(match.keyPattern).test(facts.key))
  )
}
/** A small generator with a seed; the same seed gives the same draws. */
function mulberry32(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
