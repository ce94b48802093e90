import {isCut} from '../../transcript/conversation/limits.js'
import type {Excerpt} from '../../transcript/conversation/model.js'
import {paint, type TextOptions} from './style.js'
import {wrapped} from './wrap.js'

/** The first lines of a text, and how many more there are. */
export function folded(text: Excerpt, most: number, options: TextOptions): readonly string[] {
  const lines = linesOf(text, options)
  if (options.full || (lines.length <= most && !isCut(text))) return [...lines, ...cutLine(text, options)]
  // One line in place of another says no less.
  const shown = lines.slice(0, lines.length === most + 1 && !isCut(text) ? most + 1 : most)
  const rest = Math.max(text.lines, lines.length) - shown.length
  if (rest <= 0) return [...shown, ...cutLine(text, options)]
  const count = `${rest.toLocaleString('en')}${shown.length === 0 ? '' : ' more'} ${rest === 1 ? 'line' : 'lines'}`
  return [...shown, more(count, options)]
}

/** All of a text that was kept. */
export function whole(text: Excerpt, options: TextOptions): readonly string[] {
  return [...linesOf(text, options), ...cutLine(text, options)]
}

export function more(what: string, options: TextOptions): string {
  return paint(`… ${what}`, 'dim', options)
}

function linesOf({text}: Excerpt, {width}: TextOptions): readonly string[] {
  return text.trim() === '' ? [] : wrapped(text, width)
}

function cutLine(text: Excerpt, options: TextOptions): readonly string[] {
  if (!isCut(text)) return []
  return [more(`${(text.length - text.text.length).toLocaleString('en')} more characters`, options)]
}
