import {hasCode} from '../base/errors.js'
import type {Random} from '../base/clock.js'
import {countNewlines, type TranscriptBytes} from '../store/bytes.js'
import {checkSize} from '../store/size-limit.js'
import {compareEntries, type Surplus, unionOf} from '../sync/compare.js'
import {type LocalTranscript, openLocalTranscript} from '../sync/local-transcript.js'
import {pullRow} from '../sync/plan-pull.js'
import {restoreFile, writeAll} from '../sync/restore-file.js'
import {compareStreams} from './compare-streams.js'

/** Where restored files go. */
export interface RestoreTarget {
  /** Nothing is written outside it: Claude's config dir, or Codex's home. */
  readonly root: string
  readonly random: Random
  /** The uid that must own what is read there; undefined where there are none. */
  readonly uid: number | undefined
  readonly sessionId: string
  /** A file of that session that holds more is not let in; undefined: no limit. */
  readonly maxBytes: number | undefined
}

/** A transcript in a layout of whole files. */
export interface WholeTranscript {
  /** What the file will take on the disk at least; exact where it is not compressed. */
  readonly size: number
  open(): AsyncIterable<Uint8Array>
  /** With random access, to compare by entries; without it two sides that each have more are never merged. */
  readonly bytes?: TranscriptBytes
}

/** How what is here and what is there stand to each other, and what a restore makes of it. */
export type RestorePlan =
  | {readonly step: 'create' | 'replace' | 'nothing' | 'ahead'}
  | {readonly step: 'union'; readonly surplus: Surplus}
  | {readonly step: 'refuse'; readonly common: number; readonly local?: Surplus; readonly stored?: Surplus}

export interface Restored {
  readonly bytes: number
  readonly entries: number
}

/** Opens what is here; undefined when nothing is. */
export async function openHere(path: string, uid: number | undefined): Promise<LocalTranscript | undefined> {
  return openLocalTranscript(path, uid).catch((error: unknown) => {
    if (hasCode(error, 'FILE_NOT_FOUND')) return undefined
    throw error
  })
}

/** Compares byte by byte, and by entries only where those differ. Nothing is written. */
export async function planRestore(
  local: Pick<LocalTranscript, 'length' | 'torn' | 'read'> | undefined,
  source: WholeTranscript,
): Promise<RestorePlan> {
  if (!local) return {step: 'create'}
  // A torn tail here is a part of the comparison: what is there may be the same torn file, or go on where this one broke off.
  const {kind, common} = await compareStreams(local.read(0, local.length + local.torn), source.open())
  if (kind === 'equal') return {step: 'nothing'}
  if (kind === 'first-is-shorter') return {step: 'replace'}
  if (kind === 'second-is-shorter') return {step: 'ahead'}
  if (!source.bytes) return {step: 'refuse', common}
  const row = pullRow(await compareEntries(local, source.bytes), local.length)
  switch (row.step) {
    case 'nothing':
      return {step: row.because === 'ahead' ? 'ahead' : 'nothing'}
    case 'append':
    case 'take':
      return {step: 'replace'}
    case 'union':
      return row
    case 'refuse':
      return {...row, common}
  }
}

/** Writes the file whole, or leaves it as it was. */
export async function writeWhole(target: RestoreTarget, path: string, source: WholeTranscript): Promise<Restored> {
  return write(target, path, source.size, source.open())
}

/** Local lines, then what only the other side has. */
export async function writeUnion(
  target: RestoreTarget,
  path: string,
  local: TranscriptBytes,
  stored: TranscriptBytes,
  surplus: Surplus,
): Promise<Restored> {
  const union = unionOf(local, stored, surplus)
  return write(target, path, union.length, union.read(0, union.length))
}

async function write(
  {root, random, sessionId, maxBytes}: RestoreTarget,
  path: string,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Restored> {
  let bytes = 0
  let entries = 0
  await restoreFile({root, path, random}, size, async (handle) => {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      checkSize(sessionId, bytes, maxBytes)
      await writeAll(handle, chunk)
      entries += countNewlines(chunk)
    }
    return bytes
  })
  return {bytes, entries}
}
