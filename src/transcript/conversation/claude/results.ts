import type {Node} from './graph.js'
import type {CallPiece, ResultPiece} from './pieces.js'

/**
 * A branch with what hangs off it. Claude writes several calls of one answer as entries after one another, and each result after its own
 * call, so that no single line of parents goes through all of them: pieces of an answer belong together, and a result to its call,
 * wherever they stand.
 */
export class Results {
  /** The branch in order, with the pieces of its answers that it does not go through. */
  readonly shown: readonly Node[]
  /** Entries that the branch has used up: those shown, and results. */
  readonly used: ReadonlySet<Node>
  readonly #byCall = new Map<string, ResultPiece>()
  readonly #calls = new Set<string>()

  constructor(nodes: readonly Node[], chain: readonly Node[]) {
    const resultNodes: [Node, ResultPiece][] = []
    for (const node of nodes) {
      for (const piece of node.pieces) {
        if (piece.kind === 'result') resultNodes.push([node, piece])
        if (piece.kind === 'tool') this.#calls.add(piece.id)
      }
    }
    this.shown = [...withWholeAnswers(chain, answersIn(nodes))]
    const shown = new Set(this.shown)
    const called = new Set<string>()
    for (const {pieces} of this.shown) for (const piece of pieces) if (piece.kind === 'tool') called.add(piece.id)
    // Where a branch was left a result may be there twice: the shown one counts, else the last.
    const isShown = ([node]: [Node, ResultPiece]): number => (shown.has(node) ? 1 : 0)
    for (const [, piece] of resultNodes.toSorted((a, b) => isShown(a) - isShown(b)))
      this.#byCall.set(piece.callId, piece)
    const results = resultNodes.filter(([, {callId}]) => called.has(callId)).map(([node]) => node)
    this.used = new Set([...this.shown, ...results])
  }

  of({id}: CallPiece): ResultPiece | undefined {
    return this.#byCall.get(id)
  }

  /** Its call is nowhere. */
  isOrphan({callId}: ResultPiece): boolean {
    return !this.#calls.has(callId)
  }
}

function answersIn(nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> {
  const answers = new Map<string, Node[]>()
  for (const node of nodes) {
    if (node.messageId === undefined) continue
    const pieces = answers.get(node.messageId)
    if (pieces) pieces.push(node)
    else answers.set(node.messageId, [node])
  }
  return answers
}

function* withWholeAnswers(chain: readonly Node[], answers: ReadonlyMap<string, readonly Node[]>): Iterable<Node> {
  const given = new Set<Node>()
  for (const node of chain) {
    if (given.has(node)) continue
    const whole = node.messageId === undefined ? [node] : (answers.get(node.messageId) ?? [node])
    for (const each of whole) given.add(each)
    yield* whole
  }
}
