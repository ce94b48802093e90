import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {fileHistoryDir, projectDir, projectsDir, sessionDir, transcriptPath} from './config-dir.js'
import type {LocalFile} from './local-file.js'
import {isSessionId} from './session-id.js'
import {Walk} from './walk.js'
import type {LeftOut} from './walk.js'

/** A subagent's transcript: `subpath` is its path below the session's directory, with `/`, without `.jsonl`. */
export interface LocalSubagent {
  readonly subpath: string
  readonly transcript: LocalFile
  readonly meta?: LocalFile
}

/** A file with its `name`: the path below the directory of its kind, with `/`. */
export interface NamedFile extends LocalFile {
  readonly name: string
}

/** Everything of one session under one project key. A session with copies under two keys is found twice. */
export interface LocalSession {
  readonly sessionId: string
  readonly projectKey: string
  /** Missing when only subagents or attachments of the session are there. */
  readonly main?: LocalFile
  readonly subagents: readonly LocalSubagent[]
  readonly toolResults: readonly NamedFile[]
  readonly fileHistory: readonly NamedFile[]
}

export interface Discovery {
  /** Sorted by project key, then session id. */
  readonly sessions: readonly LocalSession[]
  readonly leftOut: readonly LeftOut[]
}

export interface DiscoverOptions {
  /** Only this session. Default: all. */
  readonly sessionId?: string | undefined
  /** Only this project key. Default: all. */
  readonly projectKey?: string | undefined
  /** How many calls to the file system are under way at once. Default 32. */
  readonly concurrency?: number | undefined
}

/**
 * The sessions under a config dir. Below that directory no link is followed, at no level; only regular files and
 * directories of its owner are taken, only sessions named by a UUID, and only `agent-*.jsonl` as subagents.
 * A config dir that is not there has no sessions.
 */
export async function discoverSessions(configDir: string, options: DiscoverOptions = {}): Promise<Discovery> {
  const root = await stat(configDir).catch(() => undefined)
  if (!root?.isDirectory()) return {sessions: [], leftOut: []}
  const walk = new Walk(root.uid, options.concurrency ?? 32)
  const histories = new Set((await walk.list(join(configDir, 'file-history'))).map(({name}) => name))
  const keys = await walk.list(projectsDir(configDir))
  const wantedKeys = keys.filter(({name}) => options.projectKey === undefined || name === options.projectKey)
  const found = await Promise.all(
    wantedKeys.map(async ({name: projectKey}) => {
      const ids = await sessionsIn(walk, projectDir(configDir, projectKey))
      const wanted = [...ids].filter(([id]) => options.sessionId === undefined || id === options.sessionId)
      return Promise.all(
        wanted.map(async ([sessionId, has]): Promise<LocalSession | undefined> => {
          const below = sessionDir(configDir, projectKey, sessionId)
          // Listed, not guessed: the session's own directory may be a link too.
          const inside = new Set(has.dir ? (await walk.list(below)).map(({name}) => name) : [])
          const [main, subagents, toolResults, fileHistory] = await Promise.all([
            has.main ? walk.file(transcriptPath(configDir, projectKey, sessionId)) : undefined,
            inside.has('subagents') ? findSubagents(walk, below) : [],
            inside.has('tool-results') ? filesBelow(walk, join(below, 'tool-results')) : [],
            histories.has(sessionId) ? filesBelow(walk, fileHistoryDir(configDir, sessionId)) : [],
          ])
          if (!main && subagents.length === 0 && toolResults.length === 0) return
          return {sessionId, projectKey, ...(main && {main}), subagents, toolResults, fileHistory}
        }),
      )
    }),
  )
  return {sessions: found.flat().filter((session) => session !== undefined), leftOut: walk.leftOut}
}

/** The copies of one session: one for each project key that has it, mostly one, none when it is not here. */
export async function discoverSession(configDir: string, sessionId: string): Promise<Discovery> {
  return discoverSessions(configDir, {sessionId})
}

async function sessionsIn(walk: Walk, dir: string): Promise<Map<string, {main: boolean; dir: boolean}>> {
  const ids = new Map<string, {main: boolean; dir: boolean}>()
  for (const {name} of await walk.list(dir)) {
    const id = name.replace(/\.jsonl$/, '')
    if (!isSessionId(id)) continue
    const has = ids.get(id) ?? {main: false, dir: false}
    ids.set(id, name === id ? {...has, dir: true} : {...has, main: true})
  }
  return ids
}

/** Claude nests them a level or two; more than this is no work of its. */
const deepest = 16

async function filesBelow(walk: Walk, dir: string, names: readonly string[] = []): Promise<NamedFile[]> {
  const found = await Promise.all(
    (await walk.list(join(dir, ...names))).map(async (entry) => {
      const path = [...names, entry.name]
      if (entry.isDirectory() && path.length < deepest) return filesBelow(walk, dir, path)
      const file = await walk.file(join(dir, ...path))
      return file ? [{...file, name: path.join('/')}] : []
    }),
  )
  return found.flat()
}

async function findSubagents(walk: Walk, below: string): Promise<LocalSubagent[]> {
  const files = new Map((await filesBelow(walk, join(below, 'subagents'))).map((file) => [file.name, file]))
  const subagents: LocalSubagent[] = []
  for (const [name, transcript] of files) {
    const base = /^(.*\/)?agent-[^/]+(?=\.jsonl$)/.exec(name)?.[0]
    if (base === undefined) {
      if (!name.endsWith('.meta.json')) walk.leaveOut(transcript.path, 'not-a-transcript')
      continue
    }
    const meta = files.get(`${base}.meta.json`)
    subagents.push({subpath: `subagents/${base}`, transcript, ...(meta && {meta})})
  }
  return subagents
}
