/** What the name of a rollout file says. */
export interface RolloutName {
  /** The thread's id: what `codex resume` takes. */
  readonly sessionId: string
  /** `YYYY`, `MM`, `DD`, by the clock and time zone of the machine that wrote it. */
  readonly day: readonly [string, string, string]
  /** The file holds zstandard frames (`.jsonl.zst`). */
  readonly compressed: boolean
}

const NAME =
  /^rollout-(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})-(\d{2})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(\.zst)?$/i

/** @returns undefined for a name that Codex would not give: it resumes from such names alone. */
export function parseRolloutName(name: string): RolloutName | undefined {
  const [, year, month, day, hour, minute, second, sessionId, zst] = NAME.exec(name) ?? []
  if (year === undefined || month === undefined || day === undefined || sessionId === undefined) return undefined
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  // The 31st of February is no day: it comes out as another one.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(8, 10) !== day) return undefined
  return {sessionId: sessionId.toLowerCase(), day: [year, month, day], compressed: zst !== undefined}
}

/** Where Codex keeps it, below its home, with `/`; what was compressed lies there as it was before. */
export function rolloutPath(name: string, {day}: Pick<RolloutName, 'day'>): string {
  return ['sessions', ...day, name.replace(/\.zst$/, '')].join('/')
}
