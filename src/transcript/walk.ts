import type {Dirent} from 'node:fs'
import {lstat, readdir} from 'node:fs/promises'
import {join} from 'node:path'
import pLimit from 'p-limit'
import type {LimitFunction} from 'p-limit'
import {localFile} from './local-file.js'
import type {LocalFile} from './local-file.js'

/** Something that was passed over, and why, so that the caller can warn. */
export interface LeftOut {
  readonly path: string
  readonly reason:
    | 'link'
    | 'not-a-file'
    | 'not-a-directory'
    | 'other-owner'
    | 'unsafe-name'
    | 'unreadable'
    | 'not-a-transcript'
}

/**
 * Looks at directories without following a link, and takes regular files and directories of one owner only. Never throws
 * for what it finds: that goes to `leftOut`. What is gone by the time of the look was not there.
 */
export class Walk {
  readonly leftOut: LeftOut[] = []
  readonly #owner: number
  readonly #limit: LimitFunction

  /** @param concurrency How many calls to the file system are under way at once. */
  constructor(owner: number, concurrency: number) {
    this.#owner = owner
    this.#limit = pLimit(concurrency)
  }

  leaveOut(path: string, reason: LeftOut['reason']): undefined {
    this.leftOut.push({path, reason})
  }

  /** The entries of a directory that have safe names, sorted; none when it is not there or not ours to read. */
  async list(dir: string): Promise<Dirent[]> {
    const stat = await this.#look(dir)
    if (!stat) return []
    if (!stat.isDirectory()) {
      this.leaveOut(dir, stat.isSymbolicLink() ? 'link' : 'not-a-directory')
      return []
    }
    if (stat.uid !== this.#owner) {
      this.leaveOut(dir, 'other-owner')
      return []
    }
    const entries = await this.#limit(() => readdir(dir, {withFileTypes: true})).catch((error: unknown) => {
      if (!isGone(error)) this.leaveOut(dir, 'unreadable')
      return []
    })
    return entries
      .filter(({name}) => isSafeName(name) || this.leaveOut(join(dir, name), 'unsafe-name'))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** A file; undefined (and left out) when it is no regular file of the owner. */
  async file(path: string): Promise<LocalFile | undefined> {
    const stat = await this.#look(path)
    if (!stat) return
    if (stat.isSymbolicLink()) return this.leaveOut(path, 'link')
    if (!stat.isFile()) return this.leaveOut(path, 'not-a-file')
    return stat.uid === this.#owner ? localFile(path, stat) : this.leaveOut(path, 'other-owner')
  }

  async #look(path: string) {
    return this.#limit(() => lstat(path)).catch((error: unknown) => {
      if (!isGone(error)) this.leaveOut(path, 'unreadable')
    })
  }
}

/** Control characters could write to a terminal, a backslash separates on Windows, U+FFFD stands for bytes that are no name. */
function isSafeName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return !/[\u0000-\u001F\u007F-\u009F\\\uFFFD]/.test(name)
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}
