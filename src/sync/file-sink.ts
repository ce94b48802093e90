import type {FileHandle} from 'node:fs/promises'
import {writeAll} from './restore-file.js'

const BATCH = 1024 * 1024

/** Writes a file from its beginning, in few large writes, each under way while the next bytes come. */
export class FileSink {
  readonly #handle: FileHandle
  #batch: Uint8Array[] = []
  #batched = 0
  #written = 0
  #underWay: Promise<void> = Promise.resolve()

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Bytes given since the beginning. */
  get length(): number {
    return this.#written + this.#batched
  }

  /** Nothing of what was written counts. */
  async begin(): Promise<void> {
    await this.flush()
    this.#written = 0
    await this.#handle.truncate(0)
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk)
    this.#batched += chunk.byteLength
    if (this.#batched >= BATCH) await this.#start()
  }

  /** Everything is written when it resolves. @throws what the file system throws, of earlier writes too */
  async flush(): Promise<void> {
    await this.#start()
    await this.#underWay
  }

  async #start(): Promise<void> {
    await this.#underWay
    if (this.#batched === 0) return
    const bytes = Buffer.concat(this.#batch, this.#batched)
    const at = this.#written
    this.#written += this.#batched
    this.#batch = []
    this.#batched = 0
    this.#underWay = writeAll(this.#handle, bytes, at)
    this.#underWay.catch(() => undefined) // met by whoever writes next
  }
}
