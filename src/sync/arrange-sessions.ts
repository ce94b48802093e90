import type {ListedSession} from './list-sessions.js'

export const SORTS = ['updated', 'created', 'size', 'title'] as const
export type Sort = (typeof SORTS)[number]

export interface Arrangement {
  /** A project key or a cwd, whole or a part of it. */
  readonly project?: string | undefined
  readonly task?: string | undefined
  readonly name?: string | undefined
  readonly machine?: string | undefined
  readonly agent?: string | undefined
  /** ms since the epoch. */
  readonly since?: number | undefined
  /** Case does not count; in title, first prompt, task, name, cwd and id. */
  readonly grep?: string | undefined
  readonly sort?: Sort | undefined
  readonly limit?: number | undefined
}

/** The rows that are asked for, last active first unless told otherwise. Pure. */
export function arrangeSessions(rows: readonly ListedSession[], wanted: Arrangement): readonly ListedSession[] {
  const {project, task, name, machine, agent, since, grep, sort = 'updated', limit} = wanted
  const text = grep?.toLowerCase()
  const kept = rows.filter(
    (row) =>
      (task === undefined || row.task === task) &&
      (name === undefined || row.name === name) &&
      (machine === undefined || row.machine === machine) &&
      (agent === undefined || row.agent === agent) &&
      (since === undefined || Date.parse(row.updatedAt ?? '') >= since) &&
      (project === undefined || row.projectKey.includes(project) || (row.cwd ?? '').includes(project)) &&
      (text === undefined || textOf(row).includes(text)),
  )
  return kept.toSorted((a, b) => compare(a, b, sort) || byId(a, b)).slice(0, limit)
}

function compare(a: ListedSession, b: ListedSession, sort: Sort): number {
  switch (sort) {
    case 'updated':
      return order(b.updatedAt ?? '', a.updatedAt ?? '')
    case 'created':
      return order(b.createdAt ?? '', a.createdAt ?? '')
    case 'size':
      return order(b.bytes ?? 0, a.bytes ?? 0)
    case 'title':
      return order(a.title ?? a.firstPrompt ?? '', b.title ?? b.firstPrompt ?? '')
  }
}

function byId(a: ListedSession, b: ListedSession): number {
  return order(a.sessionId, b.sessionId)
}

function order<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function textOf({title, firstPrompt, task, name, cwd, sessionId}: ListedSession): string {
  return [title, firstPrompt, task, name, cwd, sessionId].join('\n').toLowerCase()
}
