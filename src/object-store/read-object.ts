import {hasCode, RepriseError} from '../base/errors.js'
import type {GetOptions, ObjectContent, ObjectHead, ObjectStore} from './object-store.js'

const MAX_TRIES = 5

export interface WholeObject extends ObjectHead {
  readonly bytes: Uint8Array
}

export interface ReadObjectOptions extends GetOptions {
  /** Most bytes to take into memory. */
  readonly limit: number
}

/**
 * A small object (or a range of one) in memory.
 *
 * @returns undefined when there is no such object.
 * @throws OBJECT_TOO_LARGE when more than `limit` bytes would come, before reading them.
 */
export async function readObject(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  options: ReadObjectOptions,
): Promise<WholeObject | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(store, key, options)
    } catch (error) {
      // A body that broke and could not be gone on with: somebody has replaced the object meanwhile.
      if (options.ifMatch !== undefined || tries === MAX_TRIES || !hasCode(error, 'OBJECT_CHANGED')) throw error
    }
  }
}

async function readOnce(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  options: ReadObjectOptions,
): Promise<WholeObject | undefined> {
  const content = await store.get(key, options).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  })
  if (content === undefined) return undefined
  const {body, ...head} = content
  return {...head, bytes: await collect(body, key, expected(content, options), options.limit)}
}

function expected(content: ObjectContent, {range}: GetOptions): number {
  if (range === undefined) return content.size
  return Math.min(range.end ?? content.size, content.size) - range.start
}

async function collect(body: AsyncIterable<Uint8Array>, key: string, size: number, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  if (size <= limit) {
    for await (const chunk of body) {
      total += chunk.byteLength
      if (total > limit) break
      chunks.push(chunk)
    }
    if (total <= limit) return Buffer.concat(chunks, total)
  } else {
    await body[Symbol.asyncIterator]().return?.()
  }
  throw new RepriseError({
    kind: 'bad-data',
    code: 'OBJECT_TOO_LARGE',
    message: `Object '${key}' holds ${Math.max(size, total)} bytes; at most ${limit} were expected.`,
    suggestions: ['Look at that object, and remove it where no writer of yours made it.', 'reprise doctor'],
    details: {key, size, limit},
  })
}
