import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {isShallow} from '../base/shallow.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import {filesPrefix, isSafeSubpath} from '../store/names.js'
import {checkSize} from '../store/size-limit.js'
import type {TranscriptView} from '../store/view.js'
import {fileHistoryDir} from '../transcript/config-dir.js'
import {parseObject} from '../transcript/entry-identity.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import {stampOf} from './push-files.js'
import {restoreFile, writeAll} from './restore-file.js'
import type {SessionState} from './sync-state.js'

const MAX_METADATA_BYTES = 256 * 1024
/** Claude's has one level. */
const DEEPEST_METADATA = 100

/**
 * Brings back what a session refers to beside its transcripts. A file that is here with that size stays; a name that could lead
 * elsewhere is left in the store.
 *
 * @param stored as `listFiles` gives them.
 * @returns what was brought, as a push would remember it.
 * @throws SESSION_TOO_LARGE for more bytes than a session may have, whatever was listed.
 */
export async function pullFiles(
  {store, configDir, random, logger, maxBytes}: SyncContext,
  sessionId: string,
  stored: readonly ObjectSummary[],
  directory: string,
): Promise<{readonly bytes: number; readonly files: SessionState['files']}> {
  const prefix = filesPrefix(sessionId)
  let bytes = 0
  const files: Record<string, string> = {}
  for (const {key, size} of stored) {
    const path = pathOf(key.slice(prefix.length), directory, fileHistoryDir(configDir, sessionId))
    if (path === undefined) {
      logger.warn('a stored file has a name that cannot be restored: left in the store', {key})
      continue
    }
    if ((await sizeHere(path)) === size) continue
    const {body} = await store.get(key)
    await restoreFile({root: configDir, path, random}, size, async (handle) => {
      let written = 0
      for await (const chunk of body) {
        written += chunk.byteLength
        checkSize(sessionId, bytes + written, maxBytes)
        await writeAll(handle, chunk)
      }
      return written
    })
    bytes += size
    files[key.slice(prefix.length)] = stampOf(await stat(path))
  }
  return {bytes, files}
}

/** Where a stored file belongs; undefined for a name that none of ours has. */
function pathOf(name: string, directory: string, history: string): string | undefined {
  const [folder, ...rest] = name.split('/')
  const below = rest.join('/')
  if (below === '' || !isSafeSubpath(below)) return undefined
  if (folder === 'tool-results') return join(directory, 'tool-results', below)
  if (folder === 'file-history') return join(history, below)
  return undefined
}

/** Of a plain file; undefined for anything else, which a restore then replaces or refuses. */
async function sizeHere(path: string): Promise<number | undefined> {
  const opened = await openPlainFile(path, {}).catch(() => undefined)
  if (!opened) return undefined
  await opened.handle.close()
  return opened.file.size
}

/** Writes the last `agent_metadata` entry of a subagent's transcript as the file that Claude keeps beside it. */
export async function pullMetadata(
  {configDir, random, parts}: SyncContext,
  {delivery}: TranscriptView,
  transcriptPath: string,
): Promise<void> {
  const last = delivery.metadata.at(-1)
  if (!last || last.end - last.start > MAX_METADATA_BYTES) return
  const chunks: Uint8Array[] = []
  for await (const chunk of parts.read(last.part, last.start, last.end)) chunks.push(chunk)
  const entry = parseObject(Buffer.concat(chunks))
  if (!entry || !isShallow(entry, DEEPEST_METADATA)) return
  const {type: _type, ...meta} = entry
  const body = Buffer.from(JSON.stringify(meta))
  const path = transcriptPath.replace(/\.jsonl$/, '.meta.json')
  if (body.equals(await contentHere(path))) return
  await restoreFile({root: configDir, path, random}, body.length, async (handle) => {
    await writeAll(handle, body)
    return body.length
  })
}

async function contentHere(path: string): Promise<Uint8Array> {
  const opened = await openPlainFile(path, {}).catch(() => undefined)
  if (!opened) return new Uint8Array(0)
  try {
    return opened.file.size > MAX_METADATA_BYTES ? new Uint8Array(0) : await opened.handle.readFile()
  } finally {
    await opened.handle.close()
  }
}
