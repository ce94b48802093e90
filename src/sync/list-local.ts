import pMap from 'p-map'
import {changedMs} from './select-local.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import {readLines} from '../transcript/lines.js'
import {summarize, titleOf, type TranscriptSummary} from '../transcript/summary.js'
import {given, isoTime, type ListedSession} from './list-sessions.js'
import {openLocalTranscript} from './local-transcript.js'
import {type SyncState, transcriptState} from './sync-state.js'

const READ_AT_ONCE = 8

/**
 * The sessions of this machine. A transcript that is as it was when it was pushed is not read again.
 *
 * @param owner the uid that files must have.
 */
export async function listLocal(
  configDir: string,
  state: SyncState,
  owner: number | undefined,
): Promise<readonly ListedSession[]> {
  const {sessions} = await discoverSessions(configDir)
  return pMap(sessions, async (session) => rowOf(session, await summaryOf(session, state, owner)), {
    concurrency: READ_AT_ONCE,
  })
}

async function summaryOf(
  {sessionId, projectKey, main}: LocalSession,
  state: SyncState,
  owner: number | undefined,
): Promise<TranscriptSummary | undefined> {
  if (!main) return undefined
  const known = await state.read(sessionId)
  const {summary} = known
  const {seen} = transcriptState(known, projectKey, undefined)
  const isAsPushed =
    seen?.size === main.size && seen.mtimeMs === main.mtimeMs && seen.ino === main.ino && seen.dev === main.dev
  if (isAsPushed && summary?.value.bytes === main.size) return summary.value as unknown as TranscriptSummary
  try {
    await using local = await openLocalTranscript(main.path, owner)
    return await summarize(readLines(local.read(0, local.length), {onTooLong: 'report'}))
  } catch {
    // Gone, or not to be read: its size and time are listed all the same.
    return undefined
  }
}

function rowOf(session: LocalSession, summary: TranscriptSummary | undefined): ListedSession {
  const {sessionId, projectKey, main} = session
  const messages = summary && summary.userMessages + summary.assistantMessages
  return {
    sessionId,
    projectKey,
    agent: 'claude',
    ...given({
      title: summary && titleOf(summary),
      firstPrompt: summary?.firstPrompt,
      cwd: summary?.cwd,
      entries: summary?.entries,
      messages,
      bytes: main?.size,
      createdAt: summary?.createdAt,
      updatedAt: summary?.updatedAt ?? isoTime(Math.floor(changedMs(session))),
      path: main?.path,
    }),
    source: 'local',
  }
}
