import {RepriseError} from '../base/errors.js'
import type {LoadSink} from './load.js'
import type {PartListing} from './parts.js'

/**
 * Refuses what is larger than is let in: sizes come from whoever may write to the store.
 *
 * @param most undefined: no limit.
 * @throws SESSION_TOO_LARGE
 */
export function checkSize(sessionId: string, bytes: number, most: number | undefined): void {
  if (most !== undefined && bytes > most) throw tooLarge(sessionId, bytes, most)
}

export function listedSize({parts}: Pick<PartListing, 'parts'>): number {
  return parts.reduce((sum, {size}) => sum + size, 0)
}

/** A sink that takes no more than so many bytes, whatever was said of them before. */
export function limited(sink: LoadSink, sessionId: string, most: number): LoadSink {
  let taken = 0
  return {
    async begin() {
      taken = 0
      await sink.begin()
    },
    async write(chunk) {
      taken += chunk.byteLength
      checkSize(sessionId, taken, most)
      await sink.write(chunk)
    },
  }
}

function tooLarge(sessionId: string, bytes: number, most: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'SESSION_TOO_LARGE',
    message: `session ${sessionId} has at least ${bytes} bytes, and no more than ${most} are let in; nothing of it was taken`,
    suggestions: [
      `When it is meant to be that large: --max-bytes ${Math.ceil(bytes / 1e9)}GB`,
      'In a program: the option maxBytes.',
    ],
    details: {sessionId, bytes, maxBytes: most},
  })
}
