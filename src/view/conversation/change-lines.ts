import type {FileChange, Hunk} from '../../transcript/conversation/model.js'
import {more} from './fold.js'
import {paint, type Style, type TextOptions} from './style.js'
import {wrapped} from './wrap.js'

/** Lines of one change that are shown folded. */
const SHOWN = 24

const STYLES: Readonly<Record<string, Style>> = {'+': 'green', '-': 'red', ' ': 'dim'}

/** The lines that a call took out and put in, under what stands around them. */
export function changeLines(changes: readonly FileChange[], options: TextOptions): readonly string[] {
  return changes.flatMap(({hunks, linesLeftOut}) => {
    const lines = hunks.flatMap((hunk, at) => [
      ...(at > 0 ? [paint('⋮', 'dim', options)] : []),
      ...hunkLines(hunk, options),
    ])
    const shown = options.full || lines.length <= SHOWN + 1 ? lines : lines.slice(0, SHOWN)
    const rest = lines.length - shown.length + linesLeftOut
    return [...shown, ...(rest > 0 ? [more(`${rest} more ${rest === 1 ? 'line' : 'lines'}`, options)] : [])]
  })
}

/** `+3 −1`. */
export function changeSum(changes: readonly FileChange[]): string {
  const lines = changes.flatMap(({hunks}) => hunks.flatMap((hunk) => hunk.lines))
  const count = (mark: string): number => lines.filter((line) => line.startsWith(mark)).length
  const left = changes.some(({linesLeftOut}) => linesLeftOut > 0) ? ' …' : ''
  return `+${count('+')} −${count('-')}${left}`
}

function hunkLines({lines}: Hunk, options: TextOptions): readonly string[] {
  return lines.flatMap((line) => {
    const mark = line.charAt(0)
    const style = STYLES[mark] ?? 'dim'
    return wrapped(line.slice(1), options.width - 2).map((each, at) =>
      paint(`${at === 0 ? mark : ' '} ${each}`, style, options),
    )
  })
}
