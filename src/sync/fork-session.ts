import {join} from 'node:path'
import {fileHistoryDir, sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import {forkLines} from '../transcript/fork.js'
import {readLines} from '../transcript/lines.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import {openLocalTranscript} from './local-transcript.js'
import {restoreFile, writeAll} from './restore-file.js'

/** The longer the line, the shorter the text: a new id has the length of the old one, so a fork is no larger than its origin. */
const SPARE_BYTES = 1024

/**
 * Writes the local conversation once more as a session of its own, under the same project key: a new id, also inside the lines.
 * The main transcript is written last: a fork that can be resumed is whole. Nothing of the origin changes.
 *
 * @throws LINE_TOO_LONG, and what reading and `restoreFile` throw.
 */
export async function forkSession(context: SyncContext, session: LocalSession): Promise<LocalSession> {
  const {configDir, random} = context
  const {projectKey, main, subagents, toolResults, fileHistory} = session
  const forked = random.uuid()
  const below = sessionDir(configDir, projectKey, forked)
  for (const {name, path} of toolResults) await copyFile(context, path, join(below, 'tool-results', name))
  for (const {name, path} of fileHistory) await copyFile(context, path, join(fileHistoryDir(configDir, forked), name))
  for (const {subpath, transcript, meta} of subagents) {
    await forkTranscript(context, transcript, join(below, `${subpath}.jsonl`), forked)
    if (meta) await copyFile(context, meta.path, join(below, `${subpath}.meta.json`))
  }
  if (main) await forkTranscript(context, main, transcriptPath(configDir, projectKey, forked), forked)
  const [found] = (await discoverSessions(configDir, {sessionId: forked, projectKey})).sessions
  return found ?? {sessionId: forked, projectKey, subagents: [], toolResults: [], fileHistory: []}
}

/** The fork of a session as it is now: made by an earlier run that did not get further, or now. */
export async function forkOnce(context: SyncContext, session: LocalSession): Promise<LocalSession> {
  const {configDir, state} = context
  const {sessionId, projectKey, main} = session
  const {forked} = await state.read(sessionId)
  if (forked && forked.size === main?.size && forked.mtimeMs === main.mtimeMs) {
    const [found] = (await discoverSessions(configDir, {sessionId: forked.sessionId, projectKey})).sessions
    if (found?.main) return found
  }
  const fork = await forkSession(context, session)
  if (main) {
    const {size, mtimeMs} = main
    await state.write(sessionId, {...(await state.read(sessionId)), forked: {sessionId: fork.sessionId, size, mtimeMs}})
  }
  return fork
}

async function forkTranscript(context: SyncContext, file: LocalFile, path: string, forked: string): Promise<void> {
  await using local = await openLocalTranscript(file.path, context.uid)
  const {configDir: root, random} = context
  await restoreFile({root, path, random}, local.length + SPARE_BYTES, async (handle) => {
    let written = 0
    for await (const line of forkLines(readLines(local.read(0, local.length)), forked)) {
      await writeAll(handle, line)
      written += line.length
    }
    return written
  })
}

async function copyFile({configDir: root, random, uid}: SyncContext, source: string, path: string): Promise<void> {
  const {handle, file} = await openPlainFile(source, {owner: uid})
  try {
    await restoreFile({root, path, random}, file.size, async (target) => {
      let written = 0
      for await (const chunk of handle.createReadStream({autoClose: false, start: 0})) {
        const bytes = chunk as Uint8Array
        await writeAll(target, bytes)
        written += bytes.length
      }
      return written
    })
  } finally {
    await handle.close()
  }
}
