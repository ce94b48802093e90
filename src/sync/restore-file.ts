import {constants} from 'node:fs'
import {copyFile, lstat, mkdir, open, readdir, realpath, rename, rm, stat, statfs} from 'node:fs/promises'
import type {FileHandle} from 'node:fs/promises'
import {dirname, join, relative, sep} from 'node:path'
import type {Random} from '../base/clock.js'
import {type ErrorKind, RepriseError} from '../base/errors.js'
import {makeDirectories} from '../base/make-directories.js'

const SPARE_BYTES = 16 * 1024 * 1024
const LEFTOVER_MS = 3_600_000
const TEMPORARY = /^\.reprise-[0-9a-f]{16}\.tmp$/

export interface RestoreTarget {
  /** The config dir: nothing is written outside it, whatever links lie in it. */
  readonly root: string
  /** Below the root. */
  readonly path: string
  readonly random: Random
}

/**
 * Writes a file whole or not at all: into a temporary one beside it, verified by the caller, synced, renamed. Readable by its owner
 * only; its time of change is now, since Claude deletes old transcripts by it.
 *
 * @param size what will be written at most, checked against the disk first.
 * @param write returns how long the whole file is then; undefined when there is none to be made after all.
 * @param base a file to begin with, and how many of its bytes.
 * @throws TARGET_OUTSIDE, TARGET_NOT_WRITABLE, DISK_FULL, WRITTEN_SHORT, and what `write` throws; the target is then as before.
 */
export async function restoreFile(
  {root, path, random}: RestoreTarget,
  size: number,
  write: (handle: FileHandle) => Promise<number | undefined>,
  base?: {readonly path: string; readonly length: number},
): Promise<void> {
  try {
    const directory = await ownDirectory(root, dirname(path))
    await checkSpace(directory, size)
    await removeLeftovers(directory)
    const temporary = join(directory, `.reprise-${Buffer.from(random.bytes(8)).toString('hex')}.tmp`)
    let isThere = true
    try {
      if (base) await copyFile(base.path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      const handle = await open(temporary, base ? 'r+' : 'wx+', 0o600)
      try {
        if (base) {
          await handle.chmod(0o600)
          await handle.truncate(base.length)
        }
        const length = await write(handle)
        isThere = length !== undefined
        await handle.sync()
        const {size: written} = await handle.stat()
        if (length !== undefined && written !== length) throw short(path, length, written)
      } finally {
        await handle.close()
      }
      if (isThere) await rename(temporary, path)
      else await rm(temporary, {force: true})
    } catch (error) {
      await rm(temporary, {force: true})
      throw error
    }
    await syncDirectory(directory)
  } catch (error) {
    throw targetError(path, error)
  }
}

/**
 * Writes all of a chunk: a disk that is nearly full takes a part of it without an error, and tells with the next one.
 *
 * @param position where in the file; undefined: where the last write ended.
 */
export async function writeAll(handle: FileHandle, chunk: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < chunk.byteLength;) {
    const where = position === undefined ? null : position + at
    const {bytesWritten} = await handle.write(chunk, at, chunk.byteLength - at, where)
    at += bytesWritten
  }
}

/** The root itself, 0700 where it is not there yet. @throws TARGET_NOT_WRITABLE, TARGET_BLOCKED, DISK_FULL */
export async function makeRoot(root: string): Promise<void> {
  try {
    await makeDirectories(root)
  } catch (error) {
    throw targetError(root, error)
  }
}

/**
 * Makes a directory and those above it up to the root, 0700 each, one by one: whatever links lie on the way, nothing is made outside
 * the root. @returns its real path. @throws TARGET_OUTSIDE
 */
export async function ownDirectory(root: string, directory: string): Promise<string> {
  await makeRoot(root)
  const realRoot = await realpath(root)
  const known = await realpath(directory).catch(() => undefined)
  if (known !== undefined) return insideOf(realRoot, known, directory)
  let real = realRoot
  for (const name of relative(root, directory).split(sep)) {
    const next = join(real, name)
    const made = await mkdir(next, {mode: 0o700}).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
        throw error
      },
    )
    // A link that leads to nothing leads out as well.
    real = made ? next : insideOf(realRoot, await realpath(next).catch(() => ''), directory)
  }
  return real
}

/**
 * Refuses a directory below the root that is reached through a link, even to another place inside: Claude finds a session there, but
 * under a name that is not its project key. What is not there yet is judged by what is above it.
 *
 * @throws TARGET_LINKED
 */
export async function refuseLinked(root: string, directory: string): Promise<void> {
  const realRoot = await realpath(root).catch(() => undefined)
  if (realRoot === undefined) return
  for (let below = relative(root, directory); below !== '.' && below !== ''; below = dirname(below)) {
    const at = join(root, below)
    const there = await lstat(at).catch(() => undefined)
    if (!there) continue
    const real = await realpath(at).catch(() => undefined)
    if (real !== join(realRoot, below)) throw linked(at, real)
    return
  }
}

function insideOf(realRoot: string, real: string, directory: string): string {
  if (real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return real
  throw outside(directory)
}

async function checkSpace(directory: string, size: number): Promise<void> {
  const {bavail, bsize} = await statfs(directory)
  if (bavail * bsize < size + SPARE_BYTES) throw diskFull(directory, size)
}

/** Of restores that were killed. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!TEMPORARY.test(name)) continue
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    const now = await stat(directory)
    if (found && found.mtimeMs < now.mtimeMs - LEFTOVER_MS) await rm(path, {force: true})
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const SYSTEM: Record<string, {kind: ErrorKind; code: string; what: string}> = {
  EACCES: {kind: 'permission', code: 'TARGET_NOT_WRITABLE', what: 'may not be written'},
  EPERM: {kind: 'permission', code: 'TARGET_NOT_WRITABLE', what: 'may not be written'},
  ENOENT: {kind: 'permission', code: 'TARGET_NOT_WRITABLE', what: 'cannot be made there'},
  EROFS: {kind: 'permission', code: 'TARGET_NOT_WRITABLE', what: 'lies on a read-only disk'},
  ENOSPC: {kind: 'unreachable', code: 'DISK_FULL', what: 'does not fit on its disk'},
  EDQUOT: {kind: 'unreachable', code: 'DISK_FULL', what: 'is over the quota of its disk'},
  EFBIG: {kind: 'unreachable', code: 'DISK_FULL', what: 'is larger than a file may be on its disk'},
  ENOTDIR: {kind: 'bad-data', code: 'TARGET_BLOCKED', what: 'has a file where a directory must be'},
  EISDIR: {kind: 'bad-data', code: 'TARGET_BLOCKED', what: 'is a directory'},
  EEXIST: {kind: 'bad-data', code: 'TARGET_BLOCKED', what: 'has a file where a directory must be'},
  ENAMETOOLONG: {kind: 'bad-data', code: 'TARGET_BLOCKED', what: 'is longer than a name may be on this disk'},
}

function targetError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const known = cause instanceof RepriseError ? undefined : SYSTEM[code]
  if (!known) return cause
  return new RepriseError({
    kind: known.kind,
    code: known.code,
    message: `${path} ${known.what}; nothing there was changed`,
    suggestions: [
      known.code === 'DISK_FULL'
        ? 'Free some space and run the command again.'
        : 'Choose another place: --config-dir or --to.',
    ],
    cause,
    details: {path},
  })
}

function diskFull(directory: string, size: number): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'DISK_FULL',
    message: `${directory} has no room for ${size} bytes; nothing was written`,
    suggestions: ['Free some space and run the command again.'],
    details: {directory, size},
  })
}

function short(path: string, length: number, written: number): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'WRITTEN_SHORT',
    message: `${path}: the disk holds ${written} of ${length} bytes that were written; nothing there was changed`,
    suggestions: ['Check that disk, or choose another place: --config-dir or --to.'],
    details: {path, length, written},
  })
}

function linked(directory: string, real: string | undefined): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'TARGET_LINKED',
    message: `${directory} is not a directory of its own but leads to ${real ?? 'nothing'}; nothing was changed`,
    suggestions: [
      'Remove that link and run the command again: the session then moves there.',
      'Go on in the directory whose project key is the real one: --cwd.',
    ],
    details: {path: directory, ...(real !== undefined && {real})},
  })
}

function outside(directory: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'TARGET_OUTSIDE',
    message: `${directory} leads out of the config dir through a link; nothing was written`,
    suggestions: ['Remove that link, or name another config dir: --config-dir.'],
  })
}
