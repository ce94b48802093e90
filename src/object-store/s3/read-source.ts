import {storeError} from '../errors.js'
import type {ObjectStore} from '../object-store.js'
import {gather} from './gather.js'
import type {S3StoreOptions} from './options.js'
import type {SourceRange} from './plan-join.js'

/**
 * Bytes of a source in memory, asked for again by itself: one of a thousand that fails does not cost the others.
 *
 * @throws OBJECT_NOT_FOUND, OBJECT_CHANGED
 */
export async function readSource(
  store: ObjectStore,
  {retries}: Pick<S3StoreOptions, 'retries'>,
  {source, start, end}: SourceRange,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const {key, etag, size} = source
  const isWhole = start === 0 && end === size
  const read = async (): Promise<Uint8Array> => {
    const content = await store.get(key, {ifMatch: etag, signal, ...(isWhole ? {} : {range: {start, end}})})
    // Not every server holds a GET against its condition.
    if (content.size !== size || content.etag !== etag) {
      await content.body[Symbol.asyncIterator]().return?.()
      throw sourceChanged(store.url, key)
    }
    return gather(key, {size: end - start, open: () => content.body}, signal)
  }
  return retries ? retries.repeat({operation: 'GetObject', key, signal}, read) : read()
}

export function sourceChanged(url: string, key: string): Error {
  return storeError('OBJECT_CHANGED', `Object '${key}' in ${url} is no longer the one to join.`, {details: {key}})
}
