import type {Stats} from 'node:fs'
import type {FileHandle} from 'node:fs/promises'
import {digestOf} from './file-body.js'
import type {FoundMeta, MetaFiles, MetaIndex} from './meta-files.js'
import {metaNamesOf, type ObjectNames} from './names.js'
import type {Root} from './root.js'
import {first, type Version, type Versions} from './versions.js'

/** Files up to this size are hashed rather than looked up in a folder that may hold thousands of names. */
const SMALL = 64 * 1024

/** One version of an object, open: whatever happens to its name, its bytes stay readable. */
export interface OpenObject {
  readonly version: Version
  readonly handle: FileHandle
  readonly stats: Stats
  readonly meta: FoundMeta | undefined
  readonly etag: string
}

/** An object as a listing of its folder shows it. */
export interface ListedName {
  readonly names: ObjectNames
  /** There is a folder for its later versions. */
  readonly versioned: boolean
}

/** What an object says of itself without being opened. */
export interface ObjectStat {
  readonly etag: string
  readonly size: number
  readonly modified: number
}

/** Finds the version of an object that counts, and what is kept beside it. */
export class Reading {
  readonly #root: Root
  readonly #versions: Versions
  readonly #meta: MetaFiles

  constructor(root: Root, versions: Versions, meta: MetaFiles) {
    this.#root = root
    this.#versions = versions
    this.#meta = meta
  }

  /** @returns undefined when there is no such object; else the handle is the caller's to close. */
  async open(names: ObjectNames): Promise<OpenObject | undefined> {
    for (;;) {
      const version = await this.#versions.newest(names)
      if (version === undefined || version.deleted) return undefined
      const handle = await this.#root.open(version.path)
      // Removed since it was looked up: then something newer counts, or nothing.
      if (handle === undefined) {
        if (await this.#isStuck(names, version)) return undefined
        continue
      }
      try {
        const stats = await handle.stat()
        if (!stats.isFile()) {
          await handle.close()
          return undefined
        }
        const meta = await this.#metaOf(names, version, handle, stats)
        // Neither its own nor, as in a copied tree, the only one: it may have been deleted and created anew meanwhile.
        if (meta?.record.inode !== stats.ino && (await this.#root.stat(version.path))?.ino !== stats.ino) {
          await handle.close()
          continue
        }
        return {version, handle, stats, meta, etag: etagOf(version.number, stats, meta?.digest)}
      } catch (error) {
        await handle.close()
        throw error
      }
    }
  }

  /** The id of the write that a later version was built on. */
  async predecessor(names: ObjectNames, version: Version): Promise<string | undefined> {
    const stats = await this.#root.stat(version.path)
    if (stats === undefined) return undefined
    const hash = async () => this.#hash(version.path)
    return (await this.#meta.find(metaNamesOf(names, version.number), stats.ino, hash))?.record.predecessor
  }

  /** A name that is listed and cannot be opened, as a link is, is no object. */
  async #isStuck(names: ObjectNames, version: Version): Promise<boolean> {
    const again = await this.#versions.newest(names)
    return again?.number === version.number && (await this.#root.stat(version.path)) !== undefined
  }

  /**
   * As {@link open}, for objects that lie in one folder: what there is to be listed of each, undefined where there is no object.
   *
   * @param index names the metadata files beside their first versions.
   */
  async statAll(listed: readonly ListedName[], index: MetaIndex): Promise<readonly (ObjectStat | undefined)[]> {
    const latest = await this.#versions.latest(listed.filter(({versioned}) => versioned).map(({names}) => names))
    const looked = listed.flatMap(({names, versioned}) => {
      const version = versioned ? latest.get(names) : first(names)
      return version === undefined || version.deleted
        ? []
        : [{names, version, meta: metaNamesOf(names, version.number)}]
    })
    const updated = looked.filter(({version}) => version.number > 1)
    const [stats, indexes] = await Promise.all([
      this.#root.statAll(looked.map(({version}) => version.path)),
      this.#meta.indexAll(updated.map(({meta}) => meta.folder)),
    ])
    const indexOf = new Map(updated.map(({names}, place) => [names, indexes[place]]))
    const found = new Map<ObjectNames, ObjectStat>()
    for (const [place, {names, version, meta}] of looked.entries()) {
      const own = stats[place]
      const digest = own?.isFile() ? this.#meta.onlyDigest(meta.stem, indexOf.get(names) ?? index) : undefined
      if (own !== undefined && digest !== undefined) found.set(names, statOf(version.number, own, digest))
    }
    const isGone = ({names}: ListedName): boolean => latest.get(names)?.deleted ?? false
    const unclear = listed.filter((each) => !found.has(each.names) && !isGone(each))
    const looks = await Promise.all(unclear.map(async ({names, versioned}) => this.#stat(names, versioned, index)))
    for (const [place, {names}] of unclear.entries()) {
      const stat = looks[place]
      if (stat !== undefined) found.set(names, stat)
    }
    return listed.map(({names}) => found.get(names))
  }

  async #stat(names: ObjectNames, versioned: boolean, index: MetaIndex): Promise<ObjectStat | undefined> {
    const version = versioned ? await this.#versions.newest(names) : first(names)
    if (version === undefined || version.deleted) return undefined
    const stats = await this.#root.stat(version.path)
    // Removed since it was looked up: then something newer counts, or nothing.
    if (stats === undefined) return this.#stat(names, true, index)
    if (!stats.isFile()) return undefined
    const metaNames = metaNamesOf(names, version.number)
    const known = version.number === 1 ? index : await this.#meta.index(metaNames.folder)
    const digest = await this.#meta.findDigest(metaNames, stats.ino, async () => this.#hash(version.path), known)
    return statOf(version.number, stats, digest)
  }

  async #metaOf(
    names: ObjectNames,
    version: Version,
    handle: FileHandle,
    stats: Stats,
  ): Promise<FoundMeta | undefined> {
    const metaNames = metaNamesOf(names, version.number)
    const hash = async () => digestOf(handle, stats.size)
    if (version.number === 1 && stats.size <= SMALL) {
      const found = await this.#meta.findByDigest(metaNames, await hash(), stats.ino)
      if (found !== undefined) return found
    }
    return this.#meta.find(metaNames, stats.ino, hash)
  }

  async #hash(path: string): Promise<string> {
    const handle = await this.#root.open(path)
    if (handle === undefined) return ''
    try {
      return await digestOf(handle, (await handle.stat()).size)
    } finally {
      await handle.close()
    }
  }
}

function statOf(version: number, stats: Stats, digest: string | undefined): ObjectStat {
  return {etag: etagOf(version, stats, digest), size: stats.size, modified: Math.floor(stats.mtimeMs)}
}

/** Of a file that was put there by other means nothing but its looks is known without reading it. */
export function etagOf(version: number, stats: Stats, digest: string | undefined): string {
  return `${version}-${digest ?? `${stats.size}-${stats.ino}-${Math.floor(stats.mtimeMs)}`}`
}
