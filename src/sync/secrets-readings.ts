/** Transcripts quote other transcripts: a text may be escaped more than once. */
const ESCAPE_LEVELS = 3

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {b: '\b', f: '\f', n: '\n', r: '\r', t: '\t'}

/** A text as it stands, or as what it quotes. */
export interface Reading {
  readonly text: string
  /** Where in the text as it stands the code unit `index` of this reading begins; of its length: where it ends. */
  origin(index: number): number
}

/** A text as it stands, and as what it quotes: JSON writes a newline as `\n`, and so a private key stands in one line. */
export function readingsOf(text: string): readonly Reading[] {
  let last: Reading = {text, origin: (index) => index}
  const readings = [last]
  for (let level = 0; level < ESCAPE_LEVELS && last.text.includes('\\'); level++) {
    last = unescaped(last)
    readings.push(last)
  }
  return readings
}

function unescaped(reading: Reading): Reading {
  const quoted = reading.text
  const starts: number[] = []
  let text = ''
  const add = (piece: string, from: number): void => {
    for (let at = 0; at < piece.length; at++) starts.push(from + at)
    text += piece
  }
  let at = 0
  for (const {0: escape, index, groups} of quoted.matchAll(/\\(?:u(?<code>[0-9a-fA-F]{4})|(?<one>[^u]))/g)) {
    add(quoted.slice(at, index), at)
    const {code, one = ''} = groups ?? {}
    const meant = code === undefined ? (SIMPLE_ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(code, 16))
    add(meant, index)
    at = index + escape.length
  }
  add(quoted.slice(at), at)
  starts.push(quoted.length)
  return {text, origin: (index) => reading.origin(starts[index] ?? quoted.length)}
}
