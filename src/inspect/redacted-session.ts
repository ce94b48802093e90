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
    load: async (sink) => transcript.load(maskingSink(sink, redaction)),
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

/** A load may begin anew: what was counted then counts twice, which says too much and never too little. */
function maskingSink(sink: LoadSink, redaction: Redaction): LoadSink {
  let splitter = new LineSplitter()
  return {
    async begin() {
      splitter = new LineSplitter()
      await sink.begin()
    },
    async write(chunk) {
      for (const {bytes} of splitter.push(chunk)) await sink.write(await redaction.line(bytes))
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
