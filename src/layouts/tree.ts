import type {ObjectStore} from '../object-store/object-store.js'

/** What reading a layout takes: objects that are listed and read, in a bucket or in a directory. Nothing is ever written. */
export type Tree = Pick<ObjectStore, 'url' | 'list' | 'get'>

/** Names one object for people, and as SESSION: the store's URL with the key behind it. */
export function uriOf({url}: Pick<Tree, 'url'>, key: string): string {
  return `${url.replace(/\/$/, '')}/${key}`
}
