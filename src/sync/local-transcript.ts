import type {FileHandle} from 'node:fs/promises'
import {RepriseError} from '../base/errors.js'
import type {TranscriptBytes} from '../store/bytes.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'

const CHUNK = 256 * 1024
const SEARCH = 64 * 1024

/** A transcript on this disk as it was when it was opened: its whole lines; what Claude appends later is not seen. */
export interface LocalTranscript extends TranscriptBytes, AsyncDisposable {
  readonly file: LocalFile
  /** Bytes of a last line that is not ended yet: no entry, left out. */
  readonly torn: number
}

/**
 * @throws what `openPlainFile` throws; reading rejects with LOCAL_CHANGED when the file got shorter meanwhile: look again.
 */
export async function openLocalTranscript(path: string, owner: number | undefined): Promise<LocalTranscript> {
  const {handle, file} = await openPlainFile(path, {owner})
  try {
    const length = await wholeLines(handle, file)
    return {
      file,
      length,
      torn: file.size - length,
      read: (start, end) => readRange(handle, file, start, end),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The offset after the last `\n`. */
async function wholeLines(handle: FileHandle, file: LocalFile): Promise<number> {
  const buffer = Buffer.allocUnsafe(SEARCH)
  for (let end = file.size; end > 0;) {
    const start = Math.max(0, end - SEARCH)
    const {bytesRead} = await handle.read(buffer, 0, end - start, start)
    if (bytesRead < end - start) throw changed(file)
    const at = buffer.subarray(0, bytesRead).lastIndexOf(0x0a)
    if (at !== -1) return start + at + 1
    end = start
  }
  return 0
}

async function* readRange(handle: FileHandle, file: LocalFile, start: number, end: number): AsyncIterable<Uint8Array> {
  for (let at = start; at < end;) {
    // A buffer of its own for each chunk: readers of lines keep views.
    const {buffer, bytesRead} = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK, end - at)), 0, null, at)
    if (bytesRead === 0) throw changed(file)
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

function changed({path}: LocalFile): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LOCAL_CHANGED',
    message: `${path} got shorter while it was read`,
    suggestions: ['Run the command again.'],
  })
}
