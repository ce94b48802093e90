import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import * as v from 'valibot'
import writeFileAtomic from 'write-file-atomic'
import {RepriseError} from '../base/errors.js'
import {sha256Hex} from '../base/hash.js'
import {makeDirectories} from '../base/make-directories.js'
import {isSafeSegment} from '../store/names.js'

const Extent = v.object({length: v.number(), digest: v.string()})
const Transcript = v.object({
  /** The last time local and stored held the same entries. */
  agreed: v.optional(v.object({local: Extent, stored: Extent})),
  /** The local file as pushes since then were about to store it; each may have died before or after it did. */
  intended: v.optional(v.array(Extent)),
  /** What was found equal, so that it need not be found again: a listing, and the file as it was then. */
  seen: v.optional(
    v.object({
      listing: v.string(),
      size: v.number(),
      mtimeMs: v.number(),
      ino: v.number(),
      dev: v.number(),
      /** Bytes of a last line that was not ended; absent where there were none. */
      torn: v.optional(v.number()),
      /** Etag of the lease record under which the listed parts were found to stay; absent where there was none. */
      lease: v.optional(v.string()),
    }),
  ),
  /** SHA-256 of the subagent's metadata that is stored. */
  metadata: v.optional(v.string()),
})
const SessionState = v.object({
  version: v.literal(1),
  homeKey: v.optional(v.string()),
  /** By project key and subpath: copies under two keys have nothing to do with each other. See `transcriptState`. */
  transcripts: v.record(v.string(), Transcript),
  /** Attachments that are stored: by name, their `size:mtimeMs:ino`. */
  files: v.record(v.string(), v.string()),
  /** The session that this one was forked as, and the main transcript as it was then. */
  forked: v.optional(v.object({sessionId: v.string(), size: v.number(), mtimeMs: v.number()})),
  /** What a listing calls the session, as its pushes were told. */
  labels: v.optional(v.object({task: v.optional(v.string()), name: v.optional(v.string())})),
  /** A fold of the main transcript's first `bytes`, to go on from (`transcript/summary`). */
  summary: v.optional(v.object({digest: v.string(), value: v.looseObject({bytes: v.number()})})),
})

export type TranscriptState = v.InferOutput<typeof Transcript>
export type SessionState = v.InferOutput<typeof SessionState>

export const emptySessionState: SessionState = {version: 1, transcripts: {}, files: {}}

/** What is known of one copy of a transcript. @param subpath undefined: the main transcript's. */
export function transcriptState(
  {transcripts}: Pick<SessionState, 'transcripts'>,
  projectKey: string,
  subpath: string | undefined,
): TranscriptState {
  return transcripts[copyKey(projectKey, subpath)] ?? {}
}

/** @param value undefined: nothing is known of that copy any more. */
export function withTranscriptState(
  state: SessionState,
  projectKey: string,
  subpath: string | undefined,
  value: TranscriptState | undefined,
): SessionState {
  const {[copyKey(projectKey, subpath)]: _, ...others} = state.transcripts
  return {...state, transcripts: value ? {...others, [copyKey(projectKey, subpath)]: value} : others}
}

/** A project key is one segment. */
function copyKey(projectKey: string, subpath = ''): string {
  return `${projectKey}/${subpath}`
}

/**
 * What earlier runs on this machine found out about a session, for one store and one config dir. It saves work and tells Claude's
 * own rewrites from another's; losing it costs requests, never an entry.
 */
export interface SyncState {
  read(sessionId: string): Promise<SessionState>
  write(sessionId: string, state: SessionState): Promise<void>
}

/**
 * For sessions that are stored while they are written: what cannot be kept costs requests the next time, and must end nothing.
 *
 * @param failed told once.
 */
export function forgiving(state: SyncState, failed: (error: unknown) => void): SyncState {
  let told = false
  return {
    read: async (sessionId) => state.read(sessionId),
    async write(sessionId, content) {
      await state.write(sessionId, content).catch((error: unknown) => {
        if (!told) failed(error)
        told = true
      })
    },
  }
}

/** One small file a session, replaced whole: runs beside each other do not mix. */
export class FileSyncState implements SyncState {
  readonly #dir: string
  #made: Promise<unknown> | undefined

  private constructor(dir: string) {
    this.#dir = dir
  }

  /**
   * @param stateDir reprise's own state directory.
   * @param storeUrl the store, as it is written for people.
   * @param configDir known by device and inode: the same directory under another name is the same.
   */
  static async open(stateDir: string, storeUrl: string, configDir: string): Promise<FileSyncState> {
    const {dev, ino} = await stat(configDir).catch(() => ({dev: 0, ino: 0}))
    return new FileSyncState(join(stateDir, 'sync', sha256Hex(storeUrl).slice(0, 32), `${dev}-${ino}`))
  }

  async read(sessionId: string): Promise<SessionState> {
    try {
      const parsed = v.safeParse(SessionState, JSON.parse(await readFile(this.#pathOf(sessionId), 'utf8')))
      return parsed.success ? parsed.output : emptySessionState
    } catch {
      return emptySessionState
    }
  }

  /** @throws STATE_UNWRITABLE */
  async write(sessionId: string, state: SessionState): Promise<void> {
    const path = this.#pathOf(sessionId)
    try {
      this.#made ??= makeDirectories(this.#dir)
      await this.#made
      await writeFileAtomic(path, `${JSON.stringify(state)}\n`, {mode: 0o600, fsync: false})
    } catch (cause) {
      throw unwritable(path, cause)
    }
  }

  #pathOf(sessionId: string): string {
    if (!isSafeSegment(sessionId)) throw new Error('not a session id')
    return join(this.#dir, `${sessionId}.json`)
  }
}

function unwritable(path: string, cause: unknown): RepriseError {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new RepriseError({
    kind: 'permission',
    code: 'STATE_UNWRITABLE',
    message: `what is known of this session cannot be kept in ${path}: ${why}`,
    suggestions: ['Make that directory writable, or name another one for such files: XDG_STATE_HOME.'],
    cause,
  })
}
