import type {Excerpt} from './model.js'

/** How much of each text a conversation keeps, in UTF-16 code units. What is cut can be read again from its place. */
export interface Limits {
  /** Prompts and answers. */
  readonly text: number
  /** What tools were given and gave, thinking, notes. */
  readonly output: number
}

/** Enough to show a conversation with long outputs folded. A session of 100,000 entries stays in bounded memory. */
export const PREVIEW: Limits = {text: 64 * 1024, output: 4 * 1024}

/** All of it: memory grows with the conversation's texts. */
export const WHOLE: Limits = {text: Number.POSITIVE_INFINITY, output: Number.POSITIVE_INFINITY}

/** Deeper than any program nests what it gives to a tool; what walks it recursively must not end the stack. */
const DEEPEST = 100
const LEFT_OUT = '…'

export function excerpt(text: string, limit: number): Excerpt {
  return {text: head(text, limit), length: text.length, lines: countLines(text)}
}

export const EMPTY: Excerpt = {text: '', length: 0, lines: 0}

export function isCut({text, length}: Excerpt): boolean {
  return text.length < length
}

/** The first `limit` code units, never half a character; a copy, so that what was cut off can go. */
function head(text: string, limit: number): string {
  if (text.length <= limit) return text
  const end = /[\uD800-\uDBFF]/.test(text.charAt(limit - 1)) ? limit - 1 : limit
  return Buffer.from(text.slice(0, end), 'utf16le').toString('utf16le')
}

function countLines(text: string): number {
  if (text === '') return 0
  let lines = text.endsWith('\n') ? 0 : 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** A value of JSON with texts and lists of bounded length, and of bounded depth. */
export function boundedValue(value: unknown, limit: number): {readonly value: unknown; readonly isCut: boolean} {
  const budget = {left: limit, isCut: false}
  return {value: bounded(value, budget, 0), isCut: budget.isCut}
}

function bounded(value: unknown, budget: {left: number; isCut: boolean}, depth: number): unknown {
  if (typeof value === 'string') {
    const kept = head(value, Math.max(0, budget.left))
    budget.left -= kept.length
    if (kept.length === value.length) return value
    budget.isCut = true
    return kept + LEFT_OUT
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEEPEST) {
    budget.isCut = true
    return LEFT_OUT
  }
  if (Array.isArray(value)) return takeWhile(value, budget).map((each) => bounded(each, budget, depth + 1))
  const members = takeWhile(Object.entries(value), budget)
  return Object.fromEntries(members.map(([name, each]) => [headOf(name, budget), bounded(each, budget, depth + 1)]))
}

/** Each member costs something, so that a list of nothing but numbers ends, too. */
function takeWhile<T>(members: readonly T[], budget: {left: number; isCut: boolean}): readonly T[] {
  const most = Math.max(0, budget.left)
  if (members.length <= most) {
    budget.left -= members.length
    return members
  }
  budget.isCut = true
  budget.left = 0
  return members.slice(0, most)
}

function headOf(name: string, budget: {left: number; isCut: boolean}): string {
  const kept = head(name, Math.max(16, budget.left))
  if (kept.length < name.length) budget.isCut = true
  return kept
}
