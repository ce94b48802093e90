import {constants} from 'node:fs'
import {lstat, open, rename, rm, rmdir} from 'node:fs/promises'
import {dirname, join, relative} from 'node:path'
import {RepriseError} from '../base/errors.js'
import {projectDir} from '../transcript/config-dir.js'
import {discoverSession, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {SyncContext} from './context.js'
import {ownDirectory, refuseLinked} from './restore-file.js'
import {type SessionState, transcriptState, withTranscriptState} from './sync-state.js'

interface Move {
  readonly projectKey: string
  /** Of a transcript that a push knows of: what is known goes with it. */
  readonly transcript?: {readonly subpath: string | undefined}

  readonly from: string
  readonly to: string
  /** `drop`: the target has all of it already. `same`: both names are of one file, which is left alone. */
  readonly how: 'move' | 'drop' | 'same'
}

/**
 * Leaves one copy of a session here, under `projectKey`: claude takes the copy under its own cwd's key even when another is newer.
 * File by file; one that is the beginning of its counterpart gives way to it. Decided before anything is moved, and done again after a
 * crash it ends the same.
 *
 * @throws SESSION_COPIES when two copies of a file each have bytes of their own; TARGET_LINKED, TARGET_BLOCKED when the target is a
 *   way to somewhere else; nothing is moved then.
 */
export async function moveSessionHere(
  {configDir, state}: SyncContext,
  sessionId: string,
  projectKey: string,
): Promise<readonly string[]> {
  const {sessions} = await discoverSession(configDir, sessionId)
  const target = projectDir(configDir, projectKey)
  const others = sessions.filter((each) => each.projectKey !== projectKey)
  const moves: Move[] = []
  const arriving = new Map<string, string>()
  await refuseLinked(configDir, target)
  for (const copy of others) {
    const source = projectDir(configDir, copy.projectKey)
    for (const {path: from, transcript} of filesOf(copy)) {
      const to = join(target, relative(source, from))
      await refuseLinked(configDir, dirname(to))
      const how = await howToMove(from, arriving.get(to) ?? to)
      if (how === 'conflict') throw severalCopies(sessionId, sessions)
      if (how === 'move') arriving.set(to, from)
      moves.push({projectKey: copy.projectKey, from, to, how, ...(transcript && {transcript})})
    }
  }
  for (const {from, to, how} of moves) {
    if (how === 'drop') await rm(from)
    else if (how === 'move') {
      await ownDirectory(configDir, dirname(to))
      await rename(from, to)
    }
  }
  if (moves.length > 0) await state.write(sessionId, stateAfter(moves, projectKey, await state.read(sessionId)))
  for (const {from} of moves) await removeEmpty(dirname(from), projectDir(configDir, ''))
  return others.map((each) => each.projectKey)
}

/** The main transcript last: where it lies, all of the session lies. */
function filesOf({main, subagents, toolResults}: LocalSession): (Pick<LocalFile, 'path'> & Pick<Move, 'transcript'>)[] {
  return [
    ...toolResults,
    ...subagents.flatMap(({subpath, transcript: {path}, meta}) => [
      {path, transcript: {subpath}},
      ...(meta ? [meta] : []),
    ]),
    ...(main ? [{path: main.path, transcript: {subpath: undefined}}] : []),
  ]
}

/** A file that arrived brings what is known of it, in place of what was known of an earlier one there. */
function stateAfter(moves: readonly Move[], projectKey: string, before: SessionState): SessionState {
  let state = before
  for (const {projectKey: from, transcript, how} of moves) {
    if (!transcript || how === 'same') continue
    const {subpath} = transcript
    if (how === 'move') state = withTranscriptState(state, projectKey, subpath, transcriptState(state, from, subpath))
    state = withTranscriptState(state, from, subpath, undefined)
  }
  return state
}

async function howToMove(from: string, to: string): Promise<Move['how'] | 'conflict'> {
  const [a, b] = await Promise.all([openIfThere(from), openIfThere(to)])
  try {
    if (!b) return 'move'
    if (!a) return 'drop'
    const [mine, theirs] = await Promise.all([a.stat({bigint: true}), b.stat({bigint: true})])
    if (mine.dev === theirs.dev && mine.ino === theirs.ino) return 'same'
    const common = Number(mine.size < theirs.size ? mine.size : theirs.size)
    const chunk = 1024 * 1024
    for (let at = 0; at < common; at += chunk) {
      const length = Math.min(chunk, common - at)
      const [left, right] = await Promise.all([read(a, at, length), read(b, at, length)])
      if (!left.equals(right)) return 'conflict'
    }
    return mine.size > theirs.size ? 'move' : 'drop'
  } finally {
    await Promise.all([a?.close(), b?.close()])
  }
}

/** @throws TARGET_BLOCKED for what is no plain file: a link to a copy is not a copy. */
async function openIfThere(path: string) {
  try {
    if (!(await lstat(path)).isFile()) throw noPlainFile(path)
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
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

function noPlainFile(path: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'TARGET_BLOCKED',
    message: `${path} is no plain file; nothing was moved`,
    suggestions: ['Remove it, or put the file there that it leads to, and run the command again.'],
    details: {path},
  })
}
