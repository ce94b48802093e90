import {createHash} from 'node:crypto'
import {storeError} from './errors.js'
import type {GetOptions, ObjectContent} from './object-store.js'

interface ResumingBodyOptions {
  readonly key: string
  readonly content: ObjectContent
  readonly options: GetOptions
  /** Waits before another try; rejects with the failure when it is not worth one. */
  readonly admit: (failure: unknown) => Promise<void>
  /** Bytes came that had not come before. */
  readonly moved: () => void
  readonly get: (options: GetOptions) => Promise<ObjectContent>
}

/**
 * One stream over an answer that may break and be asked for again, always of one etag. A range goes on where it broke. A
 * whole object stays verified as a whole: where the store names its SHA-256, it goes on where it broke and all of it is
 * hashed here; where not, the object is read again from its start, so that the store's own check covers it, and the bytes
 * already handed out must come again.
 */
export function resumingBody(options: ResumingBodyOptions): AsyncIterable<Uint8Array> {
  return new CancellableBody(options.content.body, resumed(options))
}

async function* resumed({
  key,
  content,
  options,
  admit,
  moved,
  get,
}: ResumingBodyOptions): AsyncGenerator<Uint8Array, void> {
  const {sha256} = content
  const whole = options.range === undefined
  const end = Math.min(options.range?.end ?? content.size, content.size)
  const hash = createHash('sha256')
  let position = options.range?.start ?? 0
  let isFirst = true
  const open = async () => {
    const again = {...options, ifMatch: content.etag}
    if (!whole || sha256 !== undefined) return (await get({...again, range: {start: position, end}})).body
    return after((await get(again)).body, position, hash.copy().digest('hex'), key)
  }
  for (;;) {
    let failure: unknown
    try {
      for await (const chunk of isFirst ? content.body : await open()) {
        if (whole) hash.update(chunk)
        position += chunk.byteLength
        moved()
        yield chunk
      }
      if (position >= end) break
      failure = storeError('STORE_UNREACHABLE', `The body of '${key}' ended early, at ${position} of ${end}.`)
    } catch (error) {
      failure = error
    }
    await admit(failure)
    isFirst = false
    // All bytes are here. Without a digest to hold them against, the store has to say once more that they are right.
    if (position >= end && (!whole || sha256 !== undefined)) break
  }
  if (!isFirst && whole && sha256 !== undefined && hash.digest('hex') !== sha256) throw differs(key)
}

/** What follows the first `count` bytes, which must be the ones with this digest. */
async function* after(
  body: AsyncIterable<Uint8Array>,
  count: number,
  digest: string,
  key: string,
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  let left = count
  for await (const chunk of body) {
    const known = chunk.subarray(0, left)
    if (left > 0) {
      hash.update(known)
      left -= known.byteLength
      if (left === 0 && hash.digest('hex') !== digest) throw differs(key)
    }
    if (known.byteLength < chunk.byteLength) yield chunk.subarray(known.byteLength)
  }
}

function differs(key: string): Error {
  return storeError(
    'CHECKSUM_MISMATCH',
    `The answers that make up '${key}' do not add up to the bytes that were stored.`,
  )
}

/** A generator that was never started does not clean up; the answer behind it must be given back all the same. */
class CancellableBody implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #body: AsyncGenerator<Uint8Array, void>
  #started = false

  constructor(source: AsyncIterable<Uint8Array>, body: AsyncGenerator<Uint8Array, void>) {
    this.#source = source
    this.#body = body
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        this.#started = true
        return this.#body.next()
      },
      return: async () => {
        if (!this.#started) await this.#source[Symbol.asyncIterator]().return?.()
        await this.#body.return()
        return {done: true, value: undefined}
      },
    }
  }
}
