import type {FileHandle} from 'node:fs/promises'
import {RepriseError} from '../base/errors.js'
import type {TranscriptBytes} from '../store/bytes.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'

const CHUNK = 256 * 1024
const SEARCH = 64 * 1024
/** How many of the last bytes must still stand where they stood. */
const WITNESS = 64 * 1024

/** A transcript on this disk as it was when it was opened: its whole lines; what Claude appends later is not seen. */
export interface LocalTranscript extends TranscriptBytes, AsyncDisposable {
  readonly file: LocalFile
  /** Bytes of a last line that is not ended yet: no entry, left out. */
  readonly torn: number
}

/**
 * @throws what `openPlainFile` throws; reading up to its end rejects with LOCAL_CHANGED when the file was rewritten in place meanwhile,
 *   so that its lines end elsewhere: look again.
 */
export async function openLocalTranscript(path: string, owner: number | undefined): Promise<LocalTranscript> {
  const {handle, file} = await openPlainFile(path, {owner})
  try {
    const length = await wholeLines(handle, file)
    const start = Math.max(0, length - WITNESS)
    const witness = await bytesAt(handle, file, start, length)
    return {
      file,
      length,
      torn: file.size - length,
      async *read(from, to) {
        yield* readRange(handle, file, from, to)
        const moved = to >= length && !(await bytesAt(handle, file, start, length)).equals(witness)
        if (moved) throw changed(file)
      },
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

async function bytesAt(handle: FileHandle, file: LocalFile, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readRange(handle, file, start, end)) chunks.push(chunk)
  return Buffer.concat(chunks)
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
    message: `${path} was rewritten while it was read`,
    suggestions: ['Run the command again.'],
  })
}
