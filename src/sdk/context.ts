import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {ProjectKeyRule} from './place.js'
import type {HeldLease} from './session-hold.js'
import type {FoldSummary} from './types.js'

export interface SessionStoreContext {
  /** Opened at the first call; closed by `close`. */
  readonly open: () => Promise<ObjectStore>
  readonly clock: Clock
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly random: Random
  readonly logger: Logger
  /** This machine's name, for people who look at the store. */
  readonly machine: string
  readonly projectKey: ProjectKeyRule
  /** With it every session is written under its lease. */
  readonly acquire?: (store: ObjectStore, sessionId: string) => Promise<HeldLease>
  /** The SDK's `foldSessionSummary`; undefined where there is none: sessions have no SDK summaries then. */
  readonly foldSummary: () => Promise<FoldSummary | undefined>
  readonly observe: Observer
  readonly maxPendingBytes: number
  readonly readLimitMs: number
  /** A transcript of more bytes is not loaded. Default: no limit. */
  readonly maxBytes?: number | undefined
  /** Parts of a transcript at which it is compacted in the background; 0: never. */
  readonly compactAt: number
}
