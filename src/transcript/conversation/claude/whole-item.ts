import {parseObject} from '../../entry-identity.js'
import {WHOLE} from '../limits.js'
import type {EntryPlace, Item} from '../model.js'
import {word} from './entry.js'
import {entryPieces} from './entry-pieces.js'
import {changesOf} from './patch.js'
import type {Piece, ResultPiece} from './pieces.js'

/**
 * An item with its texts whole, from its entries, which are read again: what a conversation keeps is cut. What an item took from an entry
 * beside its own, as a command its output, stays as it is. So does an item whose entry is not there any more.
 *
 * @param readLine the bytes at a place.
 */
export async function wholeItem(item: Item, readLine: (place: EntryPlace) => Promise<Uint8Array>): Promise<Item> {
  const pieces = piecesOfLine(await readLine(item.place), item.place)
  const own = pieces.find((piece) => piece.kind === item.kind && piece.key === item.key)
  if (item.kind !== 'tool') return own ? ({...item, ...own} as Item) : item
  const {result} = item
  const answers = result ? piecesOfLine(await readLine(result.place), result.place) : []
  const answer = answers.find((piece): piece is ResultPiece => piece.kind === 'result' && piece.callId === item.id)
  const call = own?.kind === 'tool' ? own : item
  return {
    ...item,
    ...call,
    ...(result && answer && {result: {...result, content: answer.content}}),
    changes: changesOf(call, answer, WHOLE.output),
  }
}

/** As a transcript gives them when it is read from its beginning: the same keys. */
function piecesOfLine(bytes: Uint8Array, place: EntryPlace): readonly Piece[] {
  const entry = parseObject(bytes)
  const uuid = word(entry?.['uuid'])
  return entry && uuid !== undefined ? entryPieces(entry, uuid, place, WHOLE) : []
}
