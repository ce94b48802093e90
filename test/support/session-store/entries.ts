import assert from 'node:assert/strict'
import {randomUUID} from 'node:crypto'
import type {SessionKey, SessionStore, SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'

export const PROJECT = '-home-agent-work'

/** The main transcript of a new session. */
export function newKey(projectKey = PROJECT): SessionKey {
  return {projectKey, sessionId: randomUUID()}
}

/** A transcript of its subagent. */
export function subagentOf(key: SessionKey, name = 'agent-a1'): SessionKey & {subpath: string} {
  return {...key, subpath: `subagents/${name}`}
}

/** An entry with a `uuid` of its own, as claude writes what was said. */
export function said(text: string): SessionStoreEntry & {uuid: string} {
  return {
    type: 'user',
    uuid: randomUUID(),
    parentUuid: null,
    timestamp: new Date().toISOString(),
    message: {role: 'user', content: text},
  }
}

export function saidAll(count: number, text = 'entry'): (SessionStoreEntry & {uuid: string})[] {
  return Array.from({length: count}, (_, index) => said(`${text} ${index}`))
}

/** An entry without `uuid`: bookkeeping, of which equal ones come again and again. */
export function noted(text: string): SessionStoreEntry {
  return {type: 'last-prompt', lastPrompt: text}
}

/** What the mirror makes of a subagent's `agent-*.meta.json`. */
export function metadata(agentType: string): SessionStoreEntry {
  return {type: 'agent_metadata', agentType, description: 'a task'}
}

export function isMetadata({type}: SessionStoreEntry): boolean {
  return type === 'agent_metadata'
}

export async function stored(store: SessionStore, key: SessionKey): Promise<SessionStoreEntry[]> {
  const entries = await store.load(key)
  assert.ok(entries !== null, `nothing is stored under ${JSON.stringify(key)}`)
  return entries
}

/** Deep equality with a message that stays readable when there are thousands. */
export function sameEntries(actual: readonly SessionStoreEntry[], expected: readonly SessionStoreEntry[]): void {
  assert.equal(actual.length, expected.length, 'number of entries')
  for (const [index, entry] of expected.entries()) assert.deepEqual(actual[index], entry, `entry ${index}`)
}

/** @returns what it was rejected with, an Error that says something. */
export async function rejection(work: () => Promise<unknown>, what: string): Promise<Error> {
  const outcome = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  assert.ok(outcome instanceof Error, `${what} was not refused`)
  assert.notEqual(outcome.message, '', `${what} was refused without a word`)
  return outcome
}
