import {sha256Hex} from '../base/hash.js'
import {parseObject} from '../transcript/entry-identity.js'
import {type Line, LineSplitter} from '../transcript/lines.js'
import {isSessionId} from '../transcript/session-id.js'
import {VerifyFindings} from './verify-findings.js'

/** A file that an entry names below a session's `tool-results/`. */
export interface NamedResult {
  readonly sessionId: string
  /** Below `tool-results/`, with `/`. */
  readonly name: string
  readonly line: number
}

const MOST_NAMES = 100_000
const LONGEST_LINE = 64 * 1024 * 1024

/**
 * Reads the lines of a transcript as they pass: whether they parse, whether the parent of each entry came before it, and what they
 * name beside the transcript. Every entry of a real transcript with a `parentUuid` stands behind that parent, also after a compaction,
 * a resume and a fork, which copies what it goes on from; `logicalParentUuid` and `leafUuid` may lead out of it. Holds the entries'
 * ids, never their content.
 */
export class VerifyLines {
  readonly findings: VerifyFindings
  readonly #splitter = new LineSplitter({maxLineBytes: LONGEST_LINE, onTooLong: 'report'})
  readonly #seen = new Set<string>()
  readonly #awaited = new Map<string, number>()
  readonly #agents = new Map<string, number>()
  readonly #results = new Map<string, NamedResult>()
  #line = 0
  #entries = 0

  constructor(subpath?: string) {
    this.findings = new VerifyFindings(subpath)
  }

  push(chunk: Uint8Array): void {
    for (const line of this.#splitter.push(chunk)) this.#take(line)
  }

  end(): void {
    for (const line of this.#splitter.end()) this.#take(line)
  }

  get entries(): number {
    return this.#entries
  }

  /** The agents that entries say they started, by id, with the line that first names each. */
  get agents(): ReadonlyMap<string, number> {
    return this.#agents
  }

  get results(): readonly NamedResult[] {
    return [...this.#results.values()]
  }

  /**
   * Tells of parents that came late, and of those that are nowhere. After `end`.
   *
   * @param elsewhere of a subagent: the main transcript, in which its first entry may have its parent.
   */
  judgeParents(elsewhere?: VerifyLines): void {
    for (const [parent, line] of this.#awaited) {
      if (this.#seen.has(parent)) {
        const message = 'an entry stands before its parent: claude sorts that out when it resumes'
        this.findings.add({code: 'parent-later', severity: 'warning', line, message})
      } else if (!elsewhere?.has(parent)) {
        const message = 'the entry that this one goes on from is not stored: a resume does not see what came before it'
        this.findings.add({code: 'parent-missing', severity: 'damaged', line, message})
      }
    }
  }

  /** Whether an entry has that id. */
  has(uuid: string): boolean {
    return this.#seen.has(uuid)
  }

  #take({bytes, state}: Line): void {
    const line = ++this.#line
    if (state === 'too-long') {
      const message = `a line of more than ${LONGEST_LINE} bytes, which was not looked into`
      this.findings.add({code: 'line-too-long', severity: 'warning', line, message})
      return
    }
    if (isBlank(bytes)) return
    const entry = parseObject(bytes)
    if (!entry) {
      const message = 'a line is no JSON object: claude leaves it out without a word'
      this.findings.add({code: 'line-unparsable', severity: 'damaged', line, message})
      return
    }
    this.#entries++
    this.#link(entry, line)
    this.#names(entry, line)
  }

  #link({uuid, parentUuid}: Readonly<Record<string, unknown>>, line: number): void {
    if (typeof parentUuid === 'string' && parentUuid !== '') {
      const parent = short(parentUuid)
      if (!this.#seen.has(parent) && !this.#awaited.has(parent)) this.#awaited.set(parent, line)
    }
    if (typeof uuid === 'string' && uuid !== '') this.#seen.add(short(uuid))
  }

  #names({toolUseResult}: Readonly<Record<string, unknown>>, line: number): void {
    if (typeof toolUseResult !== 'object' || toolUseResult === null) return
    const {agentId, persistedOutputPath} = toolUseResult as Readonly<Record<string, unknown>>
    if (typeof agentId === 'string' && /^[\w-]{1,128}$/.test(agentId) && this.#agents.size < MOST_NAMES) {
      if (!this.#agents.has(agentId)) this.#agents.set(agentId, line)
    }
    const named = resultOf(persistedOutputPath, line)
    if (named && this.#results.size < MOST_NAMES) this.#results.set(`${named.sessionId}/${named.name}`, named)
  }
}

/** Ids of Claude have 36 characters; a longer one costs no memory. */
function short(uuid: string): string {
  return uuid.length > 64 ? sha256Hex(uuid) : uuid
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09)
}

function resultOf(path: unknown, line: number): NamedResult | undefined {
  if (typeof path !== 'string' || path.length > 4096) return undefined
  const [, sessionId = '', name = ''] = /\/([^/]+)\/tool-results\/(.+)$/.exec(path) ?? []
  return isSessionId(sessionId) && name !== '' ? {sessionId, name, line} : undefined
}
