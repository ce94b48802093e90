import {setMaxListeners} from 'node:events'
import {readAhead} from '../base/read-ahead.js'
import type {JoinOptions, JoinSource, ObjectStore, PutResult} from './object-store.js'
import {readObject} from './read-object.js'

/** Larger ones are streamed one after the other; of smaller ones many are read at once. */
const SMALL = 2 * 1024 * 1024
const WINDOW = {concurrency: 48, window: 8 * 1024 * 1024}

type ReadSource = (source: JoinSource, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>

/**
 * {@link ObjectStore.join} for a store that cannot copy into a part of an object: all bytes come through this machine, with a few
 * megabytes of them in memory.
 *
 * @param read how to get the bytes of a source; default: `get`
 */
export async function streamJoin(
  store: Pick<ObjectStore, 'get' | 'put'>,
  sources: readonly JoinSource[],
  target: string,
  options: JoinOptions,
  read: ReadSource = async (source, signal) => readSource(store, source, signal),
): Promise<PutResult> {
  const {onProgress, ...put} = options
  const size = sources.reduce((sum, source) => sum + source.size, 0)
  const open = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of bytesOf(sources, read, options.signal)) {
      onProgress?.({moved: chunk.byteLength, copied: 0})
      yield chunk
    }
  }
  return store.put(target, {size, open}, put)
}

async function readSource(
  store: Pick<ObjectStore, 'get'>,
  {key, size, etag}: JoinSource,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const options = {ifMatch: etag, signal}
  const object = size > SMALL ? undefined : await readObject(store, key, {...options, limit: SMALL})
  return object ? once(object.bytes) : (await store.get(key, options)).body
}

async function* bytesOf(
  sources: readonly JoinSource[],
  read: ReadSource,
  outer: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const stop = new AbortController()
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal])
  setMaxListeners(0, signal) // one for each request under way
  try {
    const reading = readAhead(sources, async (source) => read(source, signal), windowOf, stop.signal, WINDOW)
    for await (const {result} of reading) yield* result
    outer?.throwIfAborted()
  } finally {
    stop.abort()
  }
}

/** A large one fills the window: none but it is open, and left open when another fails. */
function windowOf({size}: JoinSource): number {
  return size > SMALL ? WINDOW.window : size
}

/** Bytes in memory as a body. */
export async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
