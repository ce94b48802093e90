import type {StoreTotals} from '../object-store/metered.js'
import type {JoinSource} from '../object-store/object-store.js'
import {DEFAULT_LIMITS} from '../object-store/s3/options.js'
import {planJoin} from '../object-store/s3/plan-join.js'

/** Requests by what they are priced as. `put` is all that writes: copies, and each step of an upload in parts. */
export interface Requests {
  readonly list: number
  readonly head: number
  readonly get: number
  readonly put: number
  readonly delete: number
}

/** What joining objects takes. */
export interface JoinEffort {
  readonly requests: Requests
  /** Bytes through this machine, in and out. */
  readonly moved: number
  /** Bytes that the store copies by itself. */
  readonly copied: number
}

export const NO_REQUESTS: Requests = {list: 0, head: 0, get: 0, put: 0, delete: 0}

/**
 * USD for 1,000 requests to S3 Standard in us-east-1, as published in November 2025. Other regions and classes cost more; bytes
 * cost nothing within a region, and those that the store copies by itself never.
 */
export const PRICES: Readonly<Record<keyof Requests, number>> = {
  list: 0.005,
  put: 0.005,
  head: 0.0004,
  get: 0.0004,
  delete: 0,
}

/** USD; undefined for a store that charges for no request. */
export function costOf(storeUrl: string, requests: Requests): number | undefined {
  if (!isS3(storeUrl)) return undefined
  const kinds = Object.keys(PRICES) as (keyof Requests)[]
  const cost = kinds.reduce((sum, kind) => sum + (requests[kind] * PRICES[kind]) / 1000, 0)
  // What lies below is noise of the sum.
  return Math.round(cost * 1e9) / 1e9
}

export function joinEffort(storeUrl: string, sources: readonly JoinSource[]): JoinEffort {
  const size = sources.reduce((sum, source) => sum + source.size, 0)
  const {singlePut, minPart, part} = DEFAULT_LIMITS
  if (!isS3(storeUrl) || size <= singlePut || sources.every((source) => source.size < minPart)) {
    const put = size > singlePut && isS3(storeUrl) ? Math.ceil(size / part) + 2 : 1
    return {requests: {...NO_REQUESTS, get: sources.length, put}, moved: size, copied: 0}
  }
  const pieces = planJoin(sources, DEFAULT_LIMITS)
  const streamed = pieces.flatMap((piece) => (piece.type === 'stream' ? [piece] : []))
  const moved = streamed.reduce((sum, piece) => sum + piece.size, 0)
  const get = streamed.reduce((sum, {ranges}) => sum + ranges.length, 0)
  const head = new Set(pieces.flatMap((piece) => (piece.type === 'copy' ? [piece.range.source] : []))).size
  return {requests: {...NO_REQUESTS, head, get, put: pieces.length + 2}, moved, copied: size - moved}
}

export function sumEfforts(efforts: readonly JoinEffort[]): JoinEffort {
  return {
    requests: addRequests(...efforts.map(({requests}) => requests)),
    moved: efforts.reduce((sum, {moved}) => sum + moved, 0),
    copied: efforts.reduce((sum, {copied}) => sum + copied, 0),
  }
}

/** What a meter has counted, each join as what it takes. */
export function countedRequests({requests}: StoreTotals, joins: Requests): Requests {
  const {list, head, get, put, copy, delete: deletes} = requests
  return addRequests({list, head, get, put: put + copy, delete: deletes}, joins)
}

export function addRequests(...all: readonly Requests[]): Requests {
  const sum = (kind: keyof Requests): number => all.reduce((total, each) => total + each[kind], 0)
  return {list: sum('list'), head: sum('head'), get: sum('get'), put: sum('put'), delete: sum('delete')}
}

function isS3(storeUrl: string): boolean {
  return storeUrl.startsWith('s3://')
}
