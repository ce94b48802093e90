import pMap from 'p-map'
import {LineSplitter} from '../transcript/lines.js'
import {assembleConversation} from '../transcript/conversation/claude/assemble.js'
import {ClaudeTranscript} from '../transcript/conversation/claude/transcript.js'
import {type Limits, PREVIEW} from '../transcript/conversation/limits.js'
import type {Conversation} from '../transcript/conversation/model.js'
import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

const TRANSCRIPTS_AT_ONCE = 4
/** A longer line is counted, but not looked into: no agent writes such, and parsing one takes many times its size. */
export const LONGEST_LINE = 64 * 1024 * 1024

/**
 * Reads a session as a conversation. Bytes pass through: in memory stays what `limits` lets a conversation keep.
 *
 * @returns undefined when there is nothing of it.
 * @throws what reading its place throws: PART_DAMAGED, LOCAL_CHANGED, …
 */
export async function readConversation(
  origin: SessionOrigin,
  limits: Limits = PREVIEW,
): Promise<Conversation | undefined> {
  const origins = await origin.transcripts()
  if (origins.length === 0) return undefined
  const read = await pMap(origins, async (each) => readTranscript(each, limits), {concurrency: TRANSCRIPTS_AT_ONCE})
  const main = read.find(({name}) => name.subpath === undefined)
  // Subagents may be there alone.
  const empty = new ClaudeTranscript({sessionId: origin.sessionId}, limits)
  return assembleConversation(
    main ?? empty,
    read.filter((each) => each !== main),
  )
}

/** One transcript alone, as entries. */
export async function readTranscript(origin: TranscriptOrigin, limits: Limits): Promise<ClaudeTranscript> {
  const begin = () => ({
    transcript: new ClaudeTranscript(origin.name, limits),
    splitter: new LineSplitter({maxLineBytes: LONGEST_LINE, onTooLong: 'report'}),
  })
  let reading = begin()
  await origin.load({
    begin() {
      reading = begin()
    },
    write(chunk) {
      for (const line of reading.splitter.push(chunk)) reading.transcript.push(line)
    },
  })
  const {transcript} = reading
  if (origin.name.subpath !== undefined && !transcript.facts.subagent) {
    const meta = await origin.metadata()
    if (meta) transcript.describe(meta)
  }
  return transcript
}
