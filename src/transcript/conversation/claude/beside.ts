import type {EntryGraph, Node} from './graph.js'

export interface NodesBeside {
  /** The entry that they come after, of those that are shown. */
  readonly after?: Node
  /** In the file's order. */
  readonly nodes: readonly Node[]
}

/** Entries that the shown branch does not use, by where they leave it. What says nothing is left out. */
export function branchesBeside(
  graph: EntryGraph,
  nodes: Iterable<Node>,
  used: ReadonlySet<Node>,
): readonly NodesBeside[] {
  /** The first entry of the branch that each stands in. */
  const roots = new Map<Node, Node>()
  const branches = new Map<Node, Node[]>()
  for (const node of nodes) {
    if (used.has(node)) continue
    const root = graph.rootOf(node, (parent) => !used.has(parent) && !parent.isSidechain, roots)
    const branch = branches.get(root)
    if (branch) branch.push(node)
    else branches.set(root, [node])
  }
  return [...branches]
    .filter(([, members]) => members.some(saysSomething))
    .map(([root, members]) => {
      const after = graph.parentOf(root)
      return {...(after && used.has(after) && {after}), nodes: members}
    })
}

/** Results whose call is shown, and claude's own accounts, do not make a branch. */
function saysSomething({pieces}: Node): boolean {
  return pieces.some(({kind}) => kind === 'prompt' || kind === 'said' || kind === 'tool' || kind === 'command')
}
