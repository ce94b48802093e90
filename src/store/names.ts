import {RepriseError} from '../base/errors.js'
import {sha256Hex} from '../base/hash.js'

/** The layout of docs/store-format.md: every key that the part protocol reads or writes is made here. */

export interface SessionRef {
  /** The project key that the session was first stored under. */
  readonly homeKey: string
  readonly sessionId: string
}

/** One JSONL file's place in a store: the session's main transcript, or a subagent's when `subpath` is given. */
export interface TranscriptRef extends SessionRef {
  /** `subagents/…/agent-<id>`: the path below the session, without `.jsonl`. */
  readonly subpath?: string
}

/** Everything of ours, never under a session's prefix. */
export const OWN_PREFIX = '.reprise/'

/** Digits of a part that holds one `agent_metadata` entry and stands outside the chain. */
export const METADATA_DIGITS = '000000'

const PART_NAME = /^part-(\d{13})-([0-9a-f]{6})\.jsonl$/
const MAX_SEGMENT_BYTES = 255

export interface PartName {
  /** Milliseconds since the epoch, 13 digits. */
  readonly ms: number
  /** Six hex digits. */
  readonly digits: string
}

export function formatPartName({ms, digits}: PartName): string {
  return `part-${String(ms).padStart(13, '0')}-${digits}.jsonl`
}

/** @returns undefined for a name that no part writer, of ours or of the reference layout, would give. */
export function parsePartName(name: string): PartName | undefined {
  const match = PART_NAME.exec(name)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return {ms: Number(match[1]), digits: match[2]}
}

/**
 * The digits that bind a part's name to the transcript up to its end and to its own first byte, so that a listing alone
 * tells whether a local file still has that prefix.
 */
export function chainDigits(after: string, from: number): string {
  const digits = sha256Hex(`${after}:${from}`).slice(0, 6)
  return digits === METADATA_DIGITS ? '000001' : digits
}

/** True for a text that is safe as one segment of a key and of a path: no separator, no control character, no dots alone. */
export function isSafeSegment(text: string): boolean {
  if (text === '' || text === '.' || text === '..') return false
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[/\\\u0000-\u001f\u007f]/.test(text)) return false
  return text.isWellFormed() && Buffer.byteLength(text) <= MAX_SEGMENT_BYTES
}

/** Each segment safe, none of them ours, and no drive letter at the front. */
export function isSafeSubpath(text: string): boolean {
  return text.split('/').every((segment) => isSafeSegment(segment) && !/^[A-Za-z]:/.test(segment))
}

export function projectPrefix(homeKey: string): string {
  return `${segment(homeKey, 'project key')}/`
}

export function sessionPrefix({homeKey, sessionId}: SessionRef): string {
  return `${segment(homeKey, 'project key')}/${segment(sessionId, 'session id')}/`
}

export function transcriptPrefix(ref: TranscriptRef): string {
  return sessionPrefix(ref) + below(ref.subpath)
}

export function journalPrefix({sessionId, subpath}: TranscriptRef): string {
  return `${OWN_PREFIX}rebase/${segment(sessionId, 'session id')}/${below(subpath)}`
}

export function latePrefix({sessionId, subpath}: TranscriptRef): string {
  return `${OWN_PREFIX}late/${segment(sessionId, 'session id')}/${below(subpath)}`
}

export function archivePrefix({sessionId, subpath}: TranscriptRef): string {
  return `${OWN_PREFIX}archive/${segment(sessionId, 'session id')}/${below(subpath)}`
}

export const HOME_PREFIX = `${OWN_PREFIX}home/`
export const LEASE_PREFIX = `${OWN_PREFIX}leases/`
export const FILES_PREFIX = `${OWN_PREFIX}files/`
export const SUMMARY_PREFIX = `${OWN_PREFIX}sessions/`
export const INDEX_PREFIX = `${OWN_PREFIX}index/`
export const TASK_PREFIX = `${OWN_PREFIX}tasks/`

export function homeKeyOf(sessionId: string): string {
  return HOME_PREFIX + segment(sessionId, 'session id')
}

export function leaseKeyOf(sessionId: string): string {
  return `${LEASE_PREFIX}${segment(sessionId, 'session id')}.json`
}

export function summaryKeyOf(sessionId: string): string {
  return `${SUMMARY_PREFIX}${segment(sessionId, 'session id')}.json`
}

/** Summaries as the Agent SDK folds them, by project key: the SDK keeps one session id under two of them apart. */
export function sdkSummaryPrefix(homeKey: string): string {
  return `${OWN_PREFIX}sdk/${segment(homeKey, 'project key')}/`
}

export function filesPrefix(sessionId: string): string {
  return `${FILES_PREFIX}${segment(sessionId, 'session id')}/`
}

function below(subpath: string | undefined): string {
  if (subpath === undefined) return ''
  if (!isSafeSubpath(subpath)) throw unsafeKey('subpath', subpath)
  return `${subpath}/`
}

function segment(text: string, what: string): string {
  if (!isSafeSegment(text)) throw unsafeKey(what, text)
  return text
}

function unsafeKey(what: string, text: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'UNSAFE_KEY',
    message: `${what} ${JSON.stringify(text.slice(0, 80))} cannot be part of a key`,
    suggestions: [
      'A key segment has no slash, no backslash, no control character, is not "." or "..", and has at most 255 bytes.',
    ],
  })
}
