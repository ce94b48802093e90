import type {SessionEntry} from './types.js'

/** An entry as the line that is stored. */
export interface EncodedEntry {
  /** With its `\n`. */
  readonly line: Buffer
  /** Short for the entry's `uuid`; undefined where it has none, and may rightly be there more than once. */
  readonly id?: string
  /** Stands in a part of its own, outside the chain. */
  readonly isMetadata: boolean
  /** When it was made, ms since the epoch by its own word. */
  readonly at?: number
}

export function encodeEntries(entries: readonly SessionEntry[]): EncodedEntry[] {
  return entries.map((entry) => {
    const {uuid, type, timestamp} = entry
    const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
    return {
      line: Buffer.from(`${JSON.stringify(entry)}\n`),
      ...(typeof uuid === 'string' && uuid !== '' && {id: shortId(uuid)}),
      isMetadata: type === 'agent_metadata',
      ...(!Number.isNaN(at) && {at}),
    }
  })
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A long session has many ids, and all are kept in memory: a canonical UUID takes 16 characters of one byte. */
export function shortId(uuid: string): string {
  return UUID.test(uuid) ? Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1') : `=${uuid}`
}

export function sizeOf(entries: readonly EncodedEntry[]): number {
  return entries.reduce((sum, {line}) => sum + line.byteLength, 0)
}
