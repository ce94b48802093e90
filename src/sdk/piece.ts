import type {EncodedEntry} from './encode.js'

/** What one part will hold: a run of lines, or one `agent_metadata` entry. Its bytes are fixed: to be tried again as they are. */
export interface Piece {
  readonly kind: 'lines' | 'metadata'
  readonly body: Buffer
  readonly entries: readonly EncodedEntry[]
}

/** A part beyond this is no quicker to write, and slower to try again. */
const MAX_PIECE_BYTES = 8 * 1024 * 1024

export function piecesOf(entries: readonly EncodedEntry[]): Piece[] {
  const pieces: Piece[] = []
  let run: EncodedEntry[] = []
  let bytes = 0
  const cut = (): void => {
    if (run.length > 0) pieces.push(piece('lines', run))
    run = []
    bytes = 0
  }
  for (const entry of entries) {
    if (entry.isMetadata) {
      cut()
      pieces.push(piece('metadata', [entry]))
      continue
    }
    if (bytes + entry.line.byteLength > MAX_PIECE_BYTES) cut()
    run.push(entry)
    bytes += entry.line.byteLength
  }
  cut()
  return pieces
}

function piece(kind: Piece['kind'], entries: readonly EncodedEntry[]): Piece {
  return {kind, body: Buffer.concat(entries.map(({line}) => line)), entries}
}
