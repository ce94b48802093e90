import type {ObjectHead, PutOptions, PutResult} from '../object-store.js'
import {planJoin} from './plan-join.js'
import type {Uploader} from './upload.js'
import {copyPiece, uploadPieces} from './upload-pieces.js'

/** Copies an object that is too large for one CopyObject, inside the store: a join of one. */
export async function copyInParts(
  uploader: Uploader,
  source: ObjectHead,
  target: string,
  put: PutOptions,
): Promise<PutResult> {
  const ranges = planJoin([source], uploader.limits).flatMap((piece) => (piece.type === 'copy' ? [piece.range] : []))
  const pieces = ranges.map((range) => ({range, size: range.end - range.start}))
  return uploadPieces(uploader, pieces, target, put, async ({range}, part, signal) =>
    copyPiece(uploader, range, part, signal),
  )
}
