/** What a store may be said to hold; `auto` looks. */
export const LAYOUT_CHOICES = ['auto', 'reprise', 'raw', 'claude-dir', 'local'] as const
export type LayoutChoice = (typeof LAYOUT_CHOICES)[number]

/** Layouts of whole files, one a transcript, that other programs copy. */
export type ForeignLayout = 'raw' | 'claude-dir' | 'local'

/** A directory of a store below which the sessions of one agent lie. */
export interface Root {
  readonly layout: ForeignLayout
  readonly agent: 'claude' | 'codex'
  /** Where to list: `''`, or ends in `/`. */
  readonly prefix: string
  /** The machine that copied them there, where the layout says so. */
  readonly machine?: string
  /** Whose backup it is, where the layout says so. */
  readonly user?: string
  /** Of Codex: where the names may stand that people gave, the last one counts. */
  readonly indexes?: readonly string[]
}

/** Where the sessions of other programs lie in a store. */
export interface ForeignRoots {
  /** Of the first root, mostly of all. */
  readonly layout: ForeignLayout
  readonly roots: readonly Root[]
}
