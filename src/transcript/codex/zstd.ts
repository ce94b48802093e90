import {Decompress} from 'fzstd'
import {RepriseError} from '../../base/errors.js'

/** Rollouts shrink to a tenth or a thirtieth; frames that hold this much more than that are made to fill a disk. */
const MOST_EXPANSION = 1000
const ALWAYS_ALLOWED = 16 * 1024 * 1024
/** Bytes at a time: a block of four bytes may say 128 KiB, and what comes of one step is in memory at once. */
const STEP = 512

/**
 * What zstandard frames hold, as it comes. Not by Node's own zlib: Node 20 has no zstandard.
 *
 * @param name for messages.
 * @throws ROLLOUT_DAMAGED, also for frames that end early: what came until then was given.
 */
export async function* decompressZstd(frames: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  const ready: Uint8Array[] = []
  const frame = new Decompress((chunk) => {
    if (chunk.byteLength > 0) ready.push(chunk)
  })
  const push = (bytes: Uint8Array, isLast: boolean): readonly Uint8Array[] => {
    try {
      frame.push(bytes, isLast)
    } catch (error) {
      throw damaged(name, 'is no whole zstandard file', error)
    }
    return ready.splice(0)
  }
  let taken = 0
  let given = 0
  for await (const bytes of frames) {
    for (let at = 0; at < bytes.byteLength; at += STEP) {
      const piece = bytes.slice(at, at + STEP)
      taken += piece.byteLength
      for (const chunk of push(piece, false)) {
        given += chunk.byteLength
        if (given > ALWAYS_ALLOWED + taken * MOST_EXPANSION) throw damaged(name, 'holds more than a rollout can')
        yield chunk
      }
    }
  }
  yield* push(new Uint8Array(0), true)
}

function damaged(name: string, what: string, cause?: unknown): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'ROLLOUT_DAMAGED',
    message: `${name} ${what}`,
    suggestions: ['Copy it to the store again from the machine that has it.'],
    cause,
  })
}
