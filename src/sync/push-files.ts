import {hasCode} from '../base/errors.js'
import {type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {filesPrefix} from '../store/names.js'
import type {LocalSession, NamedFile} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile, type OpenedFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import type {Inspect} from './inspect.js'
import {hasKnownNames} from './second-name.js'
import type {SessionState} from './sync-state.js'

export interface PushedFiles {
  readonly bytes: number
  readonly parts: number
  /** What is stored now, for the next time. */
  readonly files: SessionState['files']
}

/**
 * Stores what a session refers to beside its transcripts: outputs too large for them, and the backups of `/rewind`. A file with
 * a name that is not known is left out: it may be something else's under another name.
 */
export async function pushFiles(
  context: SyncContext,
  session: LocalSession,
  {files: before}: SessionState,
  inspect?: Inspect,
): Promise<PushedFiles> {
  const files = {...before}
  let [bytes, parts] = [0, 0]
  for (const {key, name, folder, file} of attachmentsOf(session)) {
    const stamp = stampOf(file)
    if (files[name] === stamp) continue
    const opened = await openIfThere(file.path, context)
    if (!opened) continue
    try {
      if (!(await hasKnownNames(context, session, folder, file, opened.file))) {
        context.logger.warn('a file with several names is left out', {path: file.path})
        continue
      }
      if (await pushFile(context, key, opened, inspect)) {
        bytes += opened.file.size
        parts++
      }
      files[name] = stamp
    } finally {
      await opened.handle.close()
    }
  }
  return {bytes, parts, files}
}

/** What a push would store of a session's attachments, by the state directory and, where that does not know, by the store. */
export async function unstoredFiles(
  context: SyncContext,
  session: LocalSession,
  {files}: SessionState,
): Promise<readonly NamedFile[]> {
  const unstored: NamedFile[] = []
  for (const {key, name, folder, file} of attachmentsOf(session)) {
    if (files[name] === stampOf(file) || !(await hasKnownNames(context, session, folder, file, file))) continue
    if (!(await isThere(context.store, key, file))) unstored.push(file)
  }
  return unstored
}

interface Attachment {
  readonly key: string
  /** As the state directory calls it. */
  readonly name: string
  readonly folder: 'tool-results' | 'file-history'
  readonly file: NamedFile
}

function attachmentsOf({sessionId, toolResults, fileHistory}: LocalSession): readonly Attachment[] {
  const of = (folder: Attachment['folder'], files: readonly NamedFile[]): Attachment[] =>
    files.map((file) => {
      const name = `${folder}/${file.name}`
      return {key: filesPrefix(sessionId) + name, name, folder, file}
    })
  return [...of('tool-results', toolResults), ...of('file-history', fileHistory)]
}

async function isThere(store: ObjectStore, key: string, {size, mtimeMs}: LocalFile): Promise<boolean> {
  const there = await store.head(key)
  return there?.size === size && there.metadata['mtime'] === mtimeOf(mtimeMs)
}

export function stampOf({size, mtimeMs, ino}: Pick<LocalFile, 'size' | 'mtimeMs' | 'ino'>): string {
  return `${size}:${mtimeMs}:${ino}`
}

async function openIfThere(path: string, {uid}: SyncContext): Promise<OpenedFile | undefined> {
  return openPlainFile(path, {owner: uid}).catch((error: unknown) => {
    if (!hasCode(error, 'FILE_NOT_FOUND')) throw error
    return undefined
  })
}

/** @returns false when the store has that file already. */
async function pushFile(
  {store}: SyncContext,
  key: string,
  {handle, file}: OpenedFile,
  inspect: Inspect | undefined,
): Promise<boolean> {
  const body = {
    size: file.size,
    open: () => handle.createReadStream({start: 0, end: Math.max(0, file.size - 1), autoClose: false}),
  }
  if (await isThere(store, key, file)) return false
  if (file.size > 0) await inspect?.(body.open(), {file: file.path, firstLine: 1})
  const metadata = {mtime: mtimeOf(file.mtimeMs)}
  await store.put(key, file.size === 0 ? new Uint8Array(0) : body, {mode: OVERWRITE, metadata})
  return true
}

function mtimeOf(ms: number): string {
  return String(Math.floor(ms))
}
