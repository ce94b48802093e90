import type {StoreOperation} from './object-store.js'

/**
 * What can go wrong with one call. Before the store is reached: `fail-before`, and the answers `409` (STORE_CONFLICT; for
 * conditional writes), `412` (OBJECT_EXISTS, OBJECT_CHANGED), `429` and `503` (STORE_THROTTLED), `500` (STORE_UNREACHABLE).
 * `fail-after`: the call is done and its answer lost. `reset`: the connection breaks in the middle of the body. `delay`:
 * nothing but time.
 */
export type FaultKind = 'fail-before' | 'fail-after' | 'delay' | 'reset' | '409' | '412' | '429' | '500' | '503'

export interface Fault {
  readonly kind: FaultKind
  /** For `delay`; default 1,000. */
  readonly delayMs?: number
}

export interface FaultedCall {
  readonly operation: StoreOperation
  readonly key: string
  /** Counts the calls to the store, from 1. */
  readonly number: number
}

/** Decides for each call, in the order of the calls, what happens to it. */
export interface FaultPlan {
  /** Names the plan in the message of every fault, so that a failed test can be run again: the seed. */
  readonly title: string
  next(call: FaultedCall): Fault | undefined
}

export interface ScriptedFault extends Fault {
  /** Default: any. */
  readonly operation?: StoreOperation
  /** Only calls for a key that ends so. */
  readonly key?: string
}

/** Each fault meets the next call that it fits, in order; then nothing fails any more. */
export function scriptedFaults(script: readonly ScriptedFault[]): FaultPlan {
  const left = [...script]
  return {
    title: 'scripted',
    next({operation, key}) {
      const [fault] = left
      if (fault === undefined) return undefined
      if ((fault.operation ?? operation) !== operation || !key.endsWith(fault.key ?? '')) return undefined
      return left.shift()
    },
  }
}

export interface SeededFaultsOptions {
  readonly seed: number
  /** How likely a call meets a fault, 0–1. */
  readonly rate: number
  readonly kinds: readonly FaultKind[]
  /** At most, for `delay`. Default 1,000. */
  readonly maxDelayMs?: number
}

/** The same seed and the same calls give the same faults. */
export function seededFaults({seed, rate, kinds, maxDelayMs = 1000}: SeededFaultsOptions): FaultPlan {
  const random = generator(seed)
  return {
    title: `seed ${seed}`,
    next() {
      const [hit, which, delay] = [random(), random(), random()]
      const kind = kinds[Math.floor(which * kinds.length)]
      if (hit >= rate || kind === undefined) return undefined
      return {kind, delayMs: Math.floor(delay * maxDelayMs)}
    },
  }
}

/** Numbers in [0, 1) from a 32-bit state (a Weyl sequence, mixed). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
