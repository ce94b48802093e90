import type {TranscriptBytes} from '../store/bytes.js'
import type {LoadSink} from '../store/load.js'
import type {TranscriptName} from '../transcript/conversation/model.js'

/** A session that can be read, wherever it lies. Nothing is ever written. */
export interface SessionOrigin {
  readonly sessionId: string
  /** For people: the store's URL, or the path of the main transcript here. */
  readonly place: string
  readonly source: 'store' | 'local'
  /** What is there now, by a look that reads none of it: the main transcript first, where there is one. */
  transcripts(): Promise<readonly TranscriptOrigin[]>
}

export interface TranscriptOrigin {
  readonly name: TranscriptName
  /** Changes whenever the transcript does. */
  readonly version: string
  /** In bytes, about: what stands beside a chain may count twice. */
  readonly size: number
  /** Streams all of it, verified where its place has digests. `agent_metadata` lines may be among the others. */
  load(sink: LoadSink): Promise<void>
  /** All of it in order, each byte once, verified where its place has digests; without `agent_metadata` lines. */
  read(): AsyncIterable<Uint8Array>
  /** To read pieces of, as it is now. */
  open(): Promise<OpenTranscript>
  /** What its agent keeps beside a subagent's transcript, where `load` does not give it. */
  metadata(): Promise<Readonly<Record<string, unknown>> | undefined>
}

export interface OpenTranscript extends TranscriptBytes, AsyncDisposable {}
