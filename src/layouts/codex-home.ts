import {join} from 'node:path'
import type {RolloutBase} from '../transcript/codex/rollout-summary.js'
import {decompressZstd} from '../transcript/codex/zstd.js'
import {LOCAL_CODEX} from './detect.js'
import {DirectoryTree} from './directory-tree.js'
import type {ForeignSession} from './foreign-session.js'
import {listForeign} from './foreign-sessions.js'

/** Codex's directory on this machine, as it was when it was looked at. */
export class CodexHome {
  readonly root: string
  readonly #tree: DirectoryTree
  readonly #sessions: ReadonlyMap<string, ForeignSession>

  private constructor(root: string, tree: DirectoryTree, sessions: ReadonlyMap<string, ForeignSession>) {
    this.root = root
    this.#tree = tree
    this.#sessions = sessions
  }

  static async look(root: string): Promise<CodexHome> {
    const tree = new DirectoryTree(root)
    const {sessions} = await listForeign(tree, LOCAL_CODEX.roots)
    return new CodexHome(root, tree, new Map(sessions.map((each) => [each.sessionId, each])))
  }

  /** Whether as much of a rollout is here as a fork rests on; how much a compressed one holds is not looked at. */
  holds({sessionId, bytes}: RolloutBase): boolean {
    const found = this.#sessions.get(sessionId)
    return found !== undefined && (found.rollout?.compressed === true || found.main.size >= bytes)
  }

  /** A rollout that is here, as one stream: a torn tail is Codex's to mend. */
  find(sessionId: string) {
    const found = this.#sessions.get(sessionId)
    if (!found) return undefined
    const {main, rollout} = found
    const tree = this.#tree
    return {
      path: join(this.root, main.key),
      compressed: rollout?.compressed ?? false,
      length: main.size,
      torn: 0,
      async *read(): AsyncIterable<Uint8Array> {
        const {body} = await tree.get(main.key)
        yield* rollout?.compressed ? decompressZstd(body, main.key) : body
      },
    }
  }
}
