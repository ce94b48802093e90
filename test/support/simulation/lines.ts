/** Lines of a simulated transcript: most have a uuid; bookkeeping has none and repeats, byte for byte. */
export type LineText = string

export class LineMaker {
  #next = 0
  #last = ''
  /** How often each line was made. */
  readonly made = new Map<LineText, number>()

  fresh(bookkeeping: boolean): LineText {
    this.#next++
    this.#last = bookkeeping ? `{"type":"mode","v":${this.#next % 3}}\n` : `{"uuid":"u${this.#next}"}\n`
    return this.makes(this.#last)
  }

  makes(line: LineText): LineText {
    this.made.set(line, (this.made.get(line) ?? 0) + 1)
    return line
  }
}

export function isBookkeeping(line: LineText): boolean {
  return !line.includes('"uuid"')
}

export function encode(lines: readonly LineText[]): Uint8Array {
  return Buffer.from(lines.join(''))
}

export function decode(bytes: Uint8Array): LineText[] {
  return Buffer.from(bytes)
    .toString()
    .split(/(?<=\n)/)
    .filter((line) => line !== '')
}

export function countOf(lines: Iterable<LineText>): Map<LineText, number> {
  const counts = new Map<LineText, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
