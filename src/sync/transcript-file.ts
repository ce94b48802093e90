import {createHash} from 'node:crypto'
import type {FileHandle} from 'node:fs/promises'
import {RepriseError} from '../base/errors.js'
import {loadTranscript} from '../store/load.js'
import type {PartListing} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import type {SyncContext} from './context.js'
import {FileSink} from './file-sink.js'
import type {LocalTranscript} from './local-transcript.js'
import {restoreFile, writeAll} from './restore-file.js'

type FileContext = Pick<SyncContext, 'configDir' | 'random' | 'parts' | 'maxBytes'>

/** Into a file that is not there yet; into none where nothing is delivered. */
export async function loadTranscriptFile(
  {configDir: root, random, parts, maxBytes}: FileContext,
  listing: PartListing,
  path: string,
): Promise<{view: TranscriptView; length: number; digest: string}> {
  let loaded: {view: TranscriptView; length: number; digest: string} | undefined
  const write = async (handle: FileHandle): Promise<number | undefined> => {
    const sink = new FileSink(handle)
    const {view} = await loadTranscript(parts, listing.ref, sink, {listing, maxBytes})
    await sink.flush()
    const {length} = sink
    // What is the path's bytes was hashed when it was verified.
    const digest = view.delivery.straight ? view.resolution.digest : await digestOf(handle, length)
    loaded = {view, length, digest}
    return length === 0 ? undefined : length
  }
  const size = listing.parts.reduce((sum, part) => sum + part.size, 0)
  await restoreFile({root, path, random}, size, write)
  if (!loaded) throw new Error('a load ends with what it loaded')
  return loaded
}

/** @returns the digest of the whole file. @throws PART_DAMAGED when it is not the expected one; the file is then as before. */
export async function writeTranscriptFile(
  {configDir: root, random}: FileContext,
  path: string,
  size: number,
  source: AsyncIterable<Uint8Array>,
  base?: {readonly path: string; readonly length: number},
  expected?: string,
): Promise<string> {
  const hash = createHash('sha256')
  let digest = ''
  const write = async (handle: FileHandle): Promise<number> => {
    let at = base?.length ?? 0
    if (base) await hashFile(handle, at, (chunk) => hash.update(chunk))
    for await (const chunk of source) {
      hash.update(chunk)
      await writeAll(handle, chunk, at)
      at += chunk.byteLength
    }
    digest = hash.digest('hex')
    if (expected !== undefined && digest !== expected) throw damaged(path)
    return at
  }
  await restoreFile({root, path, random}, size, write, base)
  return digest
}

/** The last bytes of a file that were no whole line: kept beside it, since nobody else has them. */
export async function keepTorn(
  {configDir: root, random}: FileContext,
  local: LocalTranscript,
  path: string,
): Promise<void> {
  await restoreFile({root, path: `${path}.torn`, random}, local.torn, async (handle) => {
    for await (const chunk of local.read(local.length, local.length + local.torn)) await writeAll(handle, chunk)
    return local.torn
  })
}

async function digestOf(handle: FileHandle, length: number): Promise<string> {
  const hash = createHash('sha256')
  await hashFile(handle, length, (chunk) => hash.update(chunk))
  return hash.digest('hex')
}

async function hashFile(handle: FileHandle, length: number, update: (chunk: Uint8Array) => unknown): Promise<void> {
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (let at = 0; at < length;) {
    const {bytesRead} = await handle.read(buffer, 0, Math.min(buffer.length, length - at), at)
    if (bytesRead === 0) break
    update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

function damaged(path: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `what is stored for ${path} is not what its digests name; the file was left as it was`,
    suggestions: ['reprise doctor'],
  })
}
