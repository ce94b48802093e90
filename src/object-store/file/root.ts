import {constants, type Dirent, realpath as realpathCallback, type Stats} from 'node:fs'
import {type FileHandle, lstat, mkdir, open, readdir, rmdir, stat} from 'node:fs/promises'
import {dirname, join, resolve} from 'node:path'
import {promisify} from 'node:util'
import type {Clock} from '../../base/clock.js'
import {RepriseError} from '../../base/errors.js'
import {makeDirectories} from '../../base/make-directories.js'
import {storeError} from '../errors.js'
import {errno, ifThere, unless} from './disk-errors.js'
import {Lookups} from './lookups.js'

const realpath = promisify(realpathCallback.native)

/**
 * The directory that a file store lives in. Paths are relative to it and go through no link and no name that the file
 * system merely takes for theirs (other letter case): what leads elsewhere does not exist for reading and is refused for writing.
 */
export class Root {
  readonly given: string
  readonly #lookups: Lookups
  #real: string | undefined

  constructor(directory: string, clock: Pick<Clock, 'now'>) {
    this.given = resolve(directory)
    this.#lookups = new Lookups(clock)
  }

  /** Absolute. Before the root exists its name as given. */
  at(path: string): string {
    return join(this.#real ?? this.given, path)
  }

  /**
   * Finds out where the root really is (it may be a link itself). @returns whether it exists.
   *
   * @throws STORE_URL_INVALID where a file stands in its place, or above it.
   */
  async locate(): Promise<boolean> {
    if (this.#real !== undefined) return true
    try {
      const real = await unless(realpath(this.given), 'ENOENT')
      if (real !== undefined && !(await stat(real)).isDirectory()) throw this.#isFile()
      this.#real = real
    } catch (error) {
      throw errno(error) === 'ENOTDIR' ? this.#isFile() : error
    }
    return this.#real !== undefined
  }

  async #make(): Promise<void> {
    try {
      await makeDirectories(this.given)
    } catch (error) {
      const code = errno(error)
      if (code === 'EEXIST') throw this.#isFile()
      if (code !== 'ENOENT') throw error
      throw storeError('ACCESS_DENIED', `The store's directory ${this.given} cannot be made there.`, {
        suggestions: ['Name a directory on a disk that takes files: --store'],
        cause: error,
      })
    }
  }

  #isFile(): Error {
    return new RepriseError({
      kind: 'usage',
      code: 'STORE_URL_INVALID',
      message: `The store ${this.given} is a file, or lies below one: a file store is a directory.`,
      suggestions: ['Name a directory: --store. It is made by the first push.'],
    })
  }

  /** Whether something of exactly this name is there, reached through real directories alone. */
  async holds(path: string): Promise<boolean> {
    return this.#leadsTo(this.at(path), path)
  }

  async #leadsTo(name: string, path: string): Promise<boolean> {
    return (await unless(realpath(name), 'ENOENT', 'ENOTDIR', 'ELOOP')) === this.at(path)
  }

  /** Entries of a directory; undefined when there is none (or when it is a link). */
  async entries(path: string): Promise<Dirent[] | undefined> {
    const entries = await ifThere(readdir(this.at(path), {withFileTypes: true}))
    return entries !== undefined && (await this.holds(path)) ? entries : undefined
  }

  /**
   * Entries of directories that lie side by side in `parent`, by their names; what is missing or a link is left out. That is
   * looked at again when they have been read, once for all of them in `parent`, so name many at a time.
   */
  async entriesBelow(parent: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly Dirent[]>> {
    const folder = this.at(parent)
    const read = await this.#lookups.entries(names.map((name) => `${folder}/${name}`))
    const beside = (await this.entries(parent)) ?? []
    const directories = new Set(beside.filter((entry) => entry.isDirectory()).map(({name}) => name))
    const found = new Map<string, readonly Dirent[]>()
    for (const [place, name] of names.entries()) {
      const entries = read[place]
      if (entries !== undefined && directories.has(name)) found.set(name, entries)
    }
    return found
  }

  /** The names in many directories, whether or not they are reached through links; none where there is no directory. */
  async namesAll(paths: readonly string[]): Promise<readonly (readonly string[])[]> {
    const found = await this.#lookups.names(paths.map((path) => this.at(path)))
    return found.map((names) => names ?? [])
  }

  async stat(path: string): Promise<Stats | undefined> {
    return ifThere(lstat(this.at(path)))
  }

  /** As {@link stat}, of many at once. */
  async statAll(paths: readonly string[]): Promise<readonly (Stats | undefined)[]> {
    const top = this.at('')
    return this.#lookups.stats(paths.map((path) => `${top}/${path}`))
  }

  /** Opens a file for reading, without waiting for a planted pipe's writer; undefined when there is none. */
  async open(path: string): Promise<FileHandle | undefined> {
    return unless(
      open(this.at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
      'ENOENT',
      'ENOTDIR',
      'ELOOP',
    )
  }

  /**
   * Makes a directory (0700) with its parents, durably.
   *
   * @throws KEY_INVALID when a link or a file stands in the way.
   */
  async ensure(path: string): Promise<void> {
    if (!(await this.locate())) {
      await this.#make()
      await this.locate()
    }
    await this.#ensureBelow(path)
  }

  async #ensureBelow(path: string): Promise<void> {
    // The dot makes it fail for a file.
    if (path === '' || path === '.' || (await this.#leadsTo(`${this.at(path)}/.`, path))) return
    const parent = dirname(path)
    await this.#ensureBelow(parent)
    try {
      await mkdir(this.at(path), {mode: 0o700})
    } catch (error) {
      // A racing delete may have removed the parent again.
      if (errno(error) === 'ENOENT') return this.#ensureBelow(path)
      if (errno(error) !== 'EEXIST') throw error
      if (!(await this.#isDirectory(path))) throw this.#inTheWay(path)
      return
    }
    await this.sync(parent)
  }

  async #isDirectory(path: string): Promise<boolean> {
    const stats = await this.stat(path)
    return stats === undefined || (stats.isDirectory() && (await this.holds(path)))
  }

  #inTheWay(path: string): Error {
    return storeError(
      'KEY_INVALID',
      `'${path}' under ${this.given} is an object, a link or a name of other letter case.`,
      {
        suggestions: ['No key can be the folder of another one in a file store; rename one of them.'],
      },
    )
  }

  /** Makes the names in a directory durable, where the file system can. */
  async sync(path: string): Promise<void> {
    const handle = await ifThere(open(this.at(path), constants.O_RDONLY))
    if (handle === undefined) return
    try {
      await unless(handle.sync(), 'EINVAL', 'ENOTSUP', 'EPERM', 'EBADF')
    } finally {
      await handle.close()
    }
  }

  /** Removes a directory and its parents up to `top` (not itself) as long as they are empty. */
  async prune(path: string, top = ''): Promise<void> {
    for (let folder = path; folder !== top && folder !== '.' && folder !== ''; folder = dirname(folder)) {
      try {
        await rmdir(this.at(folder))
      } catch (error) {
        if (errno(error) !== 'ENOENT') return
      }
    }
  }
}
