import type {SentRequest} from '../travelling-client.js'
import {isWrite} from '../travelling-client.js'

/**
 * What may happen next:
 *
 * - `land`: a request does what it does, and its sender is answered, if it still waits;
 * - `again`: the same, and the request comes once more at any later time, or never;
 * - `fail`: its sender is told that there was no answer; a write lands at any later time, or never;
 * - `crash`: a process dies; what it has sent lands at any later time, or never.
 */
export interface Choice {
  readonly kind: 'land' | 'again' | 'fail' | 'crash'
  /** Of a request; of a process for `crash`. The same one in every order in which others land. */
  readonly id: string
  readonly request?: SentRequest
}

export function nameOf({kind, id}: Choice): string {
  return kind === 'land' ? id : `${kind} ${id}`
}

/**
 * Whether two that may happen now come to the same in either order. Answers to requests that a process sent at once count as such: it
 * waits for all of them.
 */
export function commute(a: Choice, b: Choice): boolean {
  if (a.kind !== 'land' || b.kind !== 'land' || !a.request || !b.request) return false
  const [one, other] = [a.request, b.request]
  if (!isWrite(one) && !isWrite(other)) return true
  return !touches(one, other) && !touches(other, one)
}

function touches(one: SentRequest, other: SentRequest): boolean {
  return one.operation === 'list' ? other.key.startsWith(one.key) : one.key === other.key
}
