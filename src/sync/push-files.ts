import {hasCode} from '../base/errors.js'
import {type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {filesPrefix} from '../store/names.js'
import type {LocalSession, NamedFile} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import type {Inspect} from './inspect.js'
import type {SessionState} from './sync-state.js'

export interface PushedFiles {
  readonly bytes: number
  readonly parts: number
  /** What is stored now, for the next time. */
  readonly files: SessionState['files']
}

/**
 * Stores what a session refers to beside its transcripts: outputs too large for them, and the backups of `/rewind`. A file with
 * more names than one is left out: it may be something else's under another name.
 */
export async function pushFiles(
  context: SyncContext,
  {sessionId, toolResults, fileHistory}: LocalSession,
  {files: before}: SessionState,
  inspect?: Inspect,
): Promise<PushedFiles> {
  const files = {...before}
  let [bytes, parts] = [0, 0]
  for (const [folder, all] of [
    ['tool-results', toolResults],
    ['file-history', fileHistory],
  ] as const) {
    for (const file of all) {
      const name = `${folder}/${file.name}`
      const stamp = stampOf(file)
      if (files[name] === stamp) continue
      if (file.nlink > 1) {
        context.logger.warn('a file with several names is left out', {path: file.path})
        continue
      }
      const uploaded = await pushFile(context, `${filesPrefix(sessionId)}${name}`, file, inspect)
      files[name] = stamp
      if (uploaded) {
        bytes += file.size
        parts++
      }
    }
  }
  return {bytes, parts, files}
}

/** What a push would store of a session's attachments, by the state directory and, where that does not know, by the store. */
export async function unstoredFiles(
  {store}: SyncContext,
  {sessionId, toolResults, fileHistory}: LocalSession,
  {files}: SessionState,
): Promise<readonly NamedFile[]> {
  const unstored: NamedFile[] = []
  for (const [folder, all] of [
    ['tool-results', toolResults],
    ['file-history', fileHistory],
  ] as const) {
    for (const file of all) {
      const name = `${folder}/${file.name}`
      const isKnown = file.nlink > 1 || files[name] === stampOf(file)
      if (!isKnown && !(await isThere(store, `${filesPrefix(sessionId)}${name}`, file))) unstored.push(file)
    }
  }
  return unstored
}

async function isThere(store: ObjectStore, key: string, {size, mtimeMs}: LocalFile): Promise<boolean> {
  const there = await store.head(key)
  return there?.size === size && there.metadata['mtime'] === mtimeOf(mtimeMs)
}

export function stampOf({size, mtimeMs, ino}: Pick<LocalFile, 'size' | 'mtimeMs' | 'ino'>): string {
  return `${size}:${mtimeMs}:${ino}`
}

/** @returns false when the store has that file already. */
async function pushFile(
  {store, uid}: SyncContext,
  key: string,
  {path}: NamedFile,
  inspect: Inspect | undefined,
): Promise<boolean> {
  const {handle, file} = await openPlainFile(path, {owner: uid})
  try {
    const body = {
      size: file.size,
      open: () => handle.createReadStream({start: 0, end: Math.max(0, file.size - 1), autoClose: false}),
    }
    const there = await store.head(key)
    if (there?.size === file.size && there.metadata['mtime'] === mtimeOf(file.mtimeMs)) return false
    if (file.size > 0) await inspect?.(body.open(), {file: path, firstLine: 1})
    const metadata = {mtime: mtimeOf(file.mtimeMs)}
    await store.put(key, file.size === 0 ? new Uint8Array(0) : body, {mode: OVERWRITE, metadata})
    return true
  } catch (error) {
    if (hasCode(error, 'FILE_NOT_FOUND')) return false
    throw error
  } finally {
    await handle.close()
  }
}

function mtimeOf(ms: number): string {
  return String(Math.floor(ms))
}
