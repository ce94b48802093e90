import assert from 'node:assert/strict'
import {setTimeout as delay} from 'node:timers/promises'
import {hasCode} from '../../base/errors.js'
import type {StoreErrorCode} from '../errors.js'
import type {GetOptions, ObjectBody, ObjectStore} from '../object-store.js'

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes that differ at every place one might mix up, the same on every run. */
export function pattern(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

/** A body that comes in pieces of odd sizes and counts how often it was opened. */
export function streamed(bytes: Uint8Array, piece = 70_001): ObjectBody & {opened(): number} {
  let opened = 0
  return {
    size: bytes.byteLength,
    opened: () => opened,
    async *open() {
      opened++
      for (let start = 0; start < bytes.byteLength; start += piece) yield bytes.slice(start, start + piece)
    },
  }
}

export async function read(store: ObjectStore, key: string, options: GetOptions = {}): Promise<Uint8Array> {
  const {body} = await store.get(key, options)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function readText(store: ObjectStore, key: string, options: GetOptions = {}): Promise<string> {
  return new TextDecoder().decode(await read(store, key, options))
}

export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(actual.byteLength, expected.byteLength, `${what}: length`)
  assert.ok(Buffer.from(actual).equals(expected), `${what}: bytes differ`)
}

export async function rejects(promise: Promise<unknown>, ...codes: StoreErrorCode[]): Promise<void> {
  const outcome = await promise.then(
    () => 'a result',
    (error: unknown) => error,
  )
  if (hasCode(outcome, ...codes)) return
  assert.fail(`expected ${codes.join(' or ')}, got ${outcome instanceof Error ? outcome.stack : String(outcome)}`)
}

/** A conditional write as a caller sends it under races: STORE_CONFLICT says that nothing was decided, so it asks again. */
export async function decided<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write()
    } catch (error) {
      if (attempt === 50 || !hasCode(error, 'STORE_CONFLICT', 'STORE_THROTTLED')) throw error
      await delay(attempt * 2)
    }
  }
}

/** Runs `task` for 0 … count-1, so many at once as `width` says. */
export async function times(count: number, width: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({length: width}, worker))
}
