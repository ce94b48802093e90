import {discoverSession} from '../transcript/discover.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'
import {openPlainFile} from '../transcript/safe-open.js'

/** Bookkeeping stands before the first message, a few lines of it. */
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Whether one session is a fork of another, as far as the transcripts under this config dir tell: a fork, Claude's own or ours,
 * keeps the ids of the entries that it was made from, so that both begin with the same one. False where either is not here.
 */
export async function isForkOf(configDir: string, sessionId: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([firstEntry(configDir, sessionId), firstEntry(configDir, other)])
  return first !== undefined && first === second
}

/** The identity of the first entry that has an id of its own. */
async function firstEntry(configDir: string, sessionId: string): Promise<string | undefined> {
  const {sessions} = await discoverSession(configDir, sessionId)
  const file = sessions.find(({main}) => main !== undefined)?.main
  if (!file) return undefined
  const {handle} = await openPlainFile(file.path, {})
  const chunks = handle.createReadStream({end: MOST_BYTES - 1})
  for await (const line of readLines(chunks, {maxLineBytes: MOST_BYTES, onTooLong: 'report'})) {
    const {uuid, key} = entryIdentity(line.bytes)
    if (uuid !== undefined) return key
  }
  return undefined
}
