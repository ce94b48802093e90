import type {WriteContext} from '../../../../src/store/write-part.js'
import type {Core} from '../core.js'
import type {Stage} from '../stage.js'
import type {SentRequest} from '../travelling-client.js'
import type {Ledger} from '../world.js'

/** What a process of a scene has. */
export interface Role {
  readonly core: Core
  readonly context: WriteContext
  readonly ledger: Ledger
  /** Ids of processes that have crashed. */
  readonly dead: ReadonlySet<number>
  readonly pid: number
}

/** A few processes on one store, each running code of ours. */
export interface Scene {
  readonly name: string
  /** What is stored before they begin; whoever wrote it was told so. */
  prepare(stage: Stage, ledger: Ledger): Promise<void>
  /**
   * Whether a request is nobody's business but its sender's, whenever it lands: no other process of the scene ever writes what it reads,
   * or reads what it writes.
   */
  isPrivate(request: SentRequest): boolean
  readonly processes: Readonly<Record<string, (role: Role) => Promise<unknown>>>
}
