import {sha256Hex} from '../base/hash.js'

/** What makes two lines the same entry, in whatever file, order or spacing they stand. */
export interface EntryIdentity {
  /** Equal keys, same entry. At most 70 characters; begins with `uuid:` or `bytes:`. */
  readonly key: string
  /** The entry's own id; without it the bytes are the identity, and an entry may rightly occur more than once. */
  readonly uuid?: string
}

/** Claude's ids have 36 characters. One beyond this is hashed, so that a hostile line costs no memory. */
const longestPlainUuid = 64

/**
 * A line is known by its top-level `uuid` when it is a JSON object that has one (a string, not empty), else by its bytes
 * without the final `\n`. Takes any bytes and never throws.
 */
export function entryIdentity(line: Uint8Array): EntryIdentity {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength - (line.at(-1) === 0x0a ? 1 : 0))
  const uuid = topLevelUuid(bytes)
  if (uuid === undefined) return {key: `bytes:${sha256Hex(bytes)}`}
  return {key: `uuid:${uuid.length > longestPlainUuid ? sha256Hex(uuid) : uuid}`, uuid}
}

function topLevelUuid(bytes: Buffer): string | undefined {
  // Most bookkeeping lines end here. An escape could spell the name otherwise, so such a line is parsed all the same.
  if (!bytes.includes('"uuid"') && !bytes.includes('\\u')) return
  const uuid = parseObject(bytes)?.['uuid']
  return typeof uuid === 'string' && uuid !== '' ? uuid : undefined
}

/**
 * A line as a JSON object; undefined when it is none. Never throws: not for bytes that are no JSON, not for nesting of any
 * depth, not for more bytes than a string can hold. A member called `__proto__` is data like any other.
 */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return
  }
}
