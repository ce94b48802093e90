import {constants} from 'node:fs'
import {open} from 'node:fs/promises'
import type {FileHandle} from 'node:fs/promises'
import {RepriseError} from '../base/errors.js'
import {localFile} from './local-file.js'
import type {LocalFile} from './local-file.js'

export interface OpenedFile {
  /** The caller closes it. */
  readonly handle: FileHandle
  /** What the handle reads, whatever stands under the path by now. */
  readonly file: LocalFile
}

/**
 * Opens a regular file of `owner` for reading. A link as the last name is not followed, a pipe does not block, and what is
 * judged is what was opened: no race between the look and the read. Links among the directories are the caller's to rule out
 * (`discoverSessions` does).
 *
 * @param options.owner The uid that must own the file; undefined takes any (there are none on Windows).
 * @throws FILE_NOT_FOUND; FILE_NOT_PLAIN for a link, a directory, a device, another owner; FILE_UNREADABLE.
 */
export async function openPlainFile(path: string, options: {readonly owner?: number | undefined}): Promise<OpenedFile> {
  const handle = await open(path, constants.O_RDONLY | noFollow | nonBlocking).catch((error: unknown) => {
    throw openError(path, error)
  })
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw notPlain(path, 'is not a regular file')
    if (options.owner !== undefined && stat.uid !== options.owner) throw notPlain(path, 'belongs to another user')
    return {handle, file: localFile(path, stat)}
  } catch (error) {
    await handle.close()
    throw error
  }
}

// Windows has neither.
const noFollow = constants.O_NOFOLLOW ?? 0
const nonBlocking = constants.O_NONBLOCK ?? 0

function notPlain(path: string, what: string, cause?: unknown): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'FILE_NOT_PLAIN',
    message: `${path} ${what}.`,
    cause,
    details: {path},
  })
}

function openError(path: string, cause: unknown): RepriseError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ELOOP' || code === 'EMLINK') return notPlain(path, 'is a symbolic link', cause)
  if (code === 'ENXIO') return notPlain(path, 'is not a regular file', cause)
  const details = {path}
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new RepriseError({
      kind: 'not-found',
      code: 'FILE_NOT_FOUND',
      message: `${path} is not there.`,
      cause,
      details,
    })
  }
  const message = `${path} cannot be read (${code ?? 'unknown reason'}).`
  return new RepriseError({kind: 'permission', code: 'FILE_UNREADABLE', message, cause, details})
}
