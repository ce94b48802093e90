import {RepriseError} from '../base/errors.js'
import {parseObject} from './entry-identity.js'
import type {Line} from './lines.js'

/**
 * The lines of a session as those of another one. Claude's own fork gives every entry the new `sessionId` and keeps its
 * `uuid`, its parent, its time and its content; so does this, and changes no other byte. Unlike Claude's, it keeps the
 * bookkeeping entries too, and the `cwd`, which Claude rewrites on its next turn where it matters. A torn tail is no entry.
 *
 * @throws LINE_TOO_LONG for a line that the reader passed over: a fork with a hole would look whole.
 */
export async function* forkLines(
  lines: AsyncIterable<Line> | Iterable<Line>,
  newSessionId: string,
): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    if (line.state === 'torn') continue
    if (line.state === 'too-long') throw cannotFork(line)
    yield withSessionId(line.bytes, newSessionId)
  }
}

/** A line with another top-level `sessionId`; the same bytes when it has none, or is no JSON object. */
export function withSessionId(line: Uint8Array, sessionId: string): Uint8Array {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  if (!bytes.includes('"sessionId"') || !parseObject(bytes)) return line
  const pieces: Uint8Array[] = []
  let copied = 0
  for (const {start, end} of topLevelStrings(bytes, 'sessionId')) {
    pieces.push(bytes.subarray(copied, start), Buffer.from(JSON.stringify(sessionId)))
    copied = end
  }
  return pieces.length === 0 ? line : Buffer.concat([...pieces, bytes.subarray(copied)])
}

const code = {quote: 0x22, backslash: 0x5c, colon: 0x3a, comma: 0x2c, open: [0x7b, 0x5b], close: [0x7d, 0x5d]} as const

/** Where the string values of a member stand, quotes included. The bytes are a JSON object that has been parsed already. */
function* topLevelStrings(bytes: Buffer, name: string): Generator<{start: number; end: number}> {
  const member = Buffer.from(JSON.stringify(name))
  let depth = 0
  let isValue = false
  let named = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte === code.quote) {
      const end = endOfString(bytes, at)
      if (!isValue) named = bytes.subarray(at, end).equals(member)
      else if (depth === 1 && named) yield {start: at, end}
      at = end - 1
    } else if (code.open.some((open) => open === byte)) depth += 1
    else if (code.close.some((close) => close === byte)) depth -= 1
    else if (depth === 1 && byte === code.colon) isValue = true
    else if (depth === 1 && byte === code.comma) isValue = false
  }
}

function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== code.quote) at += bytes[at] === code.backslash ? 2 : 1
  return at + 1
}

function cannotFork({offset, length}: Line): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'LINE_TOO_LONG',
    message: `The line at byte ${offset} has ${length} bytes, too many to be forked.`,
    details: {offset, length},
  })
}
