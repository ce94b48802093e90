import {realpath, stat} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {storeError} from '../object-store/errors.js'
import type {GetOptions, ListOptions, ListPage, ObjectContent, ObjectSummary} from '../object-store/object-store.js'
import {isSafeSubpath} from '../store/names.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'
import {Walk} from '../transcript/walk.js'
import type {Tree} from './tree.js'

const CHUNK = 256 * 1024
/** No agent nests its files deeper. */
const DEEPEST = 24

/**
 * A directory of this machine as a tree: keys are paths below it. No link below it is followed, at no level; only regular files and
 * directories of its owner are taken. A directory that is not there is an empty one.
 */
export class DirectoryTree implements Tree {
  /** The directory, absolute. */
  readonly url: string

  constructor(directory: string) {
    this.url = directory
  }

  /** @param options.prefix `''`, or ends in `/`: a directory, or all that lies below it. One page a directory. */
  async *list({prefix, delimiter, signal}: ListOptions): AsyncIterable<ListPage> {
    const names = prefix === '' ? [] : prefix.slice(0, -1).split('/')
    const root = await this.#root()
    if (!root || (names.length > 0 && !isSafeSubpath(names.join('/')))) return
    const walk = new Walk(root.owner, 32)
    if (!(await isPlainPath(walk, root.path, names))) return
    yield* this.#pages(walk, root.path, names, delimiter !== undefined, signal)
  }

  async get(key: string, {range, ifMatch, signal}: GetOptions = {}): Promise<ObjectContent> {
    const root = isSafeSubpath(key) ? await this.#root() : undefined
    const path = join(root?.path ?? '/', key)
    // A link among the directories would lead out.
    if (!root || (await realpath(dirname(path)).catch(() => undefined)) !== dirname(path)) throw gone(key, this.url)
    const opened = await openPlainFile(path, {owner: root.owner}).catch((error: unknown) => {
      throw gone(key, this.url, error)
    })
    const {handle, file} = opened
    const summary = summaryOf(key, file)
    const start = range?.start ?? 0
    const end = Math.min(range?.end ?? file.size, file.size)
    if (ifMatch !== undefined && ifMatch !== summary.etag) {
      await handle.close()
      throw storeError('OBJECT_CHANGED', `${path} has changed.`)
    }
    if (range && start >= file.size) {
      await handle.close()
      throw storeError('RANGE_INVALID', `${path} ends before byte ${start}.`)
    }
    const body = async function* (): AsyncIterable<Uint8Array> {
      try {
        for (let at = start; at < end;) {
          signal?.throwIfAborted()
          const {buffer, bytesRead} = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK, end - at)), 0, null, at)
          if (bytesRead === 0) throw storeError('OBJECT_CHANGED', `${path} became shorter while it was read.`)
          yield buffer.subarray(0, bytesRead)
          at += bytesRead
        }
      } finally {
        await handle.close()
      }
    }
    return {...summary, metadata: {}, date: summary.modified, body: body()}
  }

  async #root(): Promise<{readonly path: string; readonly owner: number} | undefined> {
    const path = await realpath(this.url).catch(() => undefined)
    const found = path === undefined ? undefined : await stat(path)
    return path !== undefined && found?.isDirectory() ? {path, owner: found.uid} : undefined
  }

  async *#pages(
    walk: Walk,
    root: string,
    names: readonly string[],
    flat: boolean,
    signal: AbortSignal | undefined,
  ): AsyncIterable<ListPage> {
    signal?.throwIfAborted()
    const directory = join(root, ...names)
    const entries = await walk.list(directory)
    const below = entries.filter((entry) => entry.isDirectory()).map(({name}) => name)
    const files = entries.filter((entry) => entry.isFile())
    const objects = await Promise.all(
      files.map(async ({name}) => {
        const file = await walk.file(join(directory, name))
        return file ? [summaryOf([...names, name].join('/'), file)] : []
      }),
    )
    const prefixes = flat ? below.map((name) => `${[...names, name].join('/')}/`) : []
    yield {objects: objects.flat(), prefixes, date: 0}
    if (flat || names.length === DEEPEST) return
    for (const name of below) yield* this.#pages(walk, root, [...names, name], flat, signal)
  }
}

/** Whether each name leads to a directory of the owner, not to a link. */
async function isPlainPath(walk: Walk, root: string, names: readonly string[]): Promise<boolean> {
  for (const [depth, name] of names.entries()) {
    const above = await walk.list(join(root, ...names.slice(0, depth)))
    if (!above.some((entry) => entry.name === name && entry.isDirectory())) return false
  }
  return true
}

function summaryOf(key: string, {size, mtimeMs, ino}: LocalFile): ObjectSummary {
  return {key, size, etag: `${size}-${mtimeMs}-${ino}`, modified: Math.floor(mtimeMs)}
}

function gone(key: string, url: string, cause?: unknown) {
  return storeError('OBJECT_NOT_FOUND', `There is no plain file ${JSON.stringify(key)} in ${url}.`, {cause})
}
