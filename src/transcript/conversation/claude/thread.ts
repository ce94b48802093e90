import type {Node} from './graph.js'
import type {ClaudeTranscript} from './transcript.js'

/** The entries of one agent, and how they are known. */
export interface Thread {
  readonly transcript: ClaudeTranscript
  /** The branch that is shown. */
  readonly chain: readonly Node[]
  /** All that may stand beside it, in the file's order; the chain is among them. */
  readonly nodes: readonly Node[]
  readonly agentId?: string
  /** Its first prompt: a call is known by it where nothing else leads to one. */
  readonly prompt?: string
  /** Part of its session's own transcript: usage and facts are that one's. */
  readonly isPart: boolean
}

/** The entries that a transcript is there for. */
export function threadOf(transcript: ClaudeTranscript): Thread {
  const {graph, facts, name} = transcript
  const leaf = graph.leaf(facts.leaf)
  const chain = leaf ? graph.chainTo(leaf) : []
  const nodes = [...graph.nodes()].filter((node) => !node.isSidechain)
  const fromName = /agent-([^/]+)$/.exec(name.subpath ?? '')?.[1]
  return {transcript, chain, nodes, isPart: false, ...known(chain, name.subpath === undefined ? undefined : fromName)}
}

/** Subagents whose entries stand in their session's own transcript, as early versions wrote them: one for each beginning. */
export function sidechainsOf(transcript: ClaudeTranscript): readonly Thread[] {
  const {graph} = transcript
  const byRoot = new Map<Node, Node[]>()
  const roots = new Map<Node, Node>()
  for (const node of graph.nodes()) {
    if (!node.isSidechain) continue
    const root = graph.rootOf(node, (parent) => parent.isSidechain, roots)
    const nodes = byRoot.get(root)
    if (nodes) nodes.push(node)
    else byRoot.set(root, [node])
  }
  return [...byRoot.values()].map((nodes) => ({
    transcript,
    chain: nodes,
    nodes,
    isPart: true,
    ...known(nodes, undefined),
  }))
}

function known(chain: readonly Node[], fromName: string | undefined): {agentId?: string; prompt?: string} {
  const agentId = fromName ?? chain.find((node) => node.agentId !== undefined)?.agentId
  const prompt = firstPrompt(chain)
  return {...(agentId !== undefined && {agentId}), ...(prompt !== undefined && {prompt})}
}

function firstPrompt(chain: readonly Node[]): string | undefined {
  for (const {pieces} of chain) {
    for (const piece of pieces) if (piece.kind === 'prompt') return piece.text.text
  }
  return undefined
}
