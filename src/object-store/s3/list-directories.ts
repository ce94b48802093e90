import {storeError} from '../errors.js'
import type {ListOptions, ListPage} from '../object-store.js'
import type {S3Connection} from './connection.js'
import {listObjects} from './list-objects.js'

/**
 * The listing of a directory bucket: in no order, and of whole folders alone, so that what a prefix asks for that ends inside a
 * name is picked out of its folder.
 *
 * @throws UNSUPPORTED for `startAfter`
 */
export async function* listDirectories(connection: S3Connection, options: ListOptions): AsyncIterable<ListPage> {
  const {prefix, startAfter} = options
  if (startAfter !== undefined) {
    throw storeError('UNSUPPORTED', `A listing of ${connection.url} has no order in which it could start after a key.`)
  }
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  for await (const page of listObjects(connection, {...options, prefix: folder})) {
    yield {
      ...page,
      objects: page.objects.filter(({key}) => key.startsWith(prefix)),
      prefixes: page.prefixes.filter((name) => name.startsWith(prefix)),
    }
  }
}
