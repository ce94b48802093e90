import {LineSplitter, readLines} from '../transcript/lines.js'
import {escapeJson} from '../view/sanitize.js'
import {type PageOptions, pageOut} from './pager.js'
import type {Runtime} from './runtime.js'
import {writeOut} from './standard-output.js'

/**
 * Lines of transcripts as they are, byte for byte. On a terminal what would control it is shown as JSON writes it, and a pager shows
 * the rest.
 */
export async function writeRaw(
  runtime: Runtime,
  chunks: AsyncIterable<Uint8Array>,
  options: PageOptions = {},
): Promise<void> {
  if (runtime.screen.stdoutIsTerminal) {
    await pageOut(runtime, () => printable(chunks), options)
    return
  }
  for await (const chunk of chunks) {
    if (runtime.signal.aborted) return
    await writeOut(process.stdout, chunk)
  }
}

/** The last so many lines. */
export async function* lastLines(chunks: AsyncIterable<Uint8Array>, count: number): AsyncIterable<Uint8Array> {
  const kept: Uint8Array[] = []
  for await (const {bytes} of readLines(chunks)) {
    kept.push(bytes)
    if (kept.length > count) kept.shift()
  }
  yield* kept
}

async function* printable(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const splitter = new LineSplitter({onTooLong: 'report'})
  for await (const chunk of chunks) {
    for (const {bytes} of splitter.push(chunk)) yield escapeJson(Buffer.from(bytes).toString())
  }
}
