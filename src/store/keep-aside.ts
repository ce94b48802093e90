import {latePrefix, type TranscriptRef} from './names.js'
import {encodeRange, type RangedPart} from './part.js'
import type {TranscriptView} from './view.js'
import {lastMs, type WriteContext, writeMetadataFrom} from './write-part.js'

/**
 * `agent_metadata` entries of parts that will be displaced get parts of their own first, where they stood: the last one still counts,
 * and a second try finds those of the first.
 */
export async function keepMetadata(
  context: WriteContext,
  {ref, delivery, listing}: TranscriptView,
  displaced: ReadonlySet<string>,
): Promise<void> {
  let written = 0
  for (const {part, start, end, unterminated} of delivery.metadata) {
    if (!displaced.has(part.name)) continue
    const chunks: Uint8Array[] = []
    for await (const chunk of context.parts.read(part, start, end)) chunks.push(chunk)
    if (unterminated) chunks.push(Uint8Array.of(0x0a))
    const ms = Math.max(part.parsed?.ms ?? lastMs(listing) + 1, written + 1)
    written = (await writeMetadataFrom(context, ref, Buffer.concat(chunks), ms)).ms
  }
}

/** Copies a part of a writer that was cut off to where people may look for it, before it goes. */
export async function keepLate({parts: {store}}: WriteContext, ref: TranscriptRef, part: RangedPart): Promise<void> {
  await store.copy(part.key, latePrefix(ref) + part.name, {
    mode: {type: 'overwrite'},
    metadata: encodeRange(part.range),
    contentType: 'application/x-ndjson',
  })
}
