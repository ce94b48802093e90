import {RepriseError} from '../base/errors.js'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/u
const STEP = /(?<amount>\d+(?:\.\d+)?)(?<unit>ms|[smhdw])/gu

/**
 * Reads `8s`, `2m`, `7d`, `1h30m`, `500ms`; `0` needs no unit.
 *
 * @param source names where the text came from, for the error: `--timeout`, `REPRISE_TIMEOUT`.
 * @returns whole milliseconds.
 * @throws DURATION_INVALID (usage).
 */
export function parseDuration(text: string, source: string): number {
  const trimmed = text.trim()
  if (trimmed === '0') return 0
  const total = WHOLE.test(trimmed) ? sum(trimmed) : Number.NaN
  if (Number.isSafeInteger(total)) return total
  throw new RepriseError({
    kind: 'usage',
    code: 'DURATION_INVALID',
    message: `${source}: ${JSON.stringify(text)} is no duration.`,
    suggestions: ['Write a number with a unit, for example 8s, 2m, 7d or 1h30m.'],
  })
}

/** What the system's timers can wait; a longer one would be over at once. */
const LONGEST_WAIT = 2_147_483_647

/**
 * A duration that something waits for.
 *
 * @param least in ms. Where nothing can be done in no time, more than 0.
 * @throws DURATION_INVALID (usage), also for one that is shorter, or longer than 24 days.
 */
export function parseWait(text: string, source: string, least = 0): number {
  const ms = parseDuration(text, source)
  if (ms >= least && ms <= LONGEST_WAIT) return ms
  throw new RepriseError({
    kind: 'usage',
    code: 'DURATION_INVALID',
    message: `${source}: ${JSON.stringify(text)} is too ${ms < least ? 'short' : 'long'}.`,
    suggestions: [`Give it from ${least}ms to 24d.`],
  })
}

function sum(text: string): number {
  let total = 0
  for (const {groups} of text.matchAll(STEP)) {
    total += Number(groups?.['amount']) * (UNITS[groups?.['unit'] ?? ''] ?? Number.NaN)
  }
  return Math.round(total)
}
