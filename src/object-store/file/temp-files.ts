import {createHash} from 'node:crypto'
import {type FileHandle, open, readdir, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import type {Random} from '../../base/clock.js'
import {storeError} from '../errors.js'
import {bodySize, type ObjectBody, openBody} from '../object-store.js'
import {BodyFailure, errno, ifThere} from './disk-errors.js'
import {TEMP_FOLDER} from './names.js'
import type {Root} from './root.js'

const DAY = 24 * 60 * 60 * 1000

/** A body on the disk, durable, under no key yet. */
export interface TempFile {
  /** Relative to the root. */
  readonly path: string
  /** Hex SHA-256 of its bytes. */
  readonly digest: string
  readonly inode: number
  /** When it was written, by the disk's clock (ms). */
  readonly modified: number
}

/** `.reprise/tmp/`: bodies on their way in, and fresh files that tell the disk's time. */
export class TempFiles {
  readonly #root: Root
  readonly #random: Random
  #swept = false

  constructor(root: Root, random: Random) {
    this.#root = root
    this.#random = random
  }

  /** Streams a body to the disk and flushes it. Leaves nothing behind when it rejects. */
  async write(key: string, body: ObjectBody, signal: AbortSignal | undefined): Promise<TempFile> {
    const {path, handle} = await this.#create()
    try {
      const hash = createHash('sha256')
      await copyBody(key, body, handle, (chunk) => hash.update(chunk), signal)
      await handle.sync()
      const stats = await handle.stat()
      await handle.close()
      await this.#sweepOnce(stats.mtimeMs)
      return {path, digest: hash.digest('hex'), inode: stats.ino, modified: Math.floor(stats.mtimeMs)}
    } catch (error) {
      await handle.close()
      await this.remove(path)
      throw error
    }
  }

  async remove(path: string): Promise<void> {
    await ifThere(unlink(this.#root.at(path)))
  }

  /** The disk's own time (ms): when a fresh file came into being. */
  async now(): Promise<number> {
    const {path, handle} = await this.#create()
    try {
      return Math.floor((await handle.stat()).mtimeMs)
    } finally {
      await handle.close()
      await this.remove(path)
    }
  }

  async #create(): Promise<{path: string; handle: FileHandle}> {
    const path = join(TEMP_FOLDER, Buffer.from(this.#random.bytes(16)).toString('hex'))
    await this.#root.ensure(TEMP_FOLDER)
    return {path, handle: await open(this.#root.at(path), 'wx', 0o600)}
  }

  /** Removes what crashed writers left, once for each store that is opened: a day is longer than any body takes. */
  async #sweepOnce(now: number): Promise<void> {
    if (this.#swept) return
    this.#swept = true
    for (const name of await readdir(this.#root.at(TEMP_FOLDER))) {
      const path = join(TEMP_FOLDER, name)
      const stats = await this.#root.stat(path)
      if (stats !== undefined && now - stats.mtimeMs > DAY) await this.remove(path)
    }
  }
}

async function copyBody(
  key: string,
  body: ObjectBody,
  handle: FileHandle,
  seen: (chunk: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let size = 0
  for await (const chunk of source(body)) {
    signal?.throwIfAborted()
    seen(chunk)
    size += chunk.byteLength
    await writeAll(handle, chunk)
  }
  signal?.throwIfAborted()
  if (size !== bodySize(body)) {
    throw storeError(
      'CHECKSUM_MISMATCH',
      `The body for '${key}' gave ${size} bytes, not the ${bodySize(body)} it announced.`,
    )
  }
}

async function* source(body: ObjectBody): AsyncIterable<Uint8Array> {
  try {
    yield* openBody(body)
  } catch (error) {
    throw new BodyFailure('The body could not be read.', {cause: error})
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength;) {
    const {bytesWritten} = await handle.write(chunk, written)
    written += bytesWritten
  }
}

/** Whether a call had the name to itself: took a free one, or (ENOENT) was the one to remove it. Conditions on a disk come down to this. */
export async function claimed(call: Promise<unknown>, refusal: 'EEXIST' | 'ENOENT' = 'EEXIST'): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (errno(error) === refusal) return false
    throw error
  }
}
