import type {Compacted, CompactionOptions} from '../store/compact-transcript.js'
import type {Piece} from './piece.js'
import type {SummaryState} from './summary-keeper.js'

/** How the entries of one transcript reach the store: one call at a time. */
export interface Appender {
  /**
   * Learns where the transcript ends and what it holds, as far as that is needed to write. Called before each group; does nothing
   * when nothing is to be learned.
   */
  open(): Promise<void>

  /** Whether an entry with that id is stored, as far as this writer knows. After `open`. */
  has(id: string): boolean

  /**
   * Looks whether what `has` goes by is still there. @returns false when the transcript was deleted: nothing is known of it then,
   * as before the first `open`.
   */
  isThere(): Promise<boolean>

  /**
   * Stores a piece behind everything before it. Durable, and acknowledged, when it resolves. When it rejects, the piece may be
   * stored all the same: it is then given again, the same object, until it resolves, and nothing else before that.
   */
  write(piece: Piece): Promise<Appended>

  /** Parts of the transcript, as far as known. */
  readonly parts: number

  /** Merges what has become many parts. Runs beside `write`. @throws what the store throws */
  compact(options: CompactionOptions): Promise<Compacted>

  /** Deletes what was displaced, as far as its time has come. */
  tidy(): Promise<void>

  /** What listings show of it; undefined while it is not known whole. */
  state(): SummaryState | undefined
}

export interface Appended {
  /** It had to be written; false when an earlier try had landed after all. */
  readonly written: boolean
}
