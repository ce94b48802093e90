import {openLocalTranscript} from '../sync/local-transcript.js'
import {discoverSession, type LocalSession} from '../transcript/discover.js'
import {parseObject} from '../transcript/entry-identity.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

const LARGEST_METADATA = 256 * 1024

/** Where sessions of this machine lie, and whose they must be. */
export interface LocalPlace {
  readonly configDir: string
  /** The uid that must own what is read; undefined where there are none. */
  readonly uid: number | undefined
  /** Of the run's cwd: of several copies here, the one under it is meant, else the one that changed last. */
  readonly projectKey: string
}

/** The session as it lies on this machine; undefined when it does not. */
export async function findLocalSession(place: LocalPlace, sessionId: string): Promise<SessionOrigin | undefined> {
  const found = await copyOf(place, sessionId)
  if (!found) return undefined
  return {
    sessionId,
    source: 'local',
    place: found.main?.path ?? place.configDir,
    async transcripts() {
      const now = await copyOf({...place, projectKey: found.projectKey}, sessionId)
      return now ? transcriptsOf(now, place.uid) : []
    },
  }
}

async function copyOf({configDir, projectKey}: LocalPlace, sessionId: string): Promise<LocalSession | undefined> {
  const {sessions} = await discoverSession(configDir, sessionId)
  const newest = sessions.toSorted((a, b) => (b.main?.mtimeMs ?? 0) - (a.main?.mtimeMs ?? 0))
  return sessions.find((each) => each.projectKey === projectKey) ?? newest[0]
}

function transcriptsOf(
  {sessionId, main, subagents}: LocalSession,
  uid: number | undefined,
): readonly TranscriptOrigin[] {
  const own = main ? [localTranscript({sessionId}, main, undefined, uid)] : []
  const below = subagents.map(({subpath, transcript, meta}) =>
    localTranscript({sessionId, subpath}, transcript, meta, uid),
  )
  return [...own, ...below]
}

function localTranscript(
  name: TranscriptOrigin['name'],
  {path, size, mtimeMs, ino}: LocalFile,
  meta: LocalFile | undefined,
  uid: number | undefined,
): TranscriptOrigin {
  const open = async () => openLocalTranscript(path, uid)
  return {
    name,
    version: [size, mtimeMs, ino, meta?.mtimeMs].join(' '),
    size,
    open,
    async load(sink) {
      await using transcript = await open()
      await sink.begin()
      for await (const chunk of transcript.read(0, transcript.length)) await sink.write(chunk)
    },
    async *read() {
      await using transcript = await open()
      yield* transcript.read(0, transcript.length)
    },
    async metadata() {
      return meta && meta.size <= LARGEST_METADATA ? readJson(meta.path, uid) : undefined
    },
  }
}

async function readJson(path: string, owner: number | undefined): Promise<ReturnType<typeof parseObject>> {
  const opened = await openPlainFile(path, {owner}).catch(() => undefined)
  if (!opened) return undefined
  try {
    return parseObject(await opened.handle.readFile())
  } finally {
    await opened.handle.close()
  }
}
