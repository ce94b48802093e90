import type {LoadSink} from '../store/load.js'
import {parseObject} from '../transcript/entry-identity.js'
import {LineSplitter, readLines} from '../transcript/lines.js'
import type {Redaction} from './redaction.js'
import type {OpenTranscript, SessionOrigin, TranscriptOrigin} from './session-origin.js'

/** A session whose transcripts are read with asterisks in place of what looks like a secret. Offsets and lengths are the same. */
export function redactedSession(session: SessionOrigin, redaction: Redaction): SessionOrigin {
  return {
    sessionId: session.sessionId,
    place: session.place,
    source: session.source,
    async transcripts() {
      return (await session.transcripts()).map((each) => redactedTranscript(each, redaction))
    },
  }
}

function redactedTranscript(transcript: TranscriptOrigin, redaction: Redaction): TranscriptOrigin {
  const {name, version, size} = transcript
  const read = () => maskedLines(transcript.read(), redaction)
  return {
    name,
    version,
    size,
    read,
    async load(sink) {
      const counts = new Map<string, number>()
      await transcript.load(maskingSink(sink, redaction, counts))
      redaction.add(counts)
    },
    open: async () => inMemory(read()),
    async metadata() {
      const known = await transcript.metadata()
      return known && parseObject(await redaction.line(Buffer.from(JSON.stringify(known))))
    },
  }
}

async function* maskedLines(chunks: AsyncIterable<Uint8Array>, redaction: Redaction): AsyncIterable<Uint8Array> {
  for await (const {bytes} of readLines(chunks)) yield redaction.line(bytes)
}

function maskingSink(sink: LoadSink, redaction: Redaction, counts: Map<string, number>): LoadSink {
  let splitter = new LineSplitter()
  return {
    async begin() {
      splitter = new LineSplitter()
      counts.clear()
      await sink.begin()
    },
    async write(chunk) {
      for (const {bytes} of splitter.push(chunk)) await sink.write(await redaction.line(bytes, counts))
    },
  }
}

async function inMemory(chunks: AsyncIterable<Uint8Array>): Promise<OpenTranscript> {
  const pieces: Uint8Array[] = []
  for await (const piece of chunks) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  return {
    length: bytes.length,
    async *read(start, end) {
      yield bytes.subarray(start, end)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}
