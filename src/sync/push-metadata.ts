import {sha256Hex} from '../base/hash.js'
import {isShallow} from '../base/shallow.js'
import {isMetadataPart} from '../store/part.js'
import type {PartListing} from '../store/parts.js'
import {lastMs, writeMetadata} from '../store/write-part.js'
import type {LocalSubagent} from '../transcript/discover.js'
import {parseObject} from '../transcript/entry-identity.js'
import {openPlainFile} from '../transcript/safe-open.js'
import {type SyncContext, writeContext} from './context.js'
import type {TranscriptState} from './sync-state.js'

const MAX_METADATA_BYTES = 256 * 1024
/** Claude's has one level. */
const DEEPEST_METADATA = 100

/**
 * Stores a subagent's `agent-*.meta.json` as the Agent SDK mirrors it: one `agent_metadata` entry, here in a part of its own. The
 * last one counts, so it is written again only when it changed.
 *
 * @returns the digest of what is stored, for the next time; undefined when there is none.
 */
export async function pushMetadata(
  context: SyncContext,
  {ref}: Pick<PartListing, 'ref'>,
  subagent: LocalSubagent | undefined,
  {metadata: before}: TranscriptState,
): Promise<string | undefined> {
  const line = subagent?.meta && (await metadataLine(subagent.meta.path, context.uid))
  if (!line) return before
  const digest = sha256Hex(line)
  if (digest === before) return digest
  const listing = await context.parts.list(ref)
  const last = listing.parts.findLast(isMetadataPart)
  if (last?.size === line.length) {
    const chunks: Uint8Array[] = []
    for await (const chunk of context.parts.read(last, 0, last.size)) chunks.push(chunk)
    if (Buffer.concat(chunks).equals(line)) return digest
  }
  await writeMetadata(writeContext(context), ref, line, lastMs(listing), listing.date)
  return digest
}

async function metadataLine(path: string, owner: number | undefined): Promise<Buffer | undefined> {
  const {handle, file} = await openPlainFile(path, {owner})
  try {
    if (file.size > MAX_METADATA_BYTES || file.nlink > 1) return undefined
    const entry = parseObject(await handle.readFile())
    if (!entry || !isShallow(entry, DEEPEST_METADATA)) return undefined
    return Buffer.from(`${JSON.stringify({type: 'agent_metadata', ...entry})}\n`)
  } finally {
    await handle.close()
  }
}
