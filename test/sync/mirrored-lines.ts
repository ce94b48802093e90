import type {SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'

/** What one turn of a conversation leaves. */
export interface Turn {
  readonly messages: number
  /** Entries without a `uuid`, all equal. */
  readonly bookkeeping: number
  /** Claude's own file has lines besides that the SDK never mirrors. */
  readonly unmirrored: boolean
  /** An entry without a `uuid` that is the same in every turn of every claude. */
  readonly latch?: boolean
  /** A subagent takes part. */
  readonly subagent: boolean
}

/** How often each line is there. */
export type Counts = Map<string, number>

export function counted(lines: readonly string[]): Counts {
  const counts: Counts = new Map()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

/** Entries with a `uuid` whose parent stands nowhere before them. */
export function orphans(lines: readonly string[]): string[] {
  const seen = new Set<unknown>([null])
  return lines.filter((line) => {
    const {uuid, parentUuid} = JSON.parse(line) as {uuid?: string; parentUuid?: string | null}
    if (uuid === undefined) return false
    const isOrphan = !seen.has(parentUuid)
    seen.add(uuid)
    return isOrphan
  })
}

/** As claude's file has them. */
export function turnLines(id: string, head: string | undefined, turn: Omit<Turn, 'subagent'>): string[] {
  const {messages, bookkeeping, unmirrored, latch = false} = turn
  const lines: object[] = latch ? [{type: 'atis-latch'}] : []
  let parentUuid = head ?? null
  for (let index = 0; index < Math.max(messages, bookkeeping); index++) {
    const uuid = `${id}-${index}`
    if (index < messages) {
      lines.push({type: index % 2 === 0 ? 'user' : 'assistant', uuid, parentUuid})
      parentUuid = uuid
    }
    if (index < bookkeeping) lines.push({type: 'last-prompt', turn: id})
  }
  const around = (type: string): object[] => (unmirrored ? [{type, turn: id}] : [])
  const all = [...around('api-request'), ...lines, ...around('api-request-blob')]
  return all.map((line) => `${JSON.stringify(line)}\n`)
}

export const mirroredLines = (lines: readonly string[]): string[] =>
  lines.filter((line) => !line.includes('api-request'))

export const mirrored = (lines: readonly string[]): SessionStoreEntry[] =>
  mirroredLines(lines).map((line) => JSON.parse(line) as SessionStoreEntry)

export const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter((line) => line !== '')

export function headOf(lines: readonly string[]): string | undefined {
  for (const line of lines.toReversed()) {
    const {uuid} = JSON.parse(line) as {uuid?: string}
    if (uuid !== undefined) return uuid
  }
  return undefined
}

export function messagesBeyond(lines: readonly string[], others: readonly string[]): number {
  const known = new Set(others)
  return lines.filter((line) => line.includes('"uuid"') && !known.has(line)).length
}

export function unionOfCounts(one: Counts, other: Counts): Counts {
  const lines = [...new Set([...one.keys(), ...other.keys()])]
  return new Map(lines.map((line) => [line, Math.max(one.get(line) ?? 0, other.get(line) ?? 0)]))
}
