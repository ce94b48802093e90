import {join} from 'node:path'
import {compareKeys} from '../key-order.js'
import type {ListOptions, ObjectSummary} from '../object-store.js'
import type {MetaFiles, MetaIndex} from './meta-files.js'
import {decodeSegment, folderOf, isInternal, META_FOLDER, namesOf, VERSIONS_SUFFIX} from './names.js'
import type {Reading} from './reading.js'
import type {Root} from './root.js'

/** Objects whose state is asked for at once. */
const BATCH = 256

type Listed = {readonly object: ObjectSummary} | {readonly prefix: string}

interface Entry {
  /** The key of an object, or what the keys in a folder begin with (ends in `/`). */
  readonly key: string
  readonly folder: string | undefined
  readonly versioned: boolean
}

/** Walks the tree in byte order of the keys, through the folders that can hold the prefix alone. */
export class Walk {
  readonly #root: Root
  readonly #reading: Reading
  readonly #meta: MetaFiles

  constructor(parts: {root: Root; reading: Reading; meta: MetaFiles}) {
    this.#root = parts.root
    this.#reading = parts.reading
    this.#meta = parts.meta
  }

  async *list(options: ListOptions): AsyncIterable<Listed> {
    const {prefix} = options
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const folder = folderOf(top)
    if (folder !== undefined && !isInternal(top)) yield* this.#folder(folder, top, options)
  }

  async *#folder(folder: string, keys: string, options: ListOptions): AsyncIterable<Listed> {
    const entries = (await this.#entries(folder, keys)).filter((entry) => isWanted(entry, options))
    let loading: Promise<MetaIndex> | undefined
    // Read after the folder's own entries, since metadata is there before its object.
    const index = async () => (loading ??= this.#meta.index(join(META_FOLDER, folder)))
    const batch = Math.min(BATCH, options.pageSize ?? BATCH)
    for (let start = 0; start < entries.length; start += batch) {
      const some = entries.slice(start, start + batch)
      const looks = await Promise.all(
        some.map(async (entry) =>
          entry.folder === undefined ? this.#object(entry, index) : this.#prefix(entry, options),
        ),
      )
      for (const [place, entry] of some.entries()) {
        const listed = looks[place]
        if (listed !== undefined) yield listed
        else if (entry.folder !== undefined) yield* this.#below(entry.folder, entry.key, options)
      }
    }
  }

  /** A folder that is rolled up, where one look tells that it holds an object. @returns undefined when more must be looked at. */
  async #prefix({folder, key}: Entry, options: ListOptions): Promise<Listed | undefined> {
    if (folder === undefined || options.delimiter === undefined || key.length <= options.prefix.length) return undefined
    const entries = await this.#entries(folder, key)
    // A file that was never updated is an object; what has versions may be a tombstone.
    const isObject = (entry: Entry): boolean =>
      entry.folder === undefined && !entry.versioned && isWanted(entry, options)
    return entries.some(isObject) ? {prefix: key} : undefined
  }

  async *#below(folder: string, keys: string, options: ListOptions): AsyncIterable<Listed> {
    if (options.delimiter === undefined || keys.length <= options.prefix.length) {
      yield* this.#folder(folder, keys, options)
      return
    }
    // A folder of tombstones and leftovers holds no object: one object is what makes it a prefix.
    for await (const listed of this.#folder(folder, keys, {...withoutDelimiter(options), pageSize: 1})) {
      if ('object' in listed) {
        yield {prefix: keys}
        return
      }
    }
  }

  async #entries(folder: string, keys: string): Promise<Entry[]> {
    const found = new Map<string, Entry>()
    for (const entry of (await this.#root.entries(folder)) ?? []) {
      const versioned = entry.name.endsWith(VERSIONS_SUFFIX) && entry.isDirectory()
      const segment = decodeSegment(versioned ? entry.name.slice(0, -VERSIONS_SUFFIX.length) : entry.name)
      if (segment === undefined || !(entry.isDirectory() || entry.isFile())) continue
      const key = keys + segment
      if (entry.isDirectory() && !versioned) {
        if (!isInternal(key)) found.set(`${key}/`, {key: `${key}/`, folder: join(folder, entry.name), versioned: false})
      } else if (versioned || !found.has(key)) found.set(key, {key, folder: undefined, versioned})
    }
    return [...found.values()].toSorted((a, b) => compareKeys(a.key, b.key))
  }

  async #object(entry: Entry, index: () => Promise<MetaIndex>): Promise<Listed | undefined> {
    const stat = await this.#reading.stat(namesOf(entry.key), entry.versioned, index)
    return stat && {object: {key: entry.key, ...stat}}
  }
}

function isWanted({key, folder}: Entry, {prefix, startAfter}: ListOptions): boolean {
  if (!key.startsWith(prefix) && !(folder !== undefined && prefix.startsWith(key))) return false
  if (startAfter === undefined || compareKeys(key, startAfter) > 0) return true
  return folder !== undefined && startAfter.startsWith(key)
}

function withoutDelimiter({delimiter: _delimiter, ...options}: ListOptions): ListOptions {
  return options
}
