import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {liveProcessesDir} from './config-dir.js'
import {isSessionId} from './session-id.js'
import {parseObject} from './entry-identity.js'
import type {Processes} from './processes.js'
import {openPlainFile} from './safe-open.js'
import {Walk} from './walk.js'

/** A session that a process of Claude has open, as Claude wrote it down. */
export interface LiveSession {
  readonly sessionId: string
  readonly pid: number
  readonly cwd?: string
  /** `busy` or `idle`, when Claude says so. */
  readonly status?: string
}

export interface Liveness {
  /** Open on this machine now. */
  readonly here: readonly LiveSession[]
  /** Written down by a process of another machine or container that shares this directory: whether it lives cannot be told. */
  readonly elsewhere: readonly LiveSession[]
}

/**
 * Which sessions are open, from the notes that each process of Claude keeps under `sessions/`. A note outlives a process
 * that was killed, so it counts only when its pid is alive and began when the note says. Where the start cannot be told a
 * living pid counts: to take a dead session for a live one costs a `--force`, the contrary a transcript.
 */
export async function liveSessions(configDir: string, processes: Processes): Promise<Liveness> {
  const root = await stat(configDir).catch(() => undefined)
  if (!root) return {here: [], elsewhere: []}
  const dir = liveProcessesDir(configDir)
  const names = (await new Walk(root.uid, 8).list(dir)).map(({name}) => name).filter((name) => /^\d+\.json$/.test(name))
  const domain = await processes.domain()
  const here: LiveSession[] = []
  const elsewhere: LiveSession[] = []
  for (const name of names) {
    const note = await readNote(join(dir, name), root.uid)
    if (!note || `${note.session.pid}.json` !== name) continue
    if (domain !== undefined && note.domain !== undefined && note.domain !== domain) elsewhere.push(note.session)
    else if (await isStillRunning(note, processes)) here.push(note.session)
  }
  return {here, elsewhere}
}

interface Note {
  readonly session: LiveSession
  readonly start?: string
  readonly domain?: string
}

async function isStillRunning({session, start}: Note, processes: Processes): Promise<boolean> {
  const found = await processes.find(session.pid)
  return found !== undefined && (start === undefined || found.start === undefined || start === found.start)
}

const longestNote = 64 * 1024

/** Undefined when the file is gone, is none of Claude's, or is just being written. */
async function readNote(path: string, owner: number): Promise<Note | undefined> {
  const opened = await openPlainFile(path, {owner}).catch(() => undefined)
  if (!opened) return
  try {
    if (opened.file.size > longestNote) return
    return parseNote(await opened.handle.readFile())
  } catch {
    return
  } finally {
    await opened.handle.close()
  }
}

function parseNote(bytes: Uint8Array): Note | undefined {
  const {pid, sessionId, cwd, status, procStart, pidDomain} = parseObject(bytes) ?? {}
  if (typeof pid !== 'number' || typeof sessionId !== 'string' || !isSessionId(sessionId)) return
  return {
    session: {
      sessionId,
      pid,
      ...(typeof cwd === 'string' && {cwd}),
      ...(typeof status === 'string' && {status}),
    },
    ...(typeof procStart === 'string' && {start: procStart}),
    ...(typeof pidDomain === 'string' && {domain: pidDomain}),
  }
}
