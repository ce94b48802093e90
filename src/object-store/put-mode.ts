import {storeError} from './errors.js'
import type {PutMode} from './object-store.js'

/**
 * Holds a mode against what is there, for stores and decorators that decide it themselves.
 *
 * @param etag of the object that is there; undefined: there is none
 * @param url for the message
 * @throws OBJECT_EXISTS, OBJECT_CHANGED
 */
export function checkMode(mode: PutMode, etag: string | undefined, key: string, url: string): void {
  if (mode.type === 'create' && etag !== undefined) {
    throw storeError('OBJECT_EXISTS', `Object '${key}' is already in ${url}.`)
  }
  if (mode.type === 'update' && etag !== mode.etag) {
    throw storeError('OBJECT_CHANGED', `Object '${key}' in ${url} is no longer the one to update.`)
  }
}
