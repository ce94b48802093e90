import * as v from 'valibot'
import {isShallow} from '../base/shallow.js'
import {listAll} from '../object-store/list-all.js'
import {type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {titleOf, type TranscriptSummary} from '../transcript/summary.js'
import {type SessionRef, SUMMARY_PREFIX, summaryKeyOf} from './names.js'

const MAX_SUMMARY_BYTES = 64 * 1024
const DEEPEST = 32

const Text = v.optional(v.string())
const Count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)))

/**
 * The content of `.reprise/sessions/{sessionId}.json`: what a listing shows of a session. Derived and possibly behind: nothing
 * rests on it, and it can be made again from the parts.
 */
export const SessionSummarySchema = v.looseObject({
  version: v.literal(1),
  sessionId: v.string(),
  homeKey: v.string(),
  agent: v.string(),
  title: Text,
  name: Text,
  task: Text,
  firstPrompt: Text,
  entries: Count,
  messages: Count,
  /** Of the main transcript. */
  bytes: Count,
  parts: Count,
  cwd: Text,
  machine: Text,
  branch: Text,
  commit: Text,
  createdAt: Text,
  updatedAt: Text,
})

export type SessionSummary = v.InferOutput<typeof SessionSummarySchema>

/** @returns the etag that it has now. */
export async function writeSummary(store: ObjectStore, summary: SessionSummary): Promise<string> {
  const body = Buffer.from(`${JSON.stringify(summary)}\n`)
  const {etag} = await store.put(summaryKeyOf(summary.sessionId), body, {
    mode: OVERWRITE,
    contentType: 'application/json',
  })
  return etag
}

/** @returns undefined where there is none that this code can read: it is derived data, and never an error. */
export async function readSummary(store: ObjectStore, sessionId: string): Promise<SessionSummary | undefined> {
  const object = await readObject(store, summaryKeyOf(sessionId), {limit: MAX_SUMMARY_BYTES}).catch(() => undefined)
  return object && decodeSummary(object.bytes, sessionId)
}

/** @returns undefined for what no version of ours writes; a summary speaks for the session alone that it is stored under. */
export function decodeSummary(bytes: Uint8Array, sessionId: string): SessionSummary | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    const summary = isShallow(value, DEEPEST) ? parseSummary(value) : undefined
    return summary?.sessionId === sessionId ? summary : undefined
  } catch {
    return undefined
  }
}

/** @param value not nested deeply */
export function parseSummary(value: unknown): SessionSummary | undefined {
  const parsed = v.safeParse(SessionSummarySchema, value)
  return parsed.success ? parsed.output : undefined
}

/** Sessions that have a summary, with its etag. */
export async function listSummaries(
  store: ObjectStore,
): Promise<{sessionId: string; etag: string; modified: number}[]> {
  const {objects} = await listAll(store, {prefix: SUMMARY_PREFIX})
  return objects
    .filter(({key}) => key.endsWith('.json'))
    .map(({key, etag, modified}) => ({sessionId: key.slice(SUMMARY_PREFIX.length, -'.json'.length), etag, modified}))
}

export interface SummaryLabels {
  readonly parts?: number
  readonly task?: string
  readonly name?: string
}

/** @param value of the main transcript. */
export function summaryOf(
  {sessionId, homeKey}: SessionRef,
  machine: string,
  value: TranscriptSummary,
  labels: SummaryLabels,
): SessionSummary {
  const title = titleOf(value)
  return {
    version: 1,
    sessionId,
    homeKey,
    agent: 'claude',
    ...labels,
    ...(title !== undefined && {title}),
    ...(value.firstPrompt !== undefined && {firstPrompt: value.firstPrompt}),
    entries: value.entries,
    messages: value.userMessages + value.assistantMessages,
    bytes: value.bytes,
    machine,
    ...(value.cwd !== undefined && {cwd: value.cwd}),
    ...(value.gitBranch !== undefined && {branch: value.gitBranch}),
    ...(value.createdAt !== undefined && {createdAt: value.createdAt}),
    ...(value.updatedAt !== undefined && {updatedAt: value.updatedAt}),
  }
}
