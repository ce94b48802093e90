import {RepriseError} from '../base/errors.js'
import {notFound} from '../sync/select-sessions.js'
import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

/** The main transcripts of sessions, one after the other, byte for byte. */
export async function* rawChain(sessions: readonly SessionOrigin[]): AsyncIterable<Uint8Array> {
  for (const session of sessions) {
    const [main] = await session.transcripts()
    if (main?.name.subpath === undefined) yield* main?.read() ?? []
  }
}

/** What the main transcript of a session grows by, at each look; nothing of what it holds at the first one but its last lines. */
export class FollowedBytes {
  readonly #origin: SessionOrigin
  #version = ''
  #given = 0

  /** @param from how many bytes were given already. */
  constructor(origin: SessionOrigin, from: number) {
    this.#origin = origin
    this.#given = from
  }

  /** One that was rewritten shorter goes on from its new end. */
  async *look(): AsyncIterable<Uint8Array> {
    const [main] = await this.#origin.transcripts()
    if (!main || main.name.subpath !== undefined || main.version === this.#version) return
    this.#version = main.version
    await using now = await main.open()
    if (now.length > this.#given) yield* now.read(this.#given, now.length)
    this.#given = now.length
  }
}

/**
 * One transcript of a session.
 *
 * @param subagent the id of a subagent, or the beginning of it; undefined for the session's own.
 * @throws SESSION_NOT_FOUND, SUBAGENT_NOT_FOUND, SUBAGENT_AMBIGUOUS; TRANSCRIPT_MISSING where of the session only subagents are there.
 */
export async function chooseTranscript(origin: SessionOrigin, subagent: string | undefined): Promise<TranscriptOrigin> {
  const transcripts = await origin.transcripts()
  if (transcripts.length === 0) throw notFound(origin.sessionId)
  if (subagent === undefined) {
    const main = transcripts.find(({name}) => name.subpath === undefined)
    if (main) return main
    throw new RepriseError({
      kind: 'not-found',
      code: 'TRANSCRIPT_MISSING',
      message: `of session ${origin.sessionId} only transcripts of subagents are there`,
      suggestions: ['Name one: --subagent', ...idsOf(transcripts).slice(0, 10)],
    })
  }
  const wanted = transcripts.filter(({name}) => idOf(name.subpath)?.startsWith(subagent))
  const exact = wanted.find(({name}) => idOf(name.subpath) === subagent)
  const [only, ...more] = exact ? [exact] : wanted
  if (only && more.length === 0) return only
  const ids = idsOf(only ? wanted : transcripts)
  const [shown, begin] = [ids.slice(0, 10).join(', '), JSON.stringify(subagent)]
  if (only) {
    throw new RepriseError({
      kind: 'usage',
      code: 'SUBAGENT_AMBIGUOUS',
      message: `${begin} is the beginning of ${wanted.length} subagents: ${shown}`,
      suggestions: ['Write more of the id.'],
      details: {candidates: ids},
    })
  }
  throw new RepriseError({
    kind: 'not-found',
    code: 'SUBAGENT_NOT_FOUND',
    message: `session ${origin.sessionId} has no subagent ${begin}`,
    suggestions: [ids.length === 0 ? 'It has no subagents.' : `It has: ${shown}`],
  })
}

function idsOf(transcripts: readonly TranscriptOrigin[]): readonly string[] {
  return transcripts.flatMap(({name}) => idOf(name.subpath) ?? [])
}

function idOf(subpath: string | undefined): string | undefined {
  return subpath === undefined ? undefined : (/(?:^|\/)agent-([^/]+)$/.exec(subpath)?.[1] ?? subpath)
}
