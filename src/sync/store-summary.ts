import {type Measure, measure} from '../store/bytes.js'
import type {SessionRef} from '../store/names.js'
import {readSummary, type SummaryLabels, summaryOf, writeSummary} from '../store/summary-record.js'
import type {IndexedSummary} from '../store/summary-index.js'
import {readLines} from '../transcript/lines.js'
import {emptySummary, summarize, type TranscriptSummary} from '../transcript/summary.js'
import type {SyncContext} from './context.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import type {SessionState} from './sync-state.js'

/**
 * Writes the session's summary for listings, folded on from where the last one ended.
 *
 * @param measured the local main transcript, at its end and where the last summary ended.
 * @param written told of it, with the etag that it has.
 * @returns the state to keep for the next one.
 */
export async function storeSummary(
  context: SyncContext,
  {sessionId, homeKey}: SessionRef,
  local: LocalTranscript,
  measured: ReadonlyMap<number, Measure>,
  state: SessionState,
  labels: SummaryLabels,
  written?: (entry: IndexedSummary) => void,
): Promise<SessionState> {
  const before = state.summary
  const goesOn = before !== undefined && measured.get(before.value.bytes)?.digest === before.digest
  const soFar = goesOn ? (before.value as unknown as TranscriptSummary) : emptySummary
  const lines = readLines(local.read(soFar.bytes, local.length), {from: soFar.bytes, onTooLong: 'report'})
  const value = await summarize(lines, soFar)
  const summary = summaryOf({sessionId, homeKey}, context.machine, value, labels)
  const etag = await writeSummary(context.store, summary)
  written?.({etag, summary})
  const digest = measured.get(value.bytes)?.digest
  return digest === undefined ? state : {...state, summary: {digest, value: {...value}}}
}

/** The same for a transcript that nobody has measured, with what earlier runs left in the state. */
export async function storeSummaryOf(
  context: SyncContext,
  ref: SessionRef,
  path: string,
  labels: SummaryLabels,
): Promise<void> {
  const state = await context.state.read(ref.sessionId)
  // Another machine may have given it its task or name.
  const {task, name} = {...(await readSummary(context.store, ref.sessionId)), ...state.labels, ...labels}
  const known = {...(task !== undefined && {task}), ...(name !== undefined && {name})}
  const kept = {...labels, ...known}
  await using local = await openLocalTranscript(path, context.uid)
  const offsets = [state.summary?.value.bytes ?? 0, local.length].filter((offset) => offset <= local.length)
  const next = await storeSummary(context, ref, local, await measure(local, offsets), state, kept)
  // A push from here asks the store no more.
  await context.state.write(ref.sessionId, task === undefined && name === undefined ? next : {...next, labels: known})
}
