import {parseObject} from '../entry-identity.js'
import type {Line} from '../lines.js'
import {textField} from '../summary-fields.js'
import {isSessionId} from '../session-id.js'

/** Names by session id, from the lines of Codex's index; a later line replaces an earlier one. Lines that are none are passed over. */
export async function readSessionIndex(
  lines: AsyncIterable<Line> | Iterable<Line>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for await (const {bytes} of lines) {
    const {id, thread_name: given} = parseObject(bytes) ?? {}
    const name = textField(given)
    if (typeof id === 'string' && isSessionId(id) && name !== undefined) names.set(id.toLowerCase(), name)
  }
  return names
}
