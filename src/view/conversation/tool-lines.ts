import type {Excerpt, ToolCall, ToolResult} from '../../transcript/conversation/model.js'
import {formatBytes} from '../bytes.js'
import {sanitizeLine} from '../sanitize.js'
import {truncate} from '../width.js'
import {changeLines, changeSum} from './change-lines.js'
import {folded} from './fold.js'
import {mediaLines} from './media.js'
import {paint, type TextOptions} from './style.js'
import {narrower, wrapped} from './wrap.js'

/** Lines of an output that are shown folded. Of an error more: it is what one looks for. */
const OUTPUT_LINES = 4
const ERROR_LINES = 12
const INPUT_LINES = 3
/** The lines that were read are a file's; of a subagent that was only started nothing is to be told yet. */
const FEWER: Readonly<Record<string, number | undefined>> = {Read: 0, Agent: 1, Task: 1}

/** What a tool was asked to do. */
export function callLines(call: ToolCall, options: TextOptions): readonly string[] {
  const {name, changes, result} = call
  const mark = paint('●', result === undefined ? 'dim' : result.isError ? 'red' : 'green', options)
  const title = sanitizeLine(name) || 'the result of a call that is not here'
  const told = headOf(call)
  const short = PATHS.some((field) => fieldsOf(call.input)[field] === told) ? below(told, options) : told
  const sum = changes.length > 0 ? ` (${changeSum(changes)})` : ''
  const room = Math.max(20, options.width - title.length - sum.length - 3)
  const head = `${mark} ${paint(title, 'bold', options)}${told === '' ? '' : ` ${truncate(sanitizeLine(short), room)}`}${sum}`
  const inner = narrower(options, 2)
  return [head, ...indented([...inputLines(call, told, inner), ...changeLines(changes, inner)])]
}

/** What it answered. Of a change or a subagent that is shown nothing more, unless it failed. */
export function resultLines({changes, subagents, result, name}: ToolCall, options: TextOptions): readonly string[] {
  const inner = narrower(options, 4)
  if (!result) return [paint('  ⎿ no result', 'dim', options)]
  const isTold = changes.length > 0 || subagents.length > 0
  if (isTold && !result.isError && !options.full) return []
  const most = result.isError ? ERROR_LINES : (FEWER[name] ?? OUTPUT_LINES)
  const output = folded(unwrapped(result), most, inner)
  const lines = [...output, ...mediaLines(result.media, inner), ...fileLines(result, inner)]
  const style = result.isError ? 'red' : 'dim'
  return lines.map((line, at) =>
    `  ${at === 0 ? paint('⎿', 'dim', options) : ' '} ${paint(line, style, options)}`.trimEnd(),
  )
}

const PATHS = ['file_path', 'notebook_path', 'path']

/** A path below the session's directory, from there. */
function below(path: string, {cwd = '', full}: TextOptions): string {
  return !full && cwd.length > 1 && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path
}

export function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => (line === '' ? line : `  ${line}`))
}

/** What of its input says most of a call, on the call's own line. */
const TELLING = [
  'command',
  'file_path',
  'notebook_path',
  'path',
  'pattern',
  'query',
  'url',
  'skill',
  'description',
  'prompt',
]

/** What says most of a call in a few words, as it was written: the command, the path, the question. */
export function headOf({input, name}: ToolCall): string {
  const fields = fieldsOf(input)
  if (name === 'Agent' || name === 'Task') {
    const [type, description] = [fields['subagent_type'], fields['description']].map(text)
    return [type, description].filter((each) => each !== '').join(': ')
  }
  const telling = TELLING.find((field) => text(fields[field]) !== '')
  return telling === undefined ? '' : text(fields[telling])
}

/** Members of an input that the lines of a change show. */
export const IN_CHANGES = new Set(['old_string', 'new_string', 'edits', 'content', 'new_source'])

/** The rest of the input, where the head and the changes do not tell it. */
function inputLines({input, changes, subagents}: ToolCall, told: string, options: TextOptions): readonly string[] {
  const isTold = changes.length > 0 || subagents.length > 0 || told !== ''
  const left = Object.entries(fieldsOf(input)).filter(
    ([name, value]) =>
      (options.full || !isTold) && value !== null && value !== told && !(changes.length > 0 && IN_CHANGES.has(name)),
  )
  const lines = left.flatMap(([name, value]) =>
    wrapped(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`, options.width),
  )
  // A command of several lines does not end at the first.
  const rest = told.trimEnd().includes('\n') ? wrapped(told, options.width) : []
  const all = [...rest, ...lines].map((line) => paint(line, 'dim', options))
  if (options.full || all.length <= INPUT_LINES + 1) return all
  return [...all.slice(0, INPUT_LINES), paint(`… ${all.length - INPUT_LINES} more lines`, 'dim', options)]
}

/** The members of an input; none of what is no object. */
export function fieldsOf(input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null ? (input as Readonly<Record<string, unknown>>) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const WRAPPER = /^<(?<tag>tool_use_error|persisted-output)>\s*(?<inside>[\s\S]*?)\s*(?:<\/\k<tag>>)?$/u
/** What stands before the beginning of an output that lies in a file of its own. */
const PREVIEW_HEAD = /^[^\n]*\n\s*Preview \([^)\n]*\):\n/u

/** Without what claude puts around an answer for the model. */
export function unwrapped({content, file}: ToolResult): Excerpt {
  const inside = WRAPPER.exec(content.text)?.groups?.['inside']
  if (inside === undefined) return content
  const text = file ? inside.replace(PREVIEW_HEAD, '') : inside
  const gone = content.text.length - text.length
  const lines = content.lines - content.text.split('\n').length + text.split('\n').length
  return {text, length: content.length - gone, lines}
}

function fileLines({file}: ToolResult, {width}: TextOptions): readonly string[] {
  return file ? [truncate(`all of it (${formatBytes(file.bytes)}): ${sanitizeLine(file.path)}`, width)] : []
}
