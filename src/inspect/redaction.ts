import {loadSecretRules, type SecretMatch, type SecretRules} from '../sync/secrets-rules.js'
import {secretPlaces} from '../sync/secrets-places.js'
import {parseObject} from '../transcript/entry-identity.js'

const MASK = '*'.charCodeAt(0)
const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)
/** Stays readable, so that what is quoted keeps its shape: white space, and what JSON is made of. */
const KEPT = new Set(Buffer.from(' \t\n\r"{}[]:,'))
const ESCAPED = new Set(Buffer.from('"\\/bfnrtu'))

/** How many secrets were masked, by the name of the rule that found them. Never what they were. */
export type MaskedCounts = Readonly<Record<string, number>>

/** Masks what looks like a secret, and counts it. */
export class Redaction {
  readonly #counts = new Map<string, number>()
  #rules: Promise<SecretRules> | undefined

  get counts(): MaskedCounts {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /**
   * A line of a transcript with asterisks in place of secrets. It has as many bytes as before, and is JSON if it was, so that all that
   * names a place in a transcript goes on to hold.
   *
   * @param counts of a reading that may have to begin anew: the caller adds them when it has ended. Default: this redaction's own.
   */
  async line(bytes: Uint8Array, counts = this.#counts): Promise<Uint8Array> {
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const places = await secretPlaces(line, async () => (this.#rules ??= loadSecretRules()))
    if (places.length === 0) return bytes
    addUp(counts, countByRule(places))
    return masked(line, merged(places))
  }

  add(counts: ReadonlyMap<string, number>): void {
    addUp(this.#counts, counts)
  }
}

type Range = Pick<SecretMatch, 'start' | 'end'>

function masked(line: Buffer, ranges: readonly Range[]): Buffer {
  const out = Buffer.from(line)
  // Outside of strings JSON has nothing that could be a secret; what is no JSON is masked wherever it stands.
  const strings = parseObject(line) ? stringsOf(line) : [{start: 0, end: line.length}]
  let at = 0
  for (const {start, end} of ranges) {
    while (at > 0 && (strings[at - 1]?.end ?? 0) > start) at--
    for (; at < strings.length && (strings[at]?.start ?? end) < end; at++) {
      const {start: from, end: to} = strings[at] ?? {start: 0, end: 0}
      mask(out, Math.max(start, from), Math.min(end, to))
    }
  }
  return out
}

/** Escapes stay whole: half of one would be an error in JSON. */
function mask(out: Buffer, start: number, end: number): void {
  let at = start
  // A range begins behind backslashes where they belong to what comes before it.
  if (out[at - 1] === BACKSLASH && ESCAPED.has(out[at] ?? 0)) at = behindEscape(out, at)
  while (at < end) {
    if (out[at] !== BACKSLASH) {
      if (!KEPT.has(out[at] ?? 0)) out[at] = MASK
      at++
      continue
    }
    while (out[at] === BACKSLASH) at++
    if (ESCAPED.has(out[at] ?? 0)) at = behindEscape(out, at)
  }
}

/** @param at what stands behind the backslash. */
function behindEscape(out: Buffer, at: number): number {
  return at + (out[at] === 'u'.charCodeAt(0) ? 5 : 1)
}

/** The insides of strings, in order. */
function stringsOf(line: Buffer): readonly Range[] {
  const strings: Range[] = []
  for (let open = line.indexOf(QUOTE); open !== -1;) {
    let close = open + 1
    while (close < line.length && line[close] !== QUOTE) close += line[close] === BACKSLASH ? 2 : 1
    strings.push({start: open + 1, end: close})
    open = line.indexOf(QUOTE, close + 1)
  }
  return strings
}

function addUp(sum: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [rule, count] of counts) sum.set(rule, (sum.get(rule) ?? 0) + count)
}

function countByRule(places: readonly SecretMatch[]): ReadonlyMap<string, number> {
  const rules = new Set(places.map(({rule}) => rule))
  return new Map([...rules].map((each) => [each, merged(places.filter(({rule}) => rule === each)).length]))
}

/** In order, and apart. */
function merged(places: readonly Range[]): readonly Range[] {
  const ranges: {start: number; end: number}[] = []
  for (const {start, end} of places.toSorted((a, b) => a.start - b.start)) {
    const last = ranges.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else ranges.push({start, end})
  }
  return ranges
}
