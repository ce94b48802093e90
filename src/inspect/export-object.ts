import {createReadStream} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {join} from 'node:path'
import type {Random} from '../base/clock.js'
import {hasCode} from '../base/errors.js'
import {makeDirectories} from '../base/make-directories.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {outputExists, writeExportFile} from './export-file.js'

export interface ExportObjectOptions {
  readonly random: Random
  /** What is there already is replaced. */
  readonly replace: boolean
  readonly contentType: string
  /** For people. */
  readonly url: string
  /** Where the bytes are kept until they are sent: a put has to know how many there are, and may have to send them again. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/**
 * Writes an object whole or not at all.
 *
 * @returns how many bytes it has.
 * @throws OUTPUT_EXISTS, what the chunks reject with, and what the store throws.
 */
export async function putExport(
  store: Pick<ObjectStore, 'put' | 'head'>,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  {random, replace, contentType, url, scratch, signal}: ExportObjectOptions,
): Promise<number> {
  // Said before anything is read; what appears meanwhile is met by the put.
  if (!replace && (await store.head(key, {signal}))) throw outputExists(url)
  await makeDirectories(scratch)
  const directory = await mkdtemp(join(scratch, 'export-'))
  try {
    const path = join(directory, 'bytes')
    const size = await writeExportFile(path, chunks, {random, replace: false})
    const body = {size, open: () => createReadStream(path)}
    await store.put(key, body, {mode: replace ? OVERWRITE : CREATE, contentType, signal})
    return size
  } catch (error) {
    throw hasCode(error, 'OBJECT_EXISTS') ? outputExists(url) : error
  } finally {
    await rm(directory, {recursive: true, force: true})
  }
}
