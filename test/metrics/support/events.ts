import type {AppendEvent, FailEvent, FlushEvent, RetryEvent} from '../../../src/metrics/events.js'

export const APPEND: AppendEvent = {
  type: 'append',
  projectKey: '-w',
  sessionId: 's1',
  bytes: 2048,
  entries: 3,
  appends: 2,
  parts: 7,
  putMs: 20,
  latencyMs: 35,
  lagMs: 120,
}

export const RETRY: RetryEvent = {
  type: 'retry',
  operation: 'put',
  key: '-w/s1/part-1700000000000-abcdef.jsonl',
  attempt: 1,
  code: 'STORE_THROTTLED',
  delayMs: 200,
}

export const FAIL: FailEvent = {
  type: 'fail',
  projectKey: '-w',
  sessionId: 's1',
  code: 'STORE_UNREACHABLE',
  message: 'no answer',
  bytes: 2048,
  entries: 3,
  appends: 2,
}

export const FLUSH: FlushEvent = {type: 'flush', durationMs: 40, pendingBytes: 10, pendingEntries: 1, complete: true}

export const EVENTS = [APPEND, RETRY, FAIL, FLUSH] as const
