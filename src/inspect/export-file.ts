import type {Stats} from 'node:fs'
import {link, open, rename, rm, stat} from 'node:fs/promises'
import type {FileHandle} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import type {Random} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import {makeDirectories} from '../base/make-directories.js'
import {writeAll} from '../sync/restore-file.js'

export interface ExportFileOptions {
  readonly random: Random
  /** What is there already is replaced. */
  readonly replace: boolean
}

/**
 * Writes a file whole or not at all, readable by its owner only: into a temporary one beside it, synced, then given its name. Missing
 * directories are made.
 *
 * @returns how many bytes it has.
 * @throws OUTPUT_EXISTS, OUTPUT_NOT_WRITABLE, and what the chunks reject with.
 */
export async function writeExportFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  {random, replace}: ExportFileOptions,
): Promise<number> {
  // Said before anything is read; what appears meanwhile is met by the link.
  const there = await lookAt(path)
  if (there && !replace) throw outputExists(path)
  // A device or a directory would be gone.
  if (there?.isFile() === false) throw notWritable(path, 'is no file')
  await claimed(path, async () => makeDirectories(dirname(path)))
  const temporary = join(dirname(path), `.${basename(path)}.${Buffer.from(random.bytes(4)).toString('hex')}.tmp`)
  const handle = await claimed(path, async () => open(temporary, 'wx', 0o600))
  try {
    const bytes = await writeChunks(path, handle, chunks)
    await (replace ? claimed(path, async () => rename(temporary, path)) : giveName(temporary, path))
    return bytes
  } finally {
    await rm(temporary, {force: true})
  }
}

export function outputExists(place: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'OUTPUT_EXISTS',
    message: `${place} is there already`,
    suggestions: ['Write over it: --force', 'Name another place: -o'],
  })
}

async function writeChunks(path: string, handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      await claimed(path, async () => writeAll(handle, chunk))
      bytes += chunk.byteLength
    }
    await claimed(path, async () => handle.sync())
  } finally {
    await handle.close()
  }
  return bytes
}

/** Only a link can refuse what somebody else made meanwhile; where there are none, the look has to do. */
async function giveName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' || (await lookAt(path))) throw outputExists(path)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP')
      throw notWritable(path, `cannot be written (${codeOf(error) ?? 'unknown reason'})`, error)
    await claimed(path, async () => rename(temporary, path))
  }
}

async function lookAt(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined)
}

async function claimed<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw notWritable(path, `cannot be written (${codeOf(error) ?? 'unknown reason'})`, error)
  }
}

function notWritable(path: string, what: string, cause?: unknown): RepriseError {
  return new RepriseError({
    kind: 'permission',
    code: 'OUTPUT_NOT_WRITABLE',
    message: `${path} ${what}`,
    suggestions: ['Name a file in a directory that you may write to: -o'],
    cause,
  })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
