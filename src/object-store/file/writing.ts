import {link, unlink} from 'node:fs/promises'
import type {Random} from '../../base/clock.js'
import {storeError} from '../errors.js'
import type {ObjectBody, PutMode, PutOptions, PutResult} from '../object-store.js'
import {errno, ifThere} from './disk-errors.js'
import type {MetaFiles} from './meta-files.js'
import {metaNamesOf, type ObjectNames} from './names.js'
import type {Reading} from './reading.js'
import type {Root} from './root.js'
import {claimed, type TempFile, type TempFiles} from './temp-files.js'
import {first, pathOf, type Version, type Versions} from './versions.js'

/** What a write builds on: nothing yet (0), or a version, by the id of its write. */
interface Base {
  readonly version: number
  readonly id?: string
}

interface WritingParts {
  readonly root: Root
  readonly random: Random
  readonly temps: TempFiles
  readonly versions: Versions
  readonly meta: MetaFiles
  readonly reading: Reading
  readonly versionLifeMs: number
}

/**
 * Gives a body the next version's name. link(2) lets one of many writers have it; no lock is ever taken, so none is left
 * behind. Old versions go some time after they were superseded, hence a writer that slept longer may link a number that had
 * been used: it looks again, and the version after its own says whose it was built on.
 */
export class Writing {
  readonly #root: Root
  readonly #random: Random
  readonly #temps: TempFiles
  readonly #versions: Versions
  readonly #meta: MetaFiles
  readonly #reading: Reading
  readonly #versionLifeMs: number

  constructor(parts: WritingParts) {
    this.#root = parts.root
    this.#random = parts.random
    this.#temps = parts.temps
    this.#versions = parts.versions
    this.#meta = parts.meta
    this.#reading = parts.reading
    this.#versionLifeMs = parts.versionLifeMs
  }

  async put(names: ObjectNames, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    // A create of a key without later versions leaves it to the disk to refuse; others must know what they build on.
    const asks = options.mode.type === 'create' && (await this.#versions.later(names)) === undefined
    let base = asks ? {version: 0} : await this.#base(names, options.mode)
    const temp = await this.#temps.write(names.key, body, options.signal)
    try {
      for (;;) {
        const result = await this.#attempt(names, base, temp, options)
        if (result !== undefined) return result
        base = await this.#base(names, options.mode)
      }
    } finally {
      await this.#temps.remove(temp.path)
    }
  }

  /** What is there, when the mode allows to write on top of it. */
  async #base(names: ObjectNames, mode: PutMode): Promise<Base> {
    const newest = await this.#versions.newest(names)
    if (newest?.deleted) {
      if (mode.type === 'update') throw changed(names)
      const id = (await this.#versions.tombstone(newest.path))?.id
      return {version: newest.number, ...(id === undefined ? {} : {id})}
    }
    const object = newest && (await this.#reading.open(names))
    await object?.handle.close()
    if (mode.type === 'create' && object !== undefined) throw exists(names)
    if (mode.type === 'update' && object?.etag !== mode.etag) throw changed(names)
    if (object !== undefined) return {version: object.version.number, id: object.meta?.record.id ?? object.etag}
    await this.#refuseTaken(names)
    // Something was there a moment ago: look again.
    return newest === undefined ? {version: 0} : this.#base(names, mode)
  }

  /** A name may be free to us and taken on the disk: by a folder, a link, or a name of other letter case. */
  async #refuseTaken(names: ObjectNames): Promise<void> {
    await this.#root.prune(names.path, names.folder)
    const stats = await this.#root.stat(names.path)
    if (stats === undefined || (stats.isFile() && (await this.#root.holds(names.path)))) return
    throw storeError(
      'KEY_INVALID',
      `'${names.key}' cannot be an object: the disk has a folder or a link of that name.`,
      {
        suggestions: ['No key can be the folder of another one, or differ from one only in letter case on some disks.'],
      },
    )
  }

  /** @returns undefined when another writer was faster: look again. */
  async #attempt(names: ObjectNames, base: Base, temp: TempFile, options: PutOptions): Promise<PutResult | undefined> {
    const version = base.version + 1
    const target = pathOf(names, version)
    const id = Buffer.from(this.#random.bytes(12)).toString('hex')
    const folder = version === 1 ? names.folder : names.versions
    await this.#root.ensure(folder)
    const metaNames = metaNamesOf(names, version)
    const meta = await this.#meta.write(metaNames, temp.digest, {
      id,
      inode: temp.inode,
      ...(base.id === undefined ? {} : {predecessor: base.id}),
      metadata: options.metadata ?? {},
      ...(options.contentType === undefined ? {} : {contentType: options.contentType}),
    })
    let named = false
    try {
      options.signal?.throwIfAborted()
      // Whoever deletes version 1 unlinks it first and then looks for the folder of versions, which stands by now.
      if (base.version === 1 && !(await this.#root.holds(names.path))) return undefined
      named = await this.#link(temp, target, folder)
      if (!named) return undefined
      const outcome = await this.#settle(names, version, id)
      if (outcome !== 'won') {
        await ifThere(unlink(this.#root.at(target)))
        named = false
        if (outcome === 'lost') return undefined
        throw storeError('STORE_CONFLICT', `Whether '${names.key}' was written cannot be told: it changed often since.`)
      }
      await Promise.all([this.#root.sync(folder), this.#root.sync(metaNames.folder)])
    } finally {
      if (!named) await this.#meta.remove(meta)
    }
    return this.#written(names, version, temp)
  }

  async #link(temp: TempFile, target: string, folder: string): Promise<boolean> {
    for (;;) {
      try {
        if (await claimed(link(this.#root.at(temp.path), this.#root.at(target)))) return true
        // A network file system that sends a call twice refuses the second.
        return (await this.#root.stat(target))?.ino === temp.inode
      } catch (error) {
        // A racing delete takes folders away as they become empty.
        if (errno(error) !== 'ENOENT' || (await this.#root.stat(temp.path)) === undefined) throw error
        await this.#root.ensure(folder)
      }
    }
  }

  async #settle(names: ObjectNames, version: number, id: string): Promise<'won' | 'lost' | 'unknown'> {
    const later = (await this.#versions.later(names)) ?? []
    if ((later.at(-1)?.number ?? 0) <= version) return 'won'
    const next = later.find(({number}) => number === version + 1)
    if (next === undefined) return 'unknown'
    const predecessor = await this.#predecessor(names, next)
    if (predecessor === undefined) return 'unknown'
    return predecessor === id ? 'won' : 'lost'
  }

  async #predecessor(names: ObjectNames, version: Version): Promise<string | undefined> {
    if (version.deleted) return (await this.#versions.tombstone(version.path))?.predecessor
    return this.#reading.predecessor(names, version)
  }

  /** The answer's date is when link(2) touched the file: a writer that slept over its body must not get an early date. */
  async #written(names: ObjectNames, version: number, temp: TempFile): Promise<PutResult> {
    const stats = await this.#root.stat(pathOf(names, version))
    const date = Math.max(temp.modified, Math.floor(stats?.ctimeMs ?? (await this.#temps.now())))
    if (version > 1) await this.#dropOld(names, date)
    return {etag: `${version}-${temp.digest}`, date}
  }

  async #dropOld(names: ObjectNames, now: number): Promise<void> {
    const later = (await this.#versions.later(names)) ?? []
    const chain = later[0]?.number === 2 ? [first(names), ...later] : later
    for (const [index, version] of chain.entries()) {
      const next = chain[index + 1]
      if (next === undefined) return
      // ctime is when it got its name; its bytes may be older.
      const superseded = (await this.#root.stat(next.path))?.ctimeMs
      if (superseded === undefined || now - superseded < this.#versionLifeMs) return
      await this.#drop(names, version)
    }
  }

  async #drop(names: ObjectNames, version: Version): Promise<void> {
    const metaNames = metaNamesOf(names, version.number)
    const records = (await this.#meta.index(metaNames.folder)).get(metaNames.stem) ?? []
    await ifThere(unlink(this.#root.at(version.path)))
    for (const record of records) await this.#meta.remove(`${metaNames.folder}/${record}`)
  }

  /** Puts a tombstone on top of whatever is there, and takes away what lies below: readers that have it open keep it. */
  async bury(names: ObjectNames): Promise<void> {
    for (;;) {
      await this.#root.ensure(names.versions)
      const newest = (await this.#versions.newest(names)) ?? first(names)
      if (newest.deleted) break
      const object = await this.#reading.open(names)
      await object?.handle.close()
      if (object !== undefined && object.version.number !== newest.number) continue
      const id = Buffer.from(this.#random.bytes(12)).toString('hex')
      const predecessor = object?.meta?.record.id ?? object?.etag ?? 'unknown'
      if (!(await this.#versions.bury(names, newest.number, {id, predecessor}))) continue
      if ((await this.#settle(names, newest.number + 1, id)) === 'won') break
    }
    await this.#root.sync(names.versions)
    const later = (await this.#versions.later(names)) ?? []
    const tombstone = later.findLast(({deleted}) => deleted)?.number ?? 0
    for (const version of [first(names), ...later]) {
      if (version.number < tombstone) await this.#drop(names, version)
    }
  }
}

function exists(names: ObjectNames): Error {
  return storeError('OBJECT_EXISTS', `Object '${names.key}' is already stored.`)
}

function changed(names: ObjectNames): Error {
  return storeError('OBJECT_CHANGED', `Object '${names.key}' is no longer the one to update.`)
}
