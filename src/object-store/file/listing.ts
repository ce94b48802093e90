import type {Dirent} from 'node:fs'
import {join} from 'node:path'
import {checkKey} from '../key.js'
import {compareKeys} from '../key-order.js'
import type {ListOptions, ObjectSummary} from '../object-store.js'
import type {MetaFiles, MetaIndex} from './meta-files.js'
import {decodeSegment, folderOf, isInternal, META_FOLDER, namesIn, VERSIONS_SUFFIX} from './names.js'
import type {Reading} from './reading.js'
import type {Root} from './root.js'

/** Objects and folders whose state is asked for at once. */
const BATCH = 256
const MOST_BATCHES = 8

type Listed = {readonly object: ObjectSummary} | {readonly prefix: string}

interface Entry {
  /** The key of an object, or what the keys in a folder begin with (ends in `/`). */
  readonly key: string
  /** On the disk, in its folder. */
  readonly name: string
  readonly isFolder: boolean
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

  /** In batches: each costs a turn of the generators it comes through. */
  async *list(options: ListOptions): AsyncIterable<readonly Listed[]> {
    const {prefix} = options
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const folder = folderOf(top)
    if (folder !== undefined && !isInternal(top)) yield* this.#folder(folder, top, options)
  }

  async *#folder(folder: string, keys: string, options: ListOptions): AsyncIterable<readonly Listed[]> {
    const entries = entriesOf((await this.#root.entries(folder)) ?? [], keys)
      .filter((entry) => isWanted(entry, options))
      .toSorted((a, b) => compareKeys(a.key, b.key))
    const batch = batchOf(entries.length, options)
    let index: MetaIndex | undefined
    for (let start = 0; start < entries.length; start += batch) {
      const some = entries.slice(start, start + batch)
      // Read after the folder's own entries, since metadata is there before its object.
      if (some.some(({isFolder}) => !isFolder)) index ??= await this.#meta.index(join(META_FOLDER, folder))
      const [objects, full] = await Promise.all([
        this.#objects(folder, some, index ?? new Map()),
        this.#full(folder, some, options),
      ])
      let listed: Listed[] = []
      for (const entry of some) {
        const object = objects.get(entry)
        if (object !== undefined) listed.push({object})
        else if (full.has(entry)) listed.push({prefix: entry.key})
        else if (entry.isFolder) {
          yield listed
          listed = []
          yield* this.#below(join(folder, entry.name), entry.key, options)
        }
      }
      yield listed
    }
  }

  async #objects(
    folder: string,
    entries: readonly Entry[],
    index: MetaIndex,
  ): Promise<ReadonlyMap<Entry, ObjectSummary>> {
    const files = entries.filter(({isFolder}) => !isFolder)
    for (const {key} of files) checkKey(key)
    const listed = files.map(({key, name, versioned}) => ({names: namesIn(folder, key, name), versioned}))
    const stats = await this.#reading.statAll(listed, index)
    const found = new Map<Entry, ObjectSummary>()
    for (const [place, entry] of files.entries()) {
      const stat = stats[place]
      if (stat !== undefined) found.set(entry, {key: entry.key, ...stat})
    }
    return found
  }

  /** Of the folders that are rolled up those where names alone tell that they hold an object. */
  async #full(folder: string, entries: readonly Entry[], options: ListOptions): Promise<ReadonlySet<Entry>> {
    const {startAfter = ''} = options
    const rolledUp = entries.filter(
      ({isFolder, key}) => isFolder && isRolledUp(key, options) && !startAfter.startsWith(key),
    )
    const full = new Set<Entry>()
    if (rolledUp.length === 0) return full
    const read = await this.#root.entriesBelow(
      folder,
      rolledUp.map(({name}) => name),
    )
    const deeper: Promise<unknown>[] = []
    for (const entry of rolledUp) {
      const dirents = read.get(entry.name) ?? []
      if (hasObject(dirents)) full.add(entry)
      else if (dirents.length > 0) {
        const looking = this.#holdsObject(join(folder, entry.name), entry.key, dirents)
        deeper.push(looking.then((holds) => holds && full.add(entry)))
      }
    }
    await Promise.all(deeper)
    return full
  }

  async #holdsObject(folder: string, keys: string, dirents: readonly Dirent[]): Promise<boolean> {
    if (hasObject(dirents)) return true
    for (const {name, key, isFolder} of entriesOf(dirents, keys)) {
      if (!isFolder) continue
      const below = join(folder, name)
      if (await this.#holdsObject(below, key, (await this.#root.entries(below)) ?? [])) return true
    }
    return false
  }

  async *#below(folder: string, keys: string, options: ListOptions): AsyncIterable<readonly Listed[]> {
    if (!isRolledUp(keys, options)) {
      yield* this.#folder(folder, keys, options)
      return
    }
    // A folder of tombstones and leftovers holds no object: one object is what makes it a prefix.
    for await (const listed of this.#folder(folder, keys, {...withoutDelimiter(options), pageSize: 1})) {
      if (listed.length === 0) continue
      yield [{prefix: keys}]
      return
    }
  }
}

/** A file that was never updated is an object; what has versions may be a tombstone. */
function hasObject(dirents: readonly Dirent[]): boolean {
  const names = new Set(dirents.map(({name}) => name))
  return dirents.some(
    (dirent) =>
      dirent.isFile() && !names.has(dirent.name + VERSIONS_SUFFIX) && decodeSegment(dirent.name) !== undefined,
  )
}

/** What of a directory is ours to list: folders of keys, and objects, each once. */
function entriesOf(dirents: readonly Dirent[], keys: string): Entry[] {
  const found = new Map<string, Entry>()
  for (const dirent of dirents) {
    const isDirectory = dirent.isDirectory()
    const versioned = isDirectory && dirent.name.endsWith(VERSIONS_SUFFIX)
    const name = versioned ? dirent.name.slice(0, -VERSIONS_SUFFIX.length) : dirent.name
    const segment = decodeSegment(name)
    if (segment === undefined || !(isDirectory || dirent.isFile())) continue
    const isFolder = isDirectory && !versioned
    const key = isFolder ? `${keys}${segment}/` : keys + segment
    if (isFolder ? !isInternal(key.slice(0, -1)) : versioned || !found.has(key)) {
      found.set(key, {key, name, isFolder, versioned})
    }
  }
  return [...found.values()]
}

/** Folders are looked at again batch by batch, with all that lies beside them: a few times, however many there are. */
function batchOf(entries: number, {pageSize = BATCH, delimiter}: ListOptions): number {
  const isShort = delimiter === undefined && pageSize < BATCH
  return isShort ? pageSize : Math.max(BATCH, Math.ceil(entries / MOST_BATCHES))
}

function isRolledUp(keys: string, {delimiter, prefix}: ListOptions): boolean {
  return delimiter !== undefined && keys.length > prefix.length
}

function isWanted({key, isFolder}: Entry, {prefix, startAfter}: ListOptions): boolean {
  if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(key))) return false
  if (startAfter === undefined || compareKeys(key, startAfter) > 0) return true
  return isFolder && startAfter.startsWith(key)
}

function withoutDelimiter({delimiter: _delimiter, ...options}: ListOptions): ListOptions {
  return options
}
