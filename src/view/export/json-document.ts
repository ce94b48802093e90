import type {ReadChain} from '../../inspect/read-chain.js'
import {chainJson} from '../conversation/conversation-json.js'
import {escapeJson} from '../sanitize.js'

/** Grows when a member is taken away or means something else; members may be added. */
const VERSION = 1

/**
 * A chain of sessions as one JSON object, docs/json-output.md, `export`: each message on a line of its own, so that a document of any
 * size can be looked into.
 */
export function* jsonDocument(chain: ReadChain): Iterable<string> {
  yield `{"version":${VERSION}`
  for (const [name, value] of Object.entries(chainJson(chain, {full: true}))) {
    yield `,\n${JSON.stringify(name)}:`
    if (Array.isArray(value)) yield* listText(value)
    else yield jsonText(value)
  }
  yield '}\n'
}

function* listText(values: readonly unknown[]): Iterable<string> {
  yield '['
  for (const [at, value] of values.entries()) yield `${at === 0 ? '' : ','}\n${jsonText(value)}`
  yield ']'
}

/** What a terminal obeys, or nobody sees, is written as JSON's own escapes: the values stay the same. */
function jsonText(value: unknown): string {
  return escapeJson(JSON.stringify(value))
}
