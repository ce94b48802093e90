import {readLines, type Line} from '../transcript/lines.js'
import {summarizeRollout, type RolloutSummary} from '../transcript/codex/rollout-summary.js'
import {summarize, titleOf, type TranscriptSummary} from '../transcript/summary.js'
import {given} from '../sync/list-sessions.js'
import type {ForeignSession} from './foreign-session.js'
import {readBytes, readHead} from './read-transcript.js'
import type {Tree} from './tree.js'

const KIB = 1024
/** A transcript up to this is read whole, and all that a listing shows of it is known. */
const SMALL = 64 * KIB
/** Codex begins with its instructions to the model. */
const HEAD = {claude: 32 * KIB, codex: 64 * KIB} as const
/** Where the head has no prompt yet. */
const LONG_HEAD = 512 * KIB
const TAIL = 16 * KIB
/** Of a compressed rollout: whole blocks of zstandard, which hold 128 KiB at most. */
const COMPRESSED_HEAD = 256 * KIB

/** What reading a little of a session tells beyond its keys. Texts are plain and short. */
export interface Description {
  readonly title?: string
  readonly firstPrompt?: string
  readonly cwd?: string
  readonly branch?: string
  readonly commit?: string
  readonly model?: string
  /** Only of what was read whole. */
  readonly entries?: number
  readonly messages?: number
  readonly createdAt?: string
  readonly updatedAt?: string
}

/**
 * Reads the beginning of a main transcript, and its end: two small requests, one where it is small, three where it begins at length.
 *
 * @param withEnd what was said and named last is worth a request.
 */
export async function describeSession(tree: Tree, session: ForeignSession, withEnd: boolean): Promise<Description> {
  const {agent, main, rollout} = session
  const fold = agent === 'claude' ? describeClaude : describeCodex
  const head = async (limit: number) => linesOf(readHead(tree, session, limit))
  const isCompressed = rollout?.compressed ?? false
  if (main.size <= (isCompressed ? COMPRESSED_HEAD : SMALL)) return fold(await head(main.size), [])
  if (isCompressed) return partial(await fold(await head(COMPRESSED_HEAD), []), undefined)
  const [first, last] = await Promise.all([
    head(HEAD[agent]),
    withEnd ? linesOf(readBytes(tree, main, main.size - TAIL, main.size), true) : [],
  ])
  const {updatedAt} = await fold(last, [])
  const description = await fold(first, last)
  if (description.firstPrompt !== undefined) return partial(description, updatedAt)
  return partial(await fold(await head(LONG_HEAD), last), updatedAt)
}

/** Of what was not read whole counts are none, and the latest time is that of the end. */
function partial(
  {entries: _entries, messages: _messages, updatedAt: _updatedAt, ...rest}: Description,
  updatedAt: string | undefined,
): Description {
  return {...rest, ...given({updatedAt})}
}

async function describeClaude(head: readonly Line[], tail: readonly Line[]): Promise<Description> {
  const first = await summarize(head)
  const all: TranscriptSummary = await summarize(tail, first)
  const {cwd, gitBranch, model, entries, userMessages, assistantMessages, createdAt, updatedAt} = all
  const messages = userMessages + assistantMessages
  return given({
    title: titleOf(all),
    firstPrompt: first.firstPrompt,
    cwd,
    branch: gitBranch,
    model,
    entries,
    messages,
    createdAt,
    updatedAt,
  })
}

async function describeCodex(head: readonly Line[], tail: readonly Line[]): Promise<Description> {
  const first = await summarizeRollout(head)
  const all: RolloutSummary = await summarizeRollout(tail, first)
  const {cwd, branch, commit, model, items, userMessages, assistantMessages, createdAt, updatedAt} = all
  const messages = userMessages + assistantMessages
  return given({
    firstPrompt: first.firstPrompt,
    cwd,
    branch,
    commit,
    model,
    entries: items,
    messages,
    createdAt,
    updatedAt,
  })
}

/** @param cut the first line is the rest of one. */
async function linesOf(chunks: AsyncIterable<Uint8Array>, cut = false): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of readLines(chunks, {onTooLong: 'report'})) lines.push(line)
  return cut ? lines.slice(1) : lines
}
