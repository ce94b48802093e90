import {RepriseError} from '../base/errors.js'

/** One line of a transcript. The `bytes` of all whole and torn lines, put together, are the file again. */
export interface Line {
  /** Where the line begins in the transcript, in bytes. */
  readonly offset: number
  /** With its `\n`, in bytes. */
  readonly length: number
  /** With its `\n`; nothing is decoded, and a `\r` stays. Empty when the line is too long. May be a view of a chunk. */
  readonly bytes: Uint8Array
  /** `torn`: the last bytes, not ended by `\n` yet. `too-long`: passed over, only its place is known. */
  readonly state: 'whole' | 'torn' | 'too-long'
}

export interface LineOptions {
  /** The offset of the first chunk's first byte. Default 0. */
  readonly from?: number | undefined
  /** A longer line (with its `\n`) is too long. Default 256 MiB: what V8 can still make a string of. */
  readonly maxLineBytes?: number | undefined
  /** `throw` (the default) gives `LINE_TOO_LONG`; `report` yields the line as `too-long` and goes on behind it. */
  readonly onTooLong?: 'throw' | 'report' | undefined
}

const newline = 0x0a

/**
 * Cuts chunks into lines, holding no more than the line that is not complete yet. Each byte is copied once at most, and
 * only where a line crosses chunks. Chunks are kept by reference: their owner must not write to them again.
 */
export class LineSplitter {
  readonly #maxLineBytes: number
  readonly #report: boolean
  #offset: number
  #pending: Uint8Array[] = []
  #pendingLength = 0

  constructor({from = 0, maxLineBytes = 256 * 1024 * 1024, onTooLong = 'throw'}: LineOptions = {}) {
    this.#offset = from
    this.#maxLineBytes = maxLineBytes
    this.#report = onTooLong === 'report'
  }

  /** The lines that this chunk completes. */
  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      this.#hold(chunk.subarray(start, at + 1))
      start = at + 1
      yield this.#take('whole')
    }
    this.#hold(chunk.subarray(start))
  }

  /** The torn tail, if there is one. Call once, after the last chunk. */
  *end(): Generator<Line> {
    if (this.#pendingLength > 0) yield this.#take('torn')
  }

  #hold(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pendingLength += piece.length
    if (this.#pendingLength <= this.#maxLineBytes) {
      this.#pending.push(piece)
      return
    }
    this.#pending = []
    if (!this.#report) throw tooLong(this.#offset, this.#maxLineBytes)
  }

  #take(state: 'whole' | 'torn'): Line {
    const offset = this.#offset
    const length = this.#pendingLength
    const pieces = this.#pending
    this.#offset += length
    this.#pending = []
    this.#pendingLength = 0
    if (length > this.#maxLineBytes) return {offset, length, bytes: new Uint8Array(0), state: 'too-long'}
    const [only] = pieces
    return {offset, length, bytes: pieces.length === 1 && only ? only : Buffer.concat(pieces, length), state}
  }
}

/** The lines of a byte stream, in order; the torn tail, if there is one, comes last. Memory: the longest line. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: LineOptions = {},
): AsyncGenerator<Line> {
  const splitter = new LineSplitter(options)
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.end()
}

function tooLong(offset: number, maxLineBytes: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'LINE_TOO_LONG',
    message: `The line at byte ${offset} is longer than ${maxLineBytes} bytes.`,
    details: {offset, maxLineBytes},
  })
}
