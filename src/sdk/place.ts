import {RepriseError} from '../base/errors.js'
import type {Homes} from '../store/home.js'
import {isSafeSegment, isSafeSubpath, OWN_PREFIX, parsePartName, type TranscriptRef} from '../store/names.js'
import type {SessionKey} from './types.js'

/**
 * Under which project key sessions lie.
 *
 * - `given`: under the one that the caller names, as the SDK's contract has it.
 * - `home`: under the one that they were first stored under, so that a worker with another cwd finds them.
 * - anything else: under that one, always.
 */
export type ProjectKeyRule = 'given' | 'home' | (string & {})

export function projectKeyOf(rule: ProjectKeyRule, given: string): string {
  return rule === 'given' || rule === 'home' ? given : rule
}

/** Where a transcript is read. @returns undefined when the store has nothing of the session. */
export async function placeToRead(
  rule: ProjectKeyRule,
  homes: Homes,
  key: SessionKey,
): Promise<TranscriptRef | undefined> {
  const wanted = projectKeyOf(rule, key.projectKey)
  const homeKey = rule === 'home' ? await homes.find(key.sessionId, wanted) : wanted
  return homeKey === undefined ? undefined : refOf(homeKey, key)
}

/** Where a transcript is appended to. */
export async function placeToWrite(rule: ProjectKeyRule, homes: Homes, key: SessionKey): Promise<TranscriptRef> {
  const wanted = projectKeyOf(rule, key.projectKey)
  return refOf(rule === 'home' ? await homes.settle(key.sessionId, wanted) : wanted, key)
}

/** @throws UNSAFE_KEY for what must not become part of a key. */
export function checkKey({projectKey, sessionId, subpath}: SessionKey): void {
  const isOurs = `${projectKey}/` === OWN_PREFIX
  if (isOurs || !isSafeSegment(projectKey)) throw unsafe('project key', projectKey)
  if (!isSafeSegment(sessionId)) throw unsafe('session id', sessionId)
  if (subpath === undefined || subpath === '') return
  // A folder named like a part would hide that part on some servers.
  const isPart = subpath.split('/').some((segment) => parsePartName(segment))
  if (isPart || !isSafeSubpath(subpath)) throw unsafe('subpath', subpath)
}

function refOf(homeKey: string, {sessionId, subpath}: SessionKey): TranscriptRef {
  return {homeKey, sessionId, ...(subpath !== undefined && subpath !== '' && {subpath})}
}

function unsafe(what: string, text: unknown): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'UNSAFE_KEY',
    message: `${what} ${JSON.stringify(String(text).slice(0, 80))} cannot be part of a key`,
    suggestions: ['A segment of a key has no slash, no backslash, no control character, and is not "." or "..".'],
  })
}
