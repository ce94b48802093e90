import {sanitizeBlock, sanitizeLine} from '../sanitize.js'

const FENCE = /^ {0,3}(?<mark>`{3,}(?!.*`)|~{3,})/u
const CLOSED_SPANS = /(?<!`)(?<ticks>`+)(?!`).*?(?<!`)\k<ticks>(?!`)/gu

/**
 * What somebody wrote, as Markdown that stays in its place: raw HTML and pictures (which a viewer would fetch from elsewhere) are
 * shown as they were typed, and a fence that was left open ends with the text.
 */
export function markdownText(text: string): string {
  const lines = sanitizeBlock(text).trim().split('\n')
  const isCode = fencedLines(lines)
  // Where a line's backticks pair up, so do those of viewers, whatever they think of the rest.
  const keepsSpans = lines.every((line, at) => isCode.fenced[at] || spansClose(line))
  const out = lines.map((line, at) => (isCode.fenced[at] ? line : harmless(line, keepsSpans)))
  return [...out, ...(isCode.open === undefined ? [] : [isCode.open])].join('\n')
}

/** A fenced block that its content cannot end. */
export function codeBlock(text: string, language = ''): string {
  const body = sanitizeBlock(text).replace(/\n$/u, '')
  const longest = Math.max(2, ...[...body.matchAll(/`+/gu)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${body}\n${fence}`
}

/** One line of code within a line of text. */
export function codeSpan(text: string): string {
  const line = sanitizeLine(text)
  const longest = Math.max(0, ...[...line.matchAll(/`+/gu)].map(([run]) => run.length))
  const ticks = '`'.repeat(longest + 1)
  return longest === 0 ? `${ticks}${line}${ticks}` : `${ticks} ${line} ${ticks}`
}

/** One line that is nothing but text: no markup, no link. */
export function plainLine(text: string): string {
  return sanitizeLine(text)
    .replaceAll(/[\\`*_[\]#|~!]/gu, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}

export function quoted(markdown: string): string {
  return markdown
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

/** Which lines are code; `open`: what would close the last fence, where the text does not. */
function fencedLines(lines: readonly string[]): {readonly fenced: readonly boolean[]; readonly open?: string} {
  let open: string | undefined
  const fenced = lines.map((line) => {
    const mark = FENCE.exec(line)?.groups?.['mark']
    if (open === undefined) {
      open = mark
      return mark !== undefined
    }
    const bare = line.trim()
    if (mark !== undefined && mark.startsWith(open) && bare === mark) open = undefined
    return true
  })
  return {fenced, ...(open !== undefined && {open})}
}

function spansClose(line: string): boolean {
  return !line.includes('\\`') && !line.replaceAll(CLOSED_SPANS, '').includes('`')
}

function harmless(line: string, keepsSpans: boolean): string {
  if (!keepsSpans) return markupless(line)
  let out = ''
  let at = 0
  for (const {0: span, index} of line.matchAll(CLOSED_SPANS)) {
    out += markupless(line.slice(at, index)) + span
    at = index + span.length
  }
  return out + markupless(line.slice(at))
}

function markupless(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('![', '!\\[')
}
