import pMap from 'p-map'
import {hasCode, RepriseError} from '../base/errors.js'
import type {RolloutBase} from '../transcript/codex/rollout-summary.js'
import {readLines} from '../transcript/lines.js'
import {given, isoTime, type ListedSession} from '../sync/list-sessions.js'
import type {SummaryCache, CachedSummary} from '../sync/summary-cache.js'
import {type Ancestor, ancestorsOf} from './ancestors.js'
import {describeSession, type Description} from './describe.js'
import type {ForeignSession} from './foreign-session.js'
import {type ForeignListing, listForeign} from './foreign-sessions.js'
import type {ForeignRoots} from './layout.js'
import {readMain, readWhole} from './read-transcript.js'
import type {SessionSource, SourceTranscript} from './session-source.js'
import {type Tree, uriOf} from './tree.js'

const DESCRIBED_AT_ONCE = 64
/** The sessions of which the end is read, too: those that were written last. */
const WITH_END = 1000
/** What one session's files may be like without the others being told any less. */
const UNREADABLE = [
  'OBJECT_NOT_FOUND',
  'OBJECT_CHANGED',
  'OBJECT_ARCHIVED',
  'ACCESS_DENIED',
  'RANGE_INVALID',
  'CHECKSUM_MISMATCH',
  'ROLLOUT_DAMAGED',
] as const

/** Sessions that other programs copied whole, in a bucket or on this machine. Listed once, when first asked. */
export class ForeignSource implements SessionSource {
  readonly layout: ForeignRoots['layout']
  readonly tree: Tree
  readonly #roots: ForeignRoots['roots']
  readonly #cache: SummaryCache
  #listing: Promise<ForeignListing> | undefined

  /** @param cache what was read of a session earlier is not read again as long as its transcript has the same etag. */
  constructor(tree: Tree, {layout, roots}: ForeignRoots, cache: SummaryCache) {
    this.tree = tree
    this.layout = layout
    this.#roots = roots
    this.#cache = cache
  }

  get url(): string {
    return this.tree.url
  }

  /** What is there, by its keys alone. */
  async listing(): Promise<ForeignListing> {
    this.#listing ??= listForeign(this.tree, this.#roots)
    return this.#listing
  }

  async leftOut(): Promise<readonly string[]> {
    return (await this.listing()).leftOut
  }

  async rows(): Promise<readonly ListedSession[]> {
    const [{sessions}, known] = await Promise.all([this.listing(), this.#cache.read()])
    const latest = new Set(sessions.toSorted((a, b) => b.main.modified - a.main.modified).slice(0, WITH_END))
    const described = new Map<string, CachedSummary>()
    const rows = await pMap(
      sessions,
      async (session) => {
        const before = known.get(session.uri)
        const summary =
          before?.etag === session.main.etag ? before.summary : await this.#describe(session, latest.has(session))
        if (summary) described.set(session.uri, {etag: session.main.etag, summary})
        return this.#rowOf(session, summary ?? {})
      },
      {concurrency: DESCRIBED_AT_ONCE},
    )
    const isNew = described.size !== known.size || [...described].some(([uri, {etag}]) => known.get(uri)?.etag !== etag)
    if (isNew) await this.#cache.write(described)
    return rows
  }

  async transcripts({sessionId, uri}: ListedSession): Promise<readonly SourceTranscript[]> {
    const {sessions} = await this.listing()
    const session = sessions.find((each) => each.uri === uri)
    if (!session) throw gone(uri ?? sessionId)
    const ancestors = await this.ancestors(session)
    return [
      ...ancestors.map((each): SourceTranscript => ({
        kind: 'ancestor',
        sessionId: each.session.sessionId,
        open: () => beginningOf(readMain(each.tree, each.session), each.bytes),
      })),
      {kind: 'main', sessionId: session.sessionId, open: () => readMain(this.tree, session)},
      ...session.subagents.map(({subpath, transcript}): SourceTranscript => ({
        kind: 'subagent',
        subpath,
        sessionId: session.sessionId,
        open: () => readWhole(this.tree, transcript),
      })),
    ]
  }

  /**
   * What a fork of Codex rests on, the oldest first: of the same machine where it is there, else of another, else of another source.
   *
   * @param isHere whether a rollout is there already, where the fork is to go.
   * @throws ANCESTOR_MISSING
   */
  async ancestors(
    session: ForeignSession,
    beside: readonly ForeignSource[] = [],
    isHere: (base: RolloutBase) => boolean = () => false,
  ): Promise<readonly Ancestor[]> {
    return ancestorsOf({tree: this.tree, session}, async (base) => {
      for (const source of [this, ...beside]) {
        const found = await source.#rollout(base.sessionId, session)
        if (found) return {tree: source.tree, session: found}
      }
      return isHere(base) ? 'here' : undefined
    })
  }

  async #rollout(sessionId: string, near: ForeignSession): Promise<ForeignSession | undefined> {
    const {sessions} = await this.listing()
    const same = sessions.filter((each) => each.agent === 'codex' && each.sessionId === sessionId)
    return same.find(({machine, user}) => machine === near.machine && user === near.user) ?? same[0]
  }

  async #describe(session: ForeignSession, withEnd: boolean): Promise<CachedSummary['summary'] | undefined> {
    const {sessionId, projectKey, agent} = session
    try {
      const description = await describeSession(this.tree, session, withEnd)
      return {version: 1, sessionId, homeKey: projectKey, agent, ...description}
    } catch (error) {
      if (hasCode(error, ...UNREADABLE)) return undefined
      throw error
    }
  }

  #rowOf(
    session: ForeignSession,
    about: {readonly [K in keyof Description]: Description[K] | undefined},
  ): ListedSession {
    const {layout, agent, sessionId, projectKey, machine, user, name, uri, main} = session
    const {title, firstPrompt, cwd, entries, messages, createdAt, updatedAt} = about
    return {
      sessionId,
      projectKey,
      agent,
      ...given({name, title, firstPrompt, cwd, machine, user, entries, messages}),
      bytes: main.size,
      ...given({createdAt, updatedAt: updatedAt ?? isoTime(main.modified)}),
      ...(layout === 'local' ? {path: uriOf(this.tree, main.key)} : {store: this.url}),
      uri,
      source: layout,
    }
  }
}

/** The lines of a stream that begin before byte `end`. */
async function* beginningOf(chunks: AsyncIterable<Uint8Array>, end: number): AsyncIterable<Uint8Array> {
  for await (const line of readLines(chunks, {onTooLong: 'report'})) {
    if (line.offset >= end) return
    yield line.bytes
  }
}

function gone(uri: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `${uri} is not there any more`,
    suggestions: ['See what there is: reprise ls', 'Name another store: --store'],
  })
}
