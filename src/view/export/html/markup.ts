import {escapeAttribute, escapeHtml} from './escape.js'

const FENCE = /^\s{0,3}(?<mark>`{3,}|~{3,})/u
const HEADING = /^#{1,6}\s+(?<text>.+)$/u
const INLINE = /`(?<code>[^`\n]+)`|\*\*(?<bold>[^*\n]+)\*\*|(?<url>https?:\/\/[^\s<>"'`()[\]{}\p{C}]+)/gu

/**
 * What a model or a person wrote, with the little of Markdown that is worth it: blocks of code, headings, bold, code, and addresses
 * that begin with http, shown in full. Everything else stays as it was typed; nothing in it becomes a tag of its own.
 */
export function markupHtml(text: string): string {
  return blocksOf(text)
    .map(({isCode, lines}) => (isCode ? `<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>` : paragraphs(lines)))
    .join('')
}

/** Text alone, as it was typed. */
export function preHtml(text: string): string {
  return `<pre>${escapeHtml(text.replace(/\n$/u, ''))}</pre>`
}

interface Block {
  readonly isCode: boolean
  readonly lines: string[]
}

function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [{isCode: false, lines: []}]
  let open: string | undefined
  for (const line of text.replaceAll(/\r\n?/gu, '\n').split('\n')) {
    const mark = FENCE.exec(line)?.groups?.['mark']
    if (open === undefined ? mark !== undefined : mark?.startsWith(open) && line.trim() === mark) {
      open = open === undefined ? mark : undefined
      blocks.push({isCode: open !== undefined, lines: []})
    } else blocks.at(-1)?.lines.push(line)
  }
  return blocks.filter(({isCode, lines}) => isCode || lines.some((line) => line.trim() !== ''))
}

function paragraphs(lines: readonly string[]): string {
  const html: string[] = []
  let waiting: string[] = []
  const flush = (): void => {
    const text = waiting.join('\n').replaceAll(/^\n+|\s+$/gu, '')
    if (text !== '') html.push(`<p>${inline(text)}</p>`)
    waiting = []
  }
  for (const line of lines) {
    const heading = HEADING.exec(line)?.groups?.['text']
    if (heading === undefined && line.trim() !== '') {
      waiting.push(line)
      continue
    }
    flush()
    if (heading !== undefined) html.push(`<p class="heading">${inline(heading)}</p>`)
  }
  flush()
  return html.join('')
}

function inline(text: string): string {
  let html = ''
  let at = 0
  for (const {0: found, index, groups} of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(at, index)) + marked(groups ?? {})
    at = index + found.length
  }
  return html + escapeHtml(text.slice(at))
}

function marked({code, bold, url}: Readonly<Record<string, string | undefined>>): string {
  if (code !== undefined) return `<code>${escapeHtml(code)}</code>`
  if (bold !== undefined) return `<strong>${escapeHtml(bold)}</strong>`
  const address = url ?? ''
  const end = /[.,;:!?*_]+$/u.exec(address)?.[0] ?? ''
  const target = end === '' ? address : address.slice(0, -end.length)
  return `<a href="${escapeAttribute(target)}" rel="noopener noreferrer nofollow">${escapeHtml(target)}</a>${escapeHtml(end)}`
}
