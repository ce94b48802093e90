import {readAhead} from '../base/read-ahead.js'
import type {ObjectStore, ObjectSummary, PutOptions, PutResult} from './object-store.js'
import {readObject} from './read-object.js'

/** An object whose bytes go into a join. */
export type JoinSource = Pick<ObjectSummary, 'key' | 'size' | 'etag'>

/** Larger ones are streamed one after the other; of smaller ones many are read at once. */
const SMALL = 2 * 1024 * 1024
const WINDOW = {concurrency: 48, window: 8 * 1024 * 1024}

/**
 * Makes one object of several, in their order, with the bytes on their way through this machine. Each must still be what its etag
 * names.
 *
 * @throws OBJECT_NOT_FOUND, OBJECT_CHANGED for a source, and what `put` throws.
 */
export async function joinObjects(
  store: ObjectStore,
  sources: readonly JoinSource[],
  target: string,
  options: PutOptions,
): Promise<PutResult> {
  const size = sources.reduce((sum, source) => sum + source.size, 0)
  const open = (): AsyncIterable<Uint8Array> => bytesOf(store, sources, options.signal)
  return store.put(target, {size, open}, options)
}

async function* bytesOf(
  store: ObjectStore,
  sources: readonly JoinSource[],
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const abort = new AbortController()
  const request = signal ? {signal} : {}
  const read = async ({key, size, etag}: JoinSource): Promise<AsyncIterable<Uint8Array> | readonly Uint8Array[]> => {
    if (size > SMALL) return (await store.get(key, {ifMatch: etag, ...request})).body
    const object = await readObject(store, key, {ifMatch: etag, limit: SMALL, ...request})
    return object ? [object.bytes] : (await store.get(key, {ifMatch: etag, ...request})).body
  }
  // A stream that is open and not read yet holds nothing but its socket.
  const sizeOf = ({size}: JoinSource): number => (size > SMALL ? WINDOW.window : size)
  try {
    const filled = sources.filter(({size}) => size > 0)
    for await (const {result} of readAhead(filled, read, sizeOf, abort.signal, WINDOW)) yield* result
  } finally {
    abort.abort()
  }
}
