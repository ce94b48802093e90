import {parseObject} from './entry-identity.js'
import type {Line} from './lines.js'
import {definedFields, LONGEST_PATH, objectField, spanOf, textField, timeField} from './summary-fields.js'

/**
 * What a listing shows of a session: plain values of bounded size, safe to print, and at the same time all that is needed
 * to go on from byte `bytes` when the transcript has grown.
 */
export interface TranscriptSummary {
  /** How far the transcript is in: the offset after the last whole line. */
  readonly bytes: number
  readonly entries: number
  /** What a person (or the program that drives Claude) said; tool results and Claude's own notes are not counted. */
  readonly userMessages: number
  /** Answers of the model, one for each request, in however many entries Claude wrote them. */
  readonly assistantMessages: number
  readonly firstPrompt?: string
  /** Given by a person (`claude --name`, `/rename`). */
  readonly customTitle?: string
  /** Given by the model. */
  readonly aiTitle?: string
  /** As versions before titles named a session. */
  readonly summaryTitle?: string
  /** The last one mentioned, like branch, version and model. */
  readonly cwd?: string
  readonly gitBranch?: string
  readonly claudeVersion?: string
  readonly model?: string
  /** ISO 8601 in UTC, of the earliest and the latest entry. */
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly lastMessageId?: string
}

export const emptySummary: TranscriptSummary = {bytes: 0, entries: 0, userMessages: 0, assistantMessages: 0}

/** A longer entry is counted, but not looked into: listings are not worth its memory. */
const largestEntry = 8 * 1024 * 1024

/**
 * Folds lines into a summary. To go on later, read the transcript from byte `so far.bytes` (`readLines` with `from`) and pass
 * the summary so far; the outcome is the same as in one go. Torn tails are not counted: they come whole the next time.
 */
export async function summarize(
  lines: AsyncIterable<Line> | Iterable<Line>,
  soFar: TranscriptSummary = emptySummary,
): Promise<TranscriptSummary> {
  let summary = soFar
  for await (const line of lines) summary = addLine(summary, line)
  return summary
}

/** What to call the session; undefined when nobody named it. */
export function titleOf({customTitle, aiTitle, summaryTitle}: TranscriptSummary): string | undefined {
  return customTitle ?? aiTitle ?? summaryTitle
}

export function addLine(soFar: TranscriptSummary, line: Line): TranscriptSummary {
  if (line.state === 'torn') return soFar
  const counted = {...soFar, bytes: line.offset + line.length}
  const entry = line.length <= largestEntry ? parseObject(line.bytes) : undefined
  if (!entry) return line.length > largestEntry ? {...counted, entries: counted.entries + 1} : counted
  return {...counted, entries: counted.entries + 1, ...commonFields(soFar, entry), ...fieldsOf(soFar, entry)}
}

type Entry = Readonly<Record<string, unknown>>
type Fields = {-readonly [Key in keyof TranscriptSummary]?: TranscriptSummary[Key]}

function commonFields(soFar: TranscriptSummary, entry: Entry): Fields {
  const time = timeField(entry['timestamp'])
  return definedFields({
    cwd: textField(entry['cwd'], LONGEST_PATH),
    gitBranch: textField(entry['gitBranch']),
    claudeVersion: textField(entry['version']),
    ...spanOf(soFar, time),
  })
}

function fieldsOf(soFar: TranscriptSummary, entry: Entry): Fields {
  switch (entry['type']) {
    case 'custom-title':
      return definedFields({customTitle: textField(entry['customTitle'])})
    case 'ai-title':
      return definedFields({aiTitle: textField(entry['aiTitle'])})
    case 'summary':
      return definedFields({summaryTitle: textField(entry['summary'])})
    case 'user': {
      const prompt = promptOf(entry)
      if (prompt === undefined) return {}
      const firstPrompt = soFar.firstPrompt === undefined ? textField(prompt) : undefined
      return {userMessages: soFar.userMessages + 1, ...definedFields<Fields>({firstPrompt})}
    }
    case 'assistant': {
      if (entry['isSidechain'] === true) return {}
      const message = objectField(entry['message'])
      const id = textField(message?.['id'])
      const model = textField(message?.['model'])
      const isNew = id === undefined || id !== soFar.lastMessageId
      return {
        assistantMessages: soFar.assistantMessages + (isNew ? 1 : 0),
        // Claude's own notes to the user stand under a model that is none.
        ...definedFields<Fields>({lastMessageId: id, model: model?.startsWith('<') ? undefined : model}),
      }
    }
    default:
      return {}
  }
}

/** Claude passes commands, reminders and notifications as user messages too; all of them begin with such a tag. */
const notTyped = /^\s*<(?:system-reminder|command-|local-command-|bash-|task-notification|ide_|user-prompt-submit-hook)/

function promptOf(entry: Entry): string | undefined {
  if (entry['isSidechain'] === true || entry['isMeta'] === true || entry['isCompactSummary'] === true) return
  const content = objectField(entry['message'])?.['content']
  const blocks = typeof content === 'string' ? [{type: 'text', text: content}] : Array.isArray(content) ? content : []
  let typed: string | undefined
  for (const block of blocks.map(objectField)) {
    if (block?.['type'] === 'tool_result') return
    const said = block?.['type'] === 'text' ? block['text'] : undefined
    if (typed === undefined && typeof said === 'string' && said.trim() !== '' && !notTyped.test(said)) typed = said
  }
  return typed
}
