import {parseObject} from '../entry-identity.js'
import type {Line} from '../lines.js'
import {isSessionId} from '../session-id.js'
import {definedFields, LONGEST_PATH, objectField, spanOf, textField, timeField} from '../summary-fields.js'

/** What a fork's rollout rests on: it holds what came after alone. */
export interface RolloutBase {
  readonly sessionId: string
  /** How much of that rollout belongs to the fork, from its first byte on. */
  readonly bytes: number
}

/** What a listing shows of a rollout: plain values of bounded size, safe to print. */
export interface RolloutSummary {
  /** How far the rollout is in: the offset after the last whole line. */
  readonly bytes: number
  readonly items: number
  /** What a person said; what Codex itself says to the model under that role is not counted. */
  readonly userMessages: number
  readonly assistantMessages: number
  /** As the first line has it; the file's name counts. */
  readonly sessionId?: string
  readonly firstPrompt?: string
  readonly cwd?: string
  readonly branch?: string
  readonly commit?: string
  readonly model?: string
  readonly codexVersion?: string
  /** ISO 8601 in UTC, of the earliest and the latest line. */
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly base?: RolloutBase
}

export const emptyRolloutSummary: RolloutSummary = {bytes: 0, items: 0, userMessages: 0, assistantMessages: 0}

/** A longer item is counted, but not looked into. */
const LARGEST_ITEM = 8 * 1024 * 1024

/**
 * Folds the lines of a rollout into a summary. Lines that are no JSON, and items of unknown types, are passed over: Codex adds
 * types with every version. Torn tails are not counted.
 */
export async function summarizeRollout(
  lines: AsyncIterable<Line> | Iterable<Line>,
  soFar: RolloutSummary = emptyRolloutSummary,
): Promise<RolloutSummary> {
  let summary = soFar
  for await (const line of lines) summary = addRolloutLine(summary, line)
  return summary
}

export function addRolloutLine(soFar: RolloutSummary, line: Line): RolloutSummary {
  if (line.state === 'torn') return soFar
  const isLong = line.length > LARGEST_ITEM
  const counted = {...soFar, bytes: line.offset + line.length}
  const entry = isLong ? undefined : parseObject(line.bytes)
  if (!entry) return isLong ? {...counted, items: counted.items + 1} : counted
  const time = timeField(entry['timestamp'])
  const span = definedFields<Fields>(spanOf(soFar, time))
  return {...counted, items: counted.items + 1, ...span, ...fieldsOf(soFar, entry)}
}

type Item = Readonly<Record<string, unknown>>
type Fields = {-readonly [Key in keyof RolloutSummary]?: RolloutSummary[Key]}

/** Versions before 2025-09 wrote items as they are; later ones put them under `payload`, with a type of line around them. */
function fieldsOf(soFar: RolloutSummary, entry: Item): Fields {
  const payload = objectField(entry['payload'])
  if (!payload) return entry['type'] === undefined ? metaFields(soFar, entry) : messageFields(soFar, entry)
  switch (entry['type']) {
    case 'session_meta':
      return metaFields(soFar, payload)
    case 'turn_context':
      return definedFields<Fields>({
        cwd: textField(payload['cwd'], LONGEST_PATH),
        model: textField(payload['model']),
      })
    case 'response_item':
      return messageFields(soFar, payload)
    default:
      return {}
  }
}

/** Older forks begin with their own line and go on with a copy of the other's, its first line with it: the first one counts. */
function metaFields(soFar: RolloutSummary, meta: Item): Fields {
  const id = meta['id']
  if (soFar.sessionId !== undefined || typeof id !== 'string' || !isSessionId(id)) return {}
  const git = objectField(meta['git'])
  return definedFields<Fields>({
    sessionId: id.toLowerCase(),
    cwd: textField(meta['cwd'], LONGEST_PATH),
    branch: textField(git?.['branch']),
    commit: textField(git?.['commit_hash']),
    codexVersion: textField(meta['cli_version']),
    base: baseOf(objectField(meta['history_base'])),
  })
}

function baseOf(base: Item | undefined): RolloutBase | undefined {
  const id = base?.['thread_id']
  const bytes = base?.['end_byte_offset']
  if (typeof id !== 'string' || !isSessionId(id)) return undefined
  return {sessionId: id.toLowerCase(), bytes: Number.isSafeInteger(bytes) ? Math.max(0, Number(bytes)) : 0}
}

function messageFields(soFar: RolloutSummary, item: Item): Fields {
  if (item['type'] !== 'message') return {}
  if (item['role'] === 'assistant') return {assistantMessages: soFar.assistantMessages + 1}
  const prompt = item['role'] === 'user' ? promptOf(item['content']) : undefined
  if (prompt === undefined) return {}
  const firstPrompt = soFar.firstPrompt === undefined ? textField(prompt) : undefined
  return {userMessages: soFar.userMessages + 1, ...definedFields<Fields>({firstPrompt})}
}

/** What Codex tells the model of its surroundings stands under the person's role; all of it begins so. */
const NOT_TYPED =
  /^\s*(?:<(?:environment_context|user_instructions|permissions|skills|collaboration_mode|turn_aborted|user_shell_command|subagent_notification|apps_|plugins_|model_switch|hook)|# AGENTS\.md instructions)/

function promptOf(content: unknown): string | undefined {
  const blocks = Array.isArray(content) ? content.map(objectField) : []
  for (const block of blocks) {
    const said = block?.['type'] === 'input_text' ? block['text'] : undefined
    if (typeof said === 'string' && said.trim() !== '' && !NOT_TYPED.test(said)) return said
  }
  return undefined
}
