import {assembleConversation} from '../transcript/conversation/claude/assemble.js'
import {ClaudeTranscript} from '../transcript/conversation/claude/transcript.js'
import type {Limits} from '../transcript/conversation/limits.js'
import type {Conversation} from '../transcript/conversation/model.js'
import {readLines} from '../transcript/lines.js'
import {LONGEST_LINE, readTranscript} from './read-conversation.js'
import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

interface Followed {
  readonly version: string
  readonly transcript: ClaudeTranscript
}

/** A session that is looked at again and again. What a transcript has grown by is read alone; one that was rewritten is read anew. */
export class FollowedSession {
  readonly #origin: SessionOrigin
  readonly #limits: Limits
  #followed = new Map<string | undefined, Followed>()

  constructor(origin: SessionOrigin, limits: Limits) {
    this.#origin = origin
    this.#limits = limits
  }

  /** @returns the conversation as it is now; undefined when nothing changed since the last look. */
  async look(): Promise<Conversation | undefined> {
    const origins = await this.#origin.transcripts()
    const followed = new Map<string | undefined, Followed>()
    let isNew = origins.length !== this.#followed.size
    for (const origin of origins) {
      const {subpath} = origin.name
      const known = this.#followed.get(subpath)
      if (known?.version !== origin.version) isNew = true
      const {version} = origin
      const transcript = known?.version === version ? known.transcript : await this.#read(origin, known?.transcript)
      followed.set(subpath, {version, transcript})
    }
    this.#followed = followed
    if (!isNew) return undefined
    const main = followed.get(undefined)?.transcript
    const subagents = [...followed].filter(([subpath]) => subpath !== undefined).map(([, {transcript}]) => transcript)
    return assembleConversation(
      main ?? new ClaudeTranscript({sessionId: this.#origin.sessionId}, this.#limits),
      subagents,
    )
  }

  async #read(origin: TranscriptOrigin, known: ClaudeTranscript | undefined): Promise<ClaudeTranscript> {
    return known && (await extend(known, origin)) ? known : readTranscript(origin, this.#limits)
  }
}

/** @returns false when it does not go on where it was. */
async function extend(transcript: ClaudeTranscript, origin: TranscriptOrigin): Promise<boolean> {
  const {offset, witness} = transcript.end
  await using now = await origin.open()
  if (now.length < offset) return false
  const from = offset - witness.length
  const chunks: Uint8Array[] = []
  for await (const chunk of now.read(from, offset)) chunks.push(chunk)
  if (!Buffer.concat(chunks).equals(witness)) return false
  const lines = readLines(now.read(offset, now.length), {from: offset, maxLineBytes: LONGEST_LINE, onTooLong: 'report'})
  for await (const line of lines) transcript.push(line)
  if (transcript.name.subpath !== undefined && !transcript.facts.subagent) {
    const meta = await origin.metadata()
    if (meta) transcript.describe(meta)
  }
  return true
}
