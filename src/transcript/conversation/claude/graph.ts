import type {EntryPlace} from '../model.js'
import type {Piece} from './pieces.js'

/** An entry that has a `uuid`: one that others can come after. */
export interface Node {
  readonly uuid: string
  /** null: it begins a conversation. */
  readonly parent: string | null
  /** What a boundary came after: the model does not see beyond it, people do. */
  readonly before?: string
  /** Of a subagent whose entries stand among the session's own, as early versions wrote them. */
  readonly isSidechain: boolean
  readonly isBoundary: boolean
  /** The answer that it is a piece of. */
  readonly messageId?: string
  /** ms since the epoch. */
  readonly ms?: number
  readonly place: EntryPlace
  readonly pieces: readonly Piece[]
  /** Tokens that the request of this answer held. */
  readonly contextTokens?: number
  /** Of the subagent that wrote it. */
  readonly agentId?: string
}

interface Place {
  node: Node
  readonly position: number
  /** The entry before it in the file, of the same kind. */
  readonly previous: Place | undefined
}

/**
 * Entries by what they come after. Claude takes nearly everything on load (measured): a parent that is not there stands for the entry
 * before it in the file, a cycle ends where it closes, of two entries with one `uuid` the later counts, in the earlier's place.
 */
export class EntryGraph {
  readonly #places = new Map<string, Place>()
  #last: Place | undefined
  #lastOfSidechains: Place | undefined

  add(node: Node): void {
    const known = this.#places.get(node.uuid)
    const previous = node.isSidechain ? this.#lastOfSidechains : this.#last
    const place = known ?? {node, position: this.#places.size, previous}
    place.node = node
    this.#places.set(node.uuid, place)
    if (node.isSidechain) this.#lastOfSidechains = place
    else this.#last = place
  }

  get(uuid: string): Node | undefined {
    return this.#places.get(uuid)?.node
  }

  /** In the file's order. */
  *nodes(): Iterable<Node> {
    for (const {node} of this.#places.values()) yield node
  }

  position({uuid}: Node): number {
    return this.#places.get(uuid)?.position ?? 0
  }

  /** What an entry comes after. */
  parentOf(node: Node): Node | undefined {
    const uuid = node.parent ?? node.before
    if (uuid === undefined && !node.isBoundary) return undefined
    return (uuid === undefined ? undefined : this.get(uuid)) ?? this.#places.get(node.uuid)?.previous?.node
  }

  /** From the beginning to `leaf`, each once. */
  chainTo(leaf: Node): readonly Node[] {
    const seen = new Set<Node>()
    for (let node: Node | undefined = leaf; node && !seen.has(node); node = this.parentOf(node)) seen.add(node)
    return [...seen].toReversed()
  }

  /**
   * The first of the entries that lead to one.
   *
   * @param isInside whether a parent counts.
   * @param known roots that were found before, to go on from; this one is added.
   */
  rootOf(node: Node, isInside: (parent: Node) => boolean, known: Map<Node, Node>): Node {
    const path = new Set<Node>()
    let root = node
    for (
      let at: Node | undefined = node;
      at && !path.has(at) && (at === node || isInside(at));
      at = this.parentOf(at)
    ) {
      const found = known.get(at)
      root = found ?? at
      if (found) break
      path.add(at)
    }
    for (const each of path) known.set(each, root)
    return root
  }

  /**
   * The end of the branch that claude goes on with (measured): of what follows the entry that the last `last-prompt` names the last in
   * the file; without such a note the file's last entry, or, where that one has others after it, the latest end by time.
   *
   * @param noted the entry that the last `last-prompt` names.
   */
  leaf(noted: string | undefined): Node | undefined {
    const named = noted === undefined ? undefined : this.get(noted)
    if (named) return this.#lastBelow(named)
    const last = this.#last?.node
    if (!last) return undefined
    const parents = this.#parents()
    if (!parents.has(last)) return last
    let latest: Node | undefined
    for (const node of this.nodes()) {
      if (node.isSidechain || parents.has(node)) continue
      if (!latest || (node.ms ?? 0) >= (latest.ms ?? 0)) latest = node
    }
    return latest ?? last
  }

  #parents(): ReadonlySet<Node> {
    const parents = new Set<Node>()
    for (const node of this.nodes()) {
      const parent = this.parentOf(node)
      if (parent) parents.add(parent)
    }
    return parents
  }

  /** A parent mostly stands before its children, so that one pass in the file's order finds all of them; others are found by their own. */
  #lastBelow(named: Node): Node {
    const below = new Map<Node, boolean>([[named, true]])
    let last = named
    for (const node of this.nodes()) {
      const path: Node[] = []
      let at: Node | undefined = node
      while (at && !below.has(at)) {
        path.push(at)
        below.set(at, false)
        at = this.parentOf(at)
      }
      const isBelow = at !== undefined && below.get(at) === true
      for (const each of path) below.set(each, isBelow)
      if (isBelow && !node.isSidechain) last = node
    }
    return last
  }
}
