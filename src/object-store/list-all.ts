import {compareKeys} from './key-order.js'
import type {ListOptions, ObjectStore, ObjectSummary} from './object-store.js'

export interface Listing {
  /** In byte order of their keys, whatever order the store lists in. */
  readonly objects: readonly ObjectSummary[]
  /** In byte order. */
  readonly prefixes: readonly string[]
  /** The store's clock at the answer of the first page: nothing that was written after it need be listed. */
  readonly date: number
}

/** Reads a listing to its end and sorts it. Every object that was there throughout is in it once. */
export async function listAll(store: Pick<ObjectStore, 'list'>, options: ListOptions): Promise<Listing> {
  const objects = new Map<string, ObjectSummary>()
  const prefixes = new Set<string>()
  let date: number | undefined
  for await (const page of store.list(options)) {
    date ??= page.date
    for (const object of page.objects) objects.set(object.key, object)
    for (const prefix of page.prefixes) prefixes.add(prefix)
  }
  return {
    objects: [...objects.values()].toSorted((a, b) => compareKeys(a.key, b.key)),
    prefixes: [...prefixes].toSorted(compareKeys),
    date: date ?? 0,
  }
}
