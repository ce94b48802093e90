import {wholeItem} from '../transcript/conversation/claude/whole-item.js'
import type {EntryPlace, Item} from '../transcript/conversation/model.js'
import type {SessionOrigin} from './session-origin.js'

/**
 * An item of a conversation with its texts whole: its entries alone are read again, where they lie.
 *
 * @param origin that the conversation was read from. Of a transcript that was rewritten since the item stays as it is.
 */
export async function unfold(origin: SessionOrigin, item: Item): Promise<Item> {
  return wholeItem(item, async (place) => readAt(origin, place))
}

async function readAt(origin: SessionOrigin, {transcript, offset, length}: EntryPlace): Promise<Uint8Array> {
  const found = (await origin.transcripts()).find(({name}) => name.subpath === transcript.subpath)
  if (!found) return new Uint8Array(0)
  await using open = await found.open()
  const chunks: Uint8Array[] = []
  if (offset + length <= open.length) {
    for await (const chunk of open.read(offset, offset + length)) chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
