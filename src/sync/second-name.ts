import {lstat} from 'node:fs/promises'
import {join} from 'node:path'
import type {LocalSession, NamedFile} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {SyncContext} from './context.js'

/**
 * Whether all names of a file are known: it may be stored then. A further name may be that of a foreign file which was linked in to
 * get it into the store. Older versions of Claude (2.1.170) write an output under their temporary directory and link it into
 * `tool-results`; that one second name is accepted, where it is a regular file of the owner's in directories of the owner's.
 *
 * @param file what was opened, or found, under `named`'s path.
 */
export async function hasKnownNames(
  {claudeTemp, uid}: Pick<SyncContext, 'claudeTemp' | 'uid'>,
  {projectKey, sessionId}: Pick<LocalSession, 'projectKey' | 'sessionId'>,
  folder: 'tool-results' | 'file-history',
  {name}: Pick<NamedFile, 'name'>,
  file: Pick<LocalFile, 'dev' | 'ino' | 'nlink'>,
): Promise<boolean> {
  if (file.nlink <= 1) return true
  const stem = /^([^/]+)\.txt$/.exec(name)?.[1]
  if (folder !== 'tool-results' || stem === undefined || claudeTemp === undefined || uid === undefined) return false
  if (file.nlink !== 2) return false
  let directory = claudeTemp
  for (const below of ['', projectKey, sessionId, 'tasks']) {
    directory = join(directory, below)
    const found = await lstat(directory).catch(() => undefined)
    if (!found?.isDirectory() || found.uid !== uid) return false
  }
  const second = await lstat(join(directory, `${stem}.output`)).catch(() => undefined)
  return second?.isFile() === true && second.uid === uid && second.dev === file.dev && second.ino === file.ino
}
