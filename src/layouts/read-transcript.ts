import {hasCode} from '../base/errors.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import {decompressZstd} from '../transcript/codex/zstd.js'
import type {ForeignSession} from './foreign-session.js'
import type {Tree} from './tree.js'

/** A whole object, as it was listed: one that was replaced meanwhile rejects with OBJECT_CHANGED. */
export async function* readWhole(tree: Tree, {key, etag, size}: ObjectSummary): AsyncIterable<Uint8Array> {
  if (size === 0) return
  const {body} = await tree.get(key, {ifMatch: etag})
  yield* body
}

export async function* readBytes(
  tree: Tree,
  {key, etag}: ObjectSummary,
  start: number,
  end: number,
): AsyncIterable<Uint8Array> {
  if (start >= end) return
  const {body} = await tree.get(key, {ifMatch: etag, range: {start, end}})
  yield* body
}

/** The main transcript's lines, decompressed. */
export function readMain(tree: Tree, {main, rollout}: ForeignSession): AsyncIterable<Uint8Array> {
  return rollout?.compressed ? decompressZstd(readWhole(tree, main), main.key) : readWhole(tree, main)
}

/** What of a main transcript the first `bytes` of its object give, decompressed; a last line may be torn. */
export async function* readHead(
  tree: Tree,
  {main, rollout}: Pick<ForeignSession, 'main' | 'rollout'>,
  bytes: number,
): AsyncIterable<Uint8Array> {
  const head = readBytes(tree, main, 0, Math.min(bytes, main.size))
  if (!rollout?.compressed) {
    yield* head
    return
  }
  try {
    yield* decompressZstd(head, main.key)
  } catch (error) {
    // The frame goes on behind what was read.
    if (!hasCode(error, 'ROLLOUT_DAMAGED') || bytes >= main.size) throw error
  }
}
