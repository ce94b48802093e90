import {sanitizeBlock} from '../sanitize.js'
import {splitAt} from '../width.js'

/** Narrower than this nothing is read, however deep it stands. */
const NARROWEST = 20

/**
 * Text of a transcript as lines of at most `width` columns, broken between words where there are some. What controls a terminal is
 * taken out, and empty lines at the end.
 */
export function wrapped(text: string, width: number): readonly string[] {
  const lines = sanitizeBlock(text).trimEnd().split('\n')
  return Number.isFinite(width) ? lines.flatMap((line) => [...brokenLine(line, Math.max(NARROWEST, width))]) : lines
}

function* brokenLine(line: string, width: number): Iterable<string> {
  const indent = (/^ */.exec(line)?.[0] ?? '').slice(0, width / 2)
  let at = 0
  do {
    const prefix = at === 0 ? '' : indent
    // More than a line will take, and no more: a line may be all of a file.
    const ahead = line.slice(at, at + 16 * width)
    const [head, rest] = splitAt(prefix + ahead, width)
    if (rest === '' && at + ahead.length === line.length) {
      yield head
      return
    }
    const taken = head.length - prefix.length
    const space = line.charAt(at + taken) === ' ' ? taken : head.lastIndexOf(' ') - prefix.length
    const end = space > (at === 0 ? indent.length : 0) ? space : taken
    yield (prefix + line.slice(at, at + end)).trimEnd()
    at += end
    while (line.charAt(at) === ' ') at++
  } while (at < line.length)
}

/** @param columns that stand before each line. */
export function narrower<T extends {readonly width: number}>(options: T, columns: number): T {
  return {...options, width: Math.max(NARROWEST, options.width - columns)}
}
