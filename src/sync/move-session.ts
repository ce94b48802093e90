import {open, rename, rm, rmdir} from 'node:fs/promises'
import {dirname, join, relative} from 'node:path'
import {RepriseError} from '../base/errors.js'
import {projectDir} from '../transcript/config-dir.js'
import {discoverSession, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {SyncContext} from './context.js'
import {ownDirectory} from './restore-file.js'

interface Move {
  readonly from: string
  readonly to: string
  /** `drop`: the target has all of it already. */
  readonly how: 'move' | 'drop'
}

/**
 * Leaves one copy of a session here, under `projectKey`: claude takes the copy under its own cwd's key even when another is newer.
 * File by file; one that is the beginning of its counterpart gives way to it. Decided before anything is moved, and done again after a
 * crash it ends the same.
 *
 * @throws SESSION_COPIES when two copies of a file each have bytes of their own; nothing is moved then.
 */
export async function moveSessionHere(
  {configDir}: SyncContext,
  sessionId: string,
  projectKey: string,
): Promise<readonly string[]> {
  const {sessions} = await discoverSession(configDir, sessionId)
  const target = projectDir(configDir, projectKey)
  const others = sessions.filter((each) => each.projectKey !== projectKey)
  const moves: Move[] = []
  const arriving = new Map<string, string>()
  for (const copy of others) {
    const source = projectDir(configDir, copy.projectKey)
    for (const {path: from} of filesOf(copy)) {
      const to = join(target, relative(source, from))
      const how = await howToMove(from, arriving.get(to) ?? to)
      if (how === 'conflict') throw severalCopies(sessionId, sessions)
      if (how === 'move') arriving.set(to, from)
      moves.push({from, to, how})
    }
  }
  for (const {from, to, how} of moves) {
    if (how === 'drop') await rm(from)
    else {
      await ownDirectory(configDir, dirname(to))
      await rename(from, to)
    }
  }
  for (const {from} of moves) await removeEmpty(dirname(from), projectDir(configDir, ''))
  return others.map((each) => each.projectKey)
}

/** The main transcript last: where it lies, all of the session lies. */
function filesOf({main, subagents, toolResults}: LocalSession): LocalFile[] {
  return [
    ...toolResults,
    ...subagents.flatMap(({transcript, meta}) => (meta ? [transcript, meta] : [transcript])),
    ...(main ? [main] : []),
  ]
}

async function howToMove(from: string, to: string): Promise<Move['how'] | 'conflict'> {
  const [a, b] = await Promise.all([openIfThere(from), openIfThere(to)])
  try {
    if (!b) return 'move'
    if (!a) return 'drop'
    const [{size: mine}, {size: theirs}] = await Promise.all([a.stat(), b.stat()])
    const common = Math.min(mine, theirs)
    const chunk = 1024 * 1024
    for (let at = 0; at < common; at += chunk) {
      const length = Math.min(chunk, common - at)
      const [left, right] = await Promise.all([read(a, at, length), read(b, at, length)])
      if (!left.equals(right)) return 'conflict'
    }
    return mine > theirs ? 'move' : 'drop'
  } finally {
    await Promise.all([a?.close(), b?.close()])
  }
}

async function openIfThere(path: string) {
  return open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
}

async function read(handle: Awaited<ReturnType<typeof open>>, at: number, length: number): Promise<Buffer> {
  const {buffer, bytesRead} = await handle.read(Buffer.allocUnsafe(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

/** Directories that a move emptied, up to the one that holds the project keys. */
async function removeEmpty(directory: string, top: string): Promise<void> {
  for (let at = directory; at.length > top.length && at.startsWith(top); at = dirname(at)) {
    const gone = await rmdir(at).then(
      () => true,
      () => false,
    )
    if (!gone) return
  }
}

function severalCopies(sessionId: string, copies: readonly LocalSession[]): RepriseError {
  const keys = copies.map((each) => each.projectKey).join(', ')
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_COPIES',
    message: `session ${sessionId} lies here under ${copies.length} project keys, and each copy has bytes of its own: ${keys}`,
    suggestions: ['Remove the copy that is out of date.'],
    details: {sessionId, paths: copies.map((each) => each.main?.path).filter((path) => path !== undefined)},
  })
}
