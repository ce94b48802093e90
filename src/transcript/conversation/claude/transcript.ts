import {parseObject} from '../../entry-identity.js'
import type {Line} from '../../lines.js'
import {objectField, timeField} from '../../summary-fields.js'
import type {Limits} from '../limits.js'
import type {EntryPlace, LineCounts, RecordedCost, SubagentFacts, TranscriptName} from '../model.js'
import {type Tokens, UsageLedger} from '../usage.js'
import {count, type Fields, word} from './entry.js'
import {entryPieces} from './entry-pieces.js'
import {EntryGraph, type Node} from './graph.js'

const WITNESS = 256

/** What entries say of a transcript as a whole; the last one counts. */
export interface TranscriptFacts {
  customTitle?: string
  aiTitle?: string
  summaryTitle?: string
  cwd?: string
  gitBranch?: string
  agentVersion?: string
  startedAt?: string
  endedAt?: string
  /** The entry that the last `last-prompt` names. */
  leaf?: string
  subagent?: SubagentFacts
}

/**
 * The lines of one transcript of claude's, as they come: more may be pushed at any time. Of each entry what a conversation shows is
 * kept, up to `limits`; whatever stands in a line, it throws nothing.
 */
export class ClaudeTranscript {
  readonly name: TranscriptName
  readonly graph = new EntryGraph()
  readonly usage = new UsageLedger()
  readonly facts: TranscriptFacts = {}
  readonly #limits: Limits
  readonly #costs = new Map<string, RecordedCost>()
  /** As versions before `cost-state` told it, of each answer. */
  readonly #answerCosts = new Map<string, RecordedCost>()
  readonly #words = new Map<string, string>()
  #lines = {entries: 0, unreadable: 0, tooLong: 0}
  #end = 0
  #last: Uint8Array = new Uint8Array(0)

  constructor(name: TranscriptName, limits: Limits) {
    this.name = name
    this.#limits = limits
  }

  get lines(): LineCounts {
    return this.#lines
  }

  get costs(): readonly RecordedCost[] {
    return [...(this.#costs.size > 0 ? this.#costs : this.#answerCosts).values()]
  }

  get limits(): Limits {
    return this.#limits
  }

  /** @param line of the whole transcript, in its order. A torn one is no entry yet: it is passed over. */
  push(line: Line): void {
    if (line.state === 'torn') return
    const entry = line.state === 'too-long' ? undefined : parseObject(line.bytes)
    if (!entry) {
      this.#placeOf(line)
      if (line.state === 'too-long') this.#lines.tooLong++
      else if (!isBlank(line.bytes)) this.#lines.unreadable++
      return
    }
    if (entry['type'] === 'agent_metadata') {
      // No line of the transcript: a store keeps it among its lines.
      this.facts.subagent = subagentFacts(entry)
      return
    }
    this.#lines.entries++
    this.#addEntry(entry, this.#placeOf(line))
  }

  /** How far the transcript is in, in bytes, and the last of them, by which is known that it only grew. */
  get end(): {readonly offset: number; readonly witness: Uint8Array} {
    return {offset: this.#end, witness: this.#last.subarray(-WITNESS)}
  }

  /** What `agent-*.meta.json` says. */
  describe(meta: Fields): void {
    this.facts.subagent = subagentFacts(meta)
  }

  /** Lines come in order, without a gap. */
  #placeOf({length, bytes}: Line): EntryPlace {
    const offset = this.#end
    this.#end += length
    this.#last = bytes
    return {transcript: this.name, offset, length}
  }

  #addEntry(entry: Fields, place: EntryPlace): void {
    const uuid = word(entry['uuid'])
    const time = timeField(entry['timestamp'])
    this.#noteFacts(entry, time)
    this.#noteUsage(entry, uuid, time)
    if (uuid === undefined) return
    const pieces = entryPieces(entry, uuid, place, this.#limits)
    this.graph.add({uuid, place, pieces, ...this.#linksOf(entry, time)})
  }

  #linksOf(entry: Fields, time: string | undefined): Omit<Node, 'uuid' | 'place' | 'pieces'> {
    const before = word(entry['logicalParentUuid'])
    const message = objectField(entry['message'])
    const messageId = entry['type'] === 'assistant' ? word(message?.['id']) : undefined
    const agentId = word(entry['agentId'])
    const tokens = messageId === undefined ? undefined : tokensOf(message)
    const held = tokens && tokens.input + tokens.cacheRead + tokens.cacheWrite
    return {
      parent: word(entry['parentUuid']) ?? null,
      isSidechain: this.name.subpath === undefined && entry['isSidechain'] === true,
      isBoundary: entry['subtype'] === 'compact_boundary',
      ...(before !== undefined && {before}),
      ...(messageId !== undefined && {messageId: this.#known(messageId)}),
      ...(time !== undefined && {ms: Date.parse(time)}),
      ...(held && {contextTokens: held}),
      ...(agentId !== undefined && {agentId: this.#known(agentId)}),
    }
  }

  #noteFacts(entry: Fields, time: string | undefined): void {
    const {facts} = this
    if (time !== undefined && !(facts.startedAt && facts.startedAt < time)) facts.startedAt = time
    if (time !== undefined && !(facts.endedAt && facts.endedAt > time)) facts.endedAt = time
    const told: [keyof TranscriptFacts & ('cwd' | 'gitBranch' | 'agentVersion'), unknown][] = [
      ['cwd', entry['cwd']],
      ['gitBranch', entry['gitBranch']],
      ['agentVersion', entry['version']],
    ]
    for (const [fact, value] of told) {
      const said = word(value)
      if (said !== undefined && facts[fact] !== said) facts[fact] = said
    }
    this.#noteBookkeeping(entry)
  }

  #noteBookkeeping(entry: Fields): void {
    const {facts} = this
    switch (entry['type']) {
      case 'custom-title':
        facts.customTitle = word(entry['customTitle']) ?? ''
        break
      case 'ai-title':
        facts.aiTitle = word(entry['aiTitle']) ?? ''
        break
      case 'summary':
        facts.summaryTitle = word(entry['summary']) ?? ''
        break
      case 'last-prompt':
        facts.leaf = word(entry['leafUuid']) ?? ''
        break
      case 'cost-state': {
        const usd = count(entry['totalCostUSD'])
        const since = String(count(entry['startTime']) ?? this.name.sessionId)
        if (usd === undefined || usd < (this.#costs.get(since)?.usd ?? 0)) break
        this.#costs.set(since, {since, usd, atLeast: entry['hasUnknownModelCost'] === true})
      }
    }
  }

  #noteUsage(entry: Fields, uuid: string | undefined, time: string | undefined): void {
    const message = entry['type'] === 'assistant' ? objectField(entry['message']) : undefined
    const tokens = tokensOf(message)
    const id = word(message?.['id']) ?? uuid
    const model = word(message?.['model'])
    const usd = count(entry['costUSD'])
    if (usd !== undefined && id !== undefined) this.#answerCosts.set(id, {since: id, usd, atLeast: false})
    if (!tokens || id === undefined || model?.startsWith('<')) return
    this.usage.add({
      id: this.#known(id),
      tokens,
      ...(model !== undefined && {model: this.#known(model)}),
      ...(time !== undefined && {time}),
    })
  }

  /** Names that come again and again are kept once. */
  #known(name: string): string {
    const known = this.#words.get(name)
    if (known !== undefined) return known
    if (this.#words.size > 1000) this.#words.clear()
    this.#words.set(name, name)
    return name
  }
}

function tokensOf(message: Fields | undefined): Tokens | undefined {
  const usage = objectField(message?.['usage'])
  if (!usage) return undefined
  return {
    input: count(usage['input_tokens']) ?? 0,
    output: count(usage['output_tokens']) ?? 0,
    cacheRead: count(usage['cache_read_input_tokens']) ?? 0,
    cacheWrite: count(usage['cache_creation_input_tokens']) ?? 0,
  }
}

function subagentFacts(meta: Fields): SubagentFacts {
  const [type, description, toolCallId] = [word(meta['agentType']), word(meta['description']), word(meta['toolUseId'])]
  return {
    ...(type !== undefined && {type}),
    ...(description !== undefined && {description}),
    ...(toolCallId !== undefined && {toolCallId}),
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09)
}
