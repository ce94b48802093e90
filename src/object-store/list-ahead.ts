import {compareKeys} from './key-order.js'
import {type Listing, listAll} from './list-all.js'
import type {ListOptions, ListPage, ObjectStore, ObjectSummary} from './object-store.js'

const LANES = 4

/**
 * The objects directly below a prefix, several pages at a time. The first page tells whether there are more; then the keys that may
 * follow are cut in ranges, and each is listed on its own. Only where the store sorts, and only for children of one folder:
 * servers differ in how they sort a folder among files, and agree about files.
 *
 * @param cuts keys in order that part what follows the last key of the first page in ranges of about the same size.
 */
export async function listAhead(
  store: ObjectStore,
  options: ListOptions & {readonly delimiter: '/'},
  cuts: (last: string, date: number) => readonly string[],
): Promise<Pick<Listing, 'objects' | 'date'>> {
  if (!store.traits.sortedListing) return listAll(store, options)
  const pages = store.list(options)[Symbol.asyncIterator]()
  const found = new Map<string, ObjectSummary>()
  const take = ({objects}: ListPage): void => {
    for (const object of objects) found.set(object.key, object)
  }
  const first = await pages.next()
  if (first.done) return {objects: [], date: 0}
  take(first.value)
  const last = first.value.objects.at(-1)
  const {date} = first.value
  const second = await pages.next()
  if (!second.done) {
    take(second.value)
    const bounds = last ? cuts(second.value.objects.at(-1)?.key ?? last.key, date).slice(0, LANES - 1) : []
    const lanes = bounds.map(async (startAfter, index) =>
      listUntil(store.list({...options, startAfter})[Symbol.asyncIterator](), bounds[index + 1], take),
    )
    await Promise.all([listUntil(pages, bounds[0], take), ...lanes])
  }
  return {objects: [...found.values()].toSorted((a, b) => compareKeys(a.key, b.key)), date}
}

/** Takes pages until one reaches beyond a key. */
async function listUntil(
  pages: AsyncIterator<ListPage>,
  bound: string | undefined,
  take: (page: ListPage) => void,
): Promise<void> {
  for (let next = await pages.next(); !next.done; next = await pages.next()) {
    take(next.value)
    const last = next.value.objects.at(-1)
    if (bound !== undefined && last && compareKeys(last.key, bound) > 0) {
      await pages.return?.()
      return
    }
  }
}
