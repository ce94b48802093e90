import {createHash} from 'node:crypto'
import type {Core} from './core.js'
import type {LineText} from './lines.js'
import {SimulatedWorld} from './simulated-world.js'

export interface SimulationOptions {
  readonly steps?: number
  /** How often a holder takes a held lease over by force. */
  readonly force?: number
  readonly holders?: number
  readonly pushers?: number
  readonly adapters?: number
  /** Writers of the reference layout: loose parts. */
  readonly foreign?: boolean
  /** Holders rebase to a local file that lost a line. */
  readonly replace?: boolean
  readonly sweep?: boolean
  /** Merge parts without a lease. */
  readonly compactors?: number
  /** Pack the session away, and put it back. */
  readonly archivers?: number
  /** `doctor --fix` and the compactions that it asks for. */
  readonly doctors?: number
  /** Copies of the bucket that drop metadata. */
  readonly loseMetadata?: boolean
  readonly loseLeaseRecord?: boolean
  /** Seconds that a step takes at most. */
  readonly pace?: number
}

export const REF = {homeKey: '-home-a', sessionId: '11111111-2222-4333-8444-555555555555'}
export const PREFIX = `${REF.homeKey}/${REF.sessionId}/`

/** What the outside knows: who was promised what. */
export class Ledger {
  /** Reported as stored, and not removed since by its own holder. */
  readonly acked = new Set<LineText>()
  /** Reported as stored by a holder that had been cut off by force: kept in `.reprise/late/` at worst. */
  readonly cut = new Set<LineText>()
  /** Removed by a holder on purpose: may be there or not. */
  readonly limbo = new Set<LineText>()
  /** How often somebody sent each line for the first time. */
  readonly written = new Map<LineText, number>()
  /** The epoch a line was first written under; null when anyone wrote it without a lease. */
  readonly origin = new Map<LineText, number | null>()
  /** The last holder that acknowledged something, and the whole transcript as it knew it. */
  newest: {epoch: number; run: Set<LineText>} | undefined
  /** Transcripts by their digests. */
  readonly chains = new Map<string, readonly LineText[]>()
  metadataLost = false

  wrote(lines: readonly LineText[], epoch: number | null): void {
    for (const line of lines) {
      this.written.set(line, (this.written.get(line) ?? 0) + 1)
      if (epoch === null) this.origin.set(line, null)
      else if (!this.origin.has(line)) this.origin.set(line, epoch)
    }
  }
}

export type View = Awaited<ReturnType<Core['viewTranscript']>>

/** The store as a reader that sees this instant finds it. */
export interface Sight {
  /** The lines of each part, by its name. */
  readonly parts: ReadonlyMap<string, readonly LineText[]>
  readonly view: View
  readonly delivered: readonly LineText[]
}

/** What invariants are held against. */
export interface Checked {
  readonly core: Core
  readonly ledger: Ledger
  readonly memory: InstanceType<Core['MemoryObjectStore']>
  /** Sees everything at once. */
  readonly oracle: InstanceType<Core['Parts']>
  /** Keys of merges and of their inputs. */
  readonly merged: ReadonlySet<string>
  count(what: string): void
}

export class World extends SimulatedWorld implements Checked {
  readonly core: Core
  readonly ledger = new Ledger()
  /** Processes that have crashed: the machine that they ran on knows. */
  readonly dead = new Set<number>()
  /** What the last check found, good until the store changes. */
  sight: (Sight & {readonly changes: number}) | undefined

  constructor(core: Core, seed: number) {
    super(core, seed)
    this.core = core
  }

  get memory(): Checked['memory'] {
    return this.network.memory
  }

  get merged(): ReadonlySet<string> {
    return this.network.merged
  }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
