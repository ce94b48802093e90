import {unlink} from 'node:fs/promises'
import {dirname} from 'node:path'
import {pathToFileURL} from 'node:url'
import pMap from 'p-map'
import type {Clock, Random} from '../../base/clock.js'
import {RepriseError, toRepriseError} from '../../base/errors.js'
import {storeError} from '../errors.js'
import {streamJoin} from '../join.js'
import {checkMetadata} from '../metadata.js'
import type {
  DeleteResult,
  GetOptions,
  JoinOptions,
  JoinSource,
  ListOptions,
  ListPage,
  ObjectBody,
  ObjectContent,
  ObjectHead,
  ObjectStore,
  ObjectSummary,
  PutOptions,
  PutResult,
  RequestOptions,
} from '../object-store.js'
import {DiskClock} from './disk-clock.js'
import {diskError} from './disk-errors.js'
import {FileBody} from './file-body.js'
import {Walk} from './listing.js'
import {MetaFiles, type MetaIndex} from './meta-files.js'
import {META_FOLDER, metaNamesOf, namesOf, type ObjectNames} from './names.js'
import {type OpenObject, Reading} from './reading.js'
import {Root} from './root.js'
import {claimed, TempFiles} from './temp-files.js'
import {Versions} from './versions.js'
import {Writing} from './writing.js'

const PAGE = 1000
const DELETES_AT_ONCE = 16
const HOUR = 60 * 60 * 1000

export interface FileObjectStoreOptions {
  /** The root. Made by the first write, with its parents; reading a missing one finds nothing. */
  readonly directory: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  /**
   * How long a version stays after it was superseded (ms, by the disk's clock). A writer that slept longer cannot always be
   * told whether it won. Default: an hour.
   */
  readonly versionLifeMs?: number
}

/**
 * A store in a directory, also one on a shared disk: every guarantee comes from link(2), none from a lock. A key is its
 * path; `.reprise/` holds what a plain tree cannot say. Its dates are the disk's.
 */
export class FileObjectStore implements ObjectStore {
  readonly url: string
  readonly traits = {sortedListing: true}
  readonly #root: Root
  readonly #clock: DiskClock
  readonly #versions: Versions
  readonly #meta: MetaFiles
  readonly #reading: Reading
  readonly #writing: Writing

  constructor({directory, clock, random, versionLifeMs = HOUR}: FileObjectStoreOptions) {
    const root = new Root(directory, clock)
    const temps = new TempFiles(root, random)
    this.url = pathToFileURL(root.given).href
    this.#root = root
    this.#clock = new DiskClock(root, temps, clock)
    this.#versions = new Versions(root)
    this.#meta = new MetaFiles(root)
    this.#reading = new Reading(root, this.#versions, this.#meta)
    const [versions, meta, reading] = [this.#versions, this.#meta, this.#reading]
    this.#writing = new Writing({root, random, temps, versions, meta, reading, versionLifeMs})
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const {pageSize = PAGE, prefix, signal} = options
    const walk = new Walk({root: this.#root, reading: this.#reading, meta: this.#meta})
    let objects: ObjectSummary[] = []
    let prefixes: string[] = []
    try {
      signal?.throwIfAborted()
      await this.#root.locate()
      // Asked before the walk goes on: what a page lacks may have been written after its date.
      let date = await this.#clock.now()
      for await (const some of walk.list({...options, pageSize})) {
        for (const listed of some) {
          signal?.throwIfAborted()
          if (objects.length + prefixes.length >= pageSize) {
            yield {objects, prefixes, date}
            objects = []
            prefixes = []
            date = await this.#clock.now()
          }
          if ('object' in listed) objects.push(listed.object)
          else prefixes.push(listed.prefix)
        }
      }
      yield {objects, prefixes, date}
    } catch (error) {
      throw diskError(error, `listing '${prefix}'`)
    }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.#on(`reading '${key}'`, options, async () => {
      const object = await this.#reading.open(namesOf(key))
      await object?.handle.close()
      return object && this.#headOf(key, object)
    })
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    return this.#on(`reading '${key}'`, options, async () => {
      const object = await this.#reading.open(namesOf(key))
      if (object === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${key}' in ${this.url}.`)
      try {
        if (options.ifMatch !== undefined && options.ifMatch !== object.etag) {
          throw storeError('OBJECT_CHANGED', `Object '${key}' in ${this.url} is no longer the one asked for.`)
        }
        const sha256 = object.meta?.digest
        return {
          ...(await this.#headOf(key, object)),
          ...(sha256 === undefined ? {} : {sha256}),
          body: bodyOf(key, object, options),
        }
      } catch (error) {
        await object.handle.close()
        throw error
      }
    })
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#on(`writing '${key}'`, options, async () => {
      const names = namesOf(key)
      checkMetadata(options.metadata)
      return this.#writing.put(names, body, options)
    })
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    namesOf(target)
    checkMetadata(options.metadata)
    const {body, size} = await this.get(source, options.signal === undefined ? {} : {signal: options.signal})
    try {
      return await this.put(target, {size, open: () => body}, options)
    } finally {
      await body[Symbol.asyncIterator]().return?.()
    }
  }

  async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return streamJoin(this, sources, target, options)
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    return this.#on('deleting', options, async () => {
      const failed: {key: string; code: string; message: string}[] = []
      const indexes = new Map<string, Promise<MetaIndex>>()
      const remove = async (key: string) => {
        options.signal?.throwIfAborted()
        try {
          await this.#delete(namesOf(key), indexes)
        } catch (error) {
          const {code, message} = toRepriseError(diskError(error, `deleting '${key}'`))
          failed.push({key, code, message})
        }
      }
      await pMap(new Set(keys), remove, {concurrency: DELETES_AT_ONCE})
      for (const metaFolder of indexes.keys()) await this.#prune(metaFolder)
      return {failed, date: await this.#clock.now()}
    })
  }

  async close(): Promise<void> {}

  /** @param indexes the folders of metadata that this call has read, so that each is read once. */
  async #delete(names: ObjectNames, indexes: Map<string, Promise<MetaIndex>>): Promise<void> {
    // A key that was ever updated keeps a tombstone, which no late writer gets past.
    if ((await this.#versions.later(names)) !== undefined) return this.#writing.bury(names)
    if (!(await this.#root.holds(names.path))) return
    const stats = await this.#root.stat(names.path)
    if (!stats?.isFile()) return
    const metaNames = metaNamesOf(names, 1)
    const reading = indexes.get(metaNames.folder) ?? this.#meta.index(metaNames.folder)
    indexes.set(metaNames.folder, reading)
    const records = await this.#meta.own(metaNames, stats.ino, await reading)
    const unlinked = await claimed(unlink(this.#root.at(names.path)), 'ENOENT')
    // An updater makes the folder of versions first and then looks for version 1.
    if ((await this.#versions.later(names)) !== undefined) return this.#writing.bury(names)
    if (unlinked) for (const record of records) await this.#meta.remove(record)
  }

  async #prune(metaFolder: string): Promise<void> {
    const folder = metaFolder === META_FOLDER ? '' : metaFolder.slice(META_FOLDER.length + 1)
    await this.#root.sync(folder)
    await this.#root.prune(folder)
    await this.#root.prune(metaFolder, dirname(META_FOLDER))
  }

  async #headOf(key: string, {stats, meta, etag}: OpenObject): Promise<ObjectHead> {
    const contentType = meta?.record.contentType
    return {
      key,
      size: stats.size,
      etag,
      modified: Math.floor(stats.mtimeMs),
      metadata: {...meta?.record.metadata},
      ...(contentType === undefined ? {} : {contentType}),
      date: await this.#clock.now(),
    }
  }

  async #on<T>(what: string, {signal}: RequestOptions, call: () => Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted()
      await this.#root.locate()
      return await call()
    } catch (error) {
      throw error instanceof RepriseError ? error : diskError(error, `${what} in ${this.url}`)
    }
  }
}

function bodyOf(key: string, {handle, stats, meta}: OpenObject, {range, signal}: GetOptions): FileBody {
  if (range === undefined) {
    return new FileBody(handle, {key, start: 0, end: stats.size, digest: meta?.digest, signal})
  }
  const end = Math.min(range.end ?? stats.size, stats.size)
  if (range.start < end) return new FileBody(handle, {key, start: range.start, end, signal})
  throw storeError('RANGE_INVALID', `Object '${key}' has ${stats.size} bytes; none at ${range.start}.`)
}
