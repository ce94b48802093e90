import type {
  Boundary,
  Conversation,
  Excerpt,
  FileChange,
  Item,
  Media,
  ToolCall,
} from '../../../transcript/conversation/model.js'
import {isShown} from '../../../transcript/conversation/turns.js'
import {formatBytes} from '../../bytes.js'
import {changeSum} from '../../conversation/change-lines.js'
import {headOf, unwrapped} from '../../conversation/tool-lines.js'
import {commandText, inputRest, linesWord, subagentWords} from '../words.js'
import {escapeHtml} from './escape.js'
import {markupHtml, preHtml} from './markup.js'

/** An item as HTML; nothing for what is not meant for people. @param id of its own, for links to it; only tools have one. */
export function itemHtml(item: Item, id?: string): string {
  if (!isShown(item)) return ''
  switch (item.kind) {
    case 'prompt':
      return block('prompt', markupHtml(item.text.text) + mediaHtml(item.media))
    case 'said':
      return item.text.text.trim() === '' ? '' : block('said', markupHtml(item.text.text))
    case 'thinking':
      return item.text.length === 0 ? '' : folded('thinking', 'Thinking', markupHtml(item.text.text))
    case 'command':
      return block('prompt', `<p><code>${escapeHtml(commandText(item))}</code></p>`) + outputHtml(item.output)
    case 'tool':
      return toolHtml(item, id)
    case 'failure': {
      const status = item.status === undefined ? '' : ` (${item.status})`
      return block('failure', `<p><strong>Failed${status}</strong></p>${markupHtml(item.text.text)}`)
    }
    case 'interruption':
      return block('note', '<p>Interrupted</p>')
    case 'boundary':
      return boundaryHtml(item)
    case 'note': {
      const {text} = item.text
      return block('note', `<p>${escapeHtml(item.about)}</p>${text.trim() === '' ? '' : preHtml(text)}`)
    }
    case 'attachment':
      return block('note', `<p>${escapeHtml(`${item.type} ${item.name.text}`.trim())}</p>`)
  }
}

/** A subagent, folded, with all that it did. */
export function subagentHtml(subagent: Conversation): string {
  const inside = subagent.turns.flatMap(({items}) => items.map((item) => itemHtml(item)))
  return folded('subagent', escapeHtml(subagentWords(subagent)), inside.join(''))
}

function toolHtml(call: ToolCall, id: string | undefined): string {
  const {name, changes, result, subagents} = call
  const head = headOf(call)
  const line = head.trim().split('\n', 1)[0] ?? ''
  const title = [
    `<b>${name === '' ? 'The result of a call that is not here' : escapeHtml(name)}</b>`,
    ...(line === '' ? [] : [`<code>${escapeHtml(line)}</code>`]),
    ...(changes.length > 0 ? [`<i>${changeSum(changes)}</i>`] : []),
    ...(result ? [] : ['<i>no result</i>']),
  ]
  const input = inputRest(call, head).map(([member, text]) => `<h4>${escapeHtml(member)}</h4>${preHtml(text)}`)
  const tells = result && ((changes.length === 0 && subagents.length === 0) || result.isError)
  const body = [
    ...input,
    ...changes.map(changeHtml),
    ...(tells
      ? [`<h4>${result.isError ? 'Error' : linesWord(result.content.lines)}</h4>${outputHtml(unwrapped(result))}`]
      : []),
    mediaHtml(result?.media ?? []),
    result?.file
      ? `<p class="note">All of it (${formatBytes(result.file.bytes)}): ${escapeHtml(result.file.path)}</p>`
      : '',
  ]
  const kind = result?.isError ? 'tool error' : 'tool'
  return (
    folded(kind, title.join(' '), body.join(''), {id, open: changes.length > 0}) + subagents.map(subagentHtml).join('')
  )
}

function changeHtml({hunks, linesLeftOut}: FileChange): string {
  const lines = hunks.flatMap((hunk, at) => [...(at > 0 ? ['<span>⋮</span>'] : []), ...hunk.lines.map(changedLine)])
  const rest = linesLeftOut > 0 ? `<p class="note">… ${linesWord(linesLeftOut)} more</p>` : ''
  return `<pre class="change">${lines.join('\n')}</pre>${rest}`
}

function changedLine(line: string): string {
  const tag = line.startsWith('+') ? 'ins' : line.startsWith('-') ? 'del' : 'span'
  return `<${tag}>${escapeHtml(line)}</${tag}>`
}

function boundaryHtml({trigger, tokensBefore, summary}: Boundary): string {
  const by = trigger === undefined ? '' : `, ${escapeHtml(trigger)}`
  const held = tokensBefore === undefined ? '' : `, ${tokensBefore.toLocaleString('en')} tokens before`
  const told = summary ? folded('thinking', 'Summary', markupHtml(summary.text)) : ''
  return block('boundary', `<p>Compacted${by}${held}</p>${told}`)
}

function outputHtml(output: Excerpt | undefined): string {
  return output === undefined || output.text.trim() === '' ? '' : preHtml(output.text)
}

function mediaHtml(media: readonly Media[]): string {
  return media
    .map(({type, mediaType = type, bytes}) => `<p class="note">[${escapeHtml(mediaType)}, ${formatBytes(bytes)}]</p>`)
    .join('')
}

function block(kind: string, html: string): string {
  return `<div class="${kind}">${html}</div>\n`
}

function folded(
  kind: string,
  summary: string,
  html: string,
  {id, open = false}: {readonly id?: string | undefined; readonly open?: boolean} = {},
): string {
  const name = id === undefined ? '' : ` id="${id}"`
  const link = id === undefined ? '' : `<a class="here" href="#${id}">#</a>`
  return `<details class="${kind}"${name}${open ? ' open' : ''}><summary>${summary}</summary>${link}${html}</details>\n`
}
