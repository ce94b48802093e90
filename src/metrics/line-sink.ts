import {closeSync, constants, openSync, writeSync} from 'node:fs'
import {RepriseError} from '../base/errors.js'

/** Where lines go, each with its `\n`. */
export interface LineSink {
  /** @throws what the system says: the line may be written in part. */
  write(line: string): void
  close(): void
}

/**
 * Appends to a file, which is made with mode 0600. Processes that append to one file do not mix their lines.
 *
 * @throws METRICS_FILE_UNWRITABLE (permission).
 */
export function appendLines(path: string): LineSink {
  const descriptor = openForAppending(path)
  return {...writeLines(descriptor), close: () => closeSync(descriptor)}
}

/** Writes to a descriptor of the caller's, who closes it. */
export function writeLines(descriptor: number): LineSink {
  let torn = false
  return {
    write(line) {
      // One write(2) a line: with O_APPEND no other process's line comes between. What a full disk cut off is ended before the next.
      const bytes = Buffer.from(torn ? `\n${line}` : line)
      for (let at = 0; at < bytes.length;) {
        at += writeSync(descriptor, bytes, at)
        torn = at < bytes.length
      }
    },
    close() {},
  }
}

/** Writes to a stream of the caller's, who ends it and hears of its errors. */
export function streamLines(stream: {write(text: string): unknown}): LineSink {
  return {write: (line) => void stream.write(line), close() {}}
}

function openForAppending(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RepriseError({
      kind: 'permission',
      code: 'METRICS_FILE_UNWRITABLE',
      message: `metrics cannot be appended to ${path}: ${reason}`,
      suggestions: ['Name a file in a directory that exists and is yours.'],
      cause,
    })
  }
}
