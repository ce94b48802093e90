import {S3Error} from './errors.js'
import type {Operation} from './operations.js'

/** What goes wrong. Delays of several rules add up; of the others the first that matches wins. */
export type Fault =
  /** Answered instead of being handled; `status` 200 gives the error document with a 200, as joins and copies can. */
  | {
      readonly type: 'error'
      readonly status: number
      readonly code: string
      readonly retryAfterSeconds?: number
      /** Retry-After gives the time, by the server's clock, instead of the seconds. */
      readonly retryAfterAsDate?: boolean
    }
  | {readonly type: 'delay'; readonly beforeMs?: number; readonly afterMs?: number}
  /** `before`: nothing was done. `after`: it was done and the answer is lost. `body`: half of the answer's body arrives. */
  | {readonly type: 'reset'; readonly at: 'before' | 'after' | 'body'}
  /** One byte of the answer's body is flipped. */
  | {readonly type: 'corrupt'}
  /** Neither handled nor answered until the server closes. */
  | {readonly type: 'hang'}

export const SLOW_DOWN = {type: 'error', status: 503, code: 'SlowDown'} as const satisfies Fault
export const INTERNAL_ERROR: Fault = {type: 'error', status: 500, code: 'InternalError'}
export const TOO_MANY_REQUESTS: Fault = {type: 'error', status: 429, code: 'TooManyRequests'}
export const CONDITIONAL_CONFLICT: Fault = {type: 'error', status: 409, code: 'ConditionalRequestConflict'}
export const RESET_BEFORE: Fault = {type: 'reset', at: 'before'}
export const ANSWER_LOST: Fault = {type: 'reset', at: 'after'}
export const HALF_A_BODY: Fault = {type: 'reset', at: 'body'}

/** What a rule may look at. */
export interface RequestFacts {
  readonly method: string
  readonly operation: Operation | undefined
  readonly bucket: string
  readonly key: string
}

/** Everything given must hold. Plain data, so that it can be sent to a server in another process. */
export interface FaultMatch {
  readonly method?: string
  readonly operation?: Operation | readonly Operation[]
  readonly bucket?: string
  readonly key?: string
  readonly keyPrefix?: string
  /** Source of a regular expression. */
  readonly keyPattern?: string
}

export interface FaultRule {
  readonly fault: Fault
  /** Default: every request. With a key and DeleteObjects an error hits that key alone. */
  readonly when?: FaultMatch | ((request: RequestFacts) => boolean)
  /** So many matches pass unharmed first. */
  readonly skip?: number
  /** So many are hit, the later ones pass; default all. */
  readonly times?: number
  /** Of those that would be hit; drawn from the server's seed. */
  readonly probability?: number
}

export interface FaultHandle {
  readonly hits: number
  remove(): void
}

interface Active {
  readonly rule: FaultRule
  seen: number
  hits: number
}

interface Denial {
  readonly operation: Operation
  readonly keyPrefix: string
  readonly accessKeyId: string | undefined
}

/** What happens to one request. */
export interface Verdict {
  readonly beforeMs: number
  readonly afterMs: number
  readonly fault?: Exclude<Fault, {type: 'delay'}>
}

/** One IAM action covers several operations, as in S3's own policies. */
const COVERED_BY: Partial<Record<Operation, readonly Operation[]>> = {
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
  readonly #random: () => number
  #active: Active[] = []
  #denials: Denial[] = []

  constructor(seed: number) {
    this.#random = mulberry32(seed)
  }

  add(rule: FaultRule): FaultHandle {
    const active: Active = {rule, seen: 0, hits: 0}
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
  deny(operation: Operation, keyPrefix = '', accessKeyId?: string): void {
    this.#denials.push({operation, keyPrefix, accessKeyId})
  }

  /** Ends faults and denials. */
  clear(): void {
    this.#active = []
    this.#denials = []
  }

  isDenied(operation: Operation, key: string, accessKeyId: string): boolean {
    return this.#denials.some(
      (denial) =>
        (COVERED_BY[denial.operation] ?? [denial.operation]).includes(operation) &&
        key.startsWith(denial.keyPrefix) &&
        (denial.accessKeyId === undefined || denial.accessKeyId === accessKeyId),
    )
  }

  judge(facts: RequestFacts): Verdict {
    let beforeMs = 0
    let afterMs = 0
    let fault: Verdict['fault']
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
  deleteError(key: string, now: number): S3Error | undefined {
    for (const active of this.#active) {
      const {fault, when} = active.rule
      const namesKeys = typeof when === 'object' && (when.key ?? when.keyPrefix ?? when.keyPattern) !== undefined
      if (fault.type !== 'error' || !namesKeys) continue
      const facts = {method: 'POST', operation: 'DeleteObjects', bucket: when.bucket ?? '', key} as const
      if (this.#strikes(active, facts)) return plannedError(fault, now)
    }
    return undefined
  }

  #strikes(active: Active, facts: RequestFacts): boolean {
    const {when, skip = 0, times = Number.POSITIVE_INFINITY, probability = 1} = active.rule
    if (when && !(typeof when === 'function' ? when(facts) : matches(when, facts))) return false
    active.seen++
    if (active.seen <= skip || active.hits >= times) return false
    if (probability < 1 && this.#random() >= probability) return false
    active.hits++
    return true
  }
}

export function plannedError(fault: Extract<Fault, {type: 'error'}>, now: number): S3Error {
  const {status, code, retryAfterSeconds: seconds, retryAfterAsDate} = fault
  const at = retryAfterAsDate === true ? new Date(now + (seconds ?? 0) * 1000).toUTCString() : String(seconds)
  return new S3Error(status, code, `Planned by the test: ${code}`, {
    headers: seconds === undefined ? {} : {'retry-after': at},
  })
}

function matches(match: FaultMatch, facts: RequestFacts): boolean {
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
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
