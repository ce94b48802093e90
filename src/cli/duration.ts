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

function sum(text: string): number {
  let total = 0
  for (const {groups} of text.matchAll(STEP)) {
    total += Number(groups?.['amount']) * (UNITS[groups?.['unit'] ?? ''] ?? Number.NaN)
  }
  return Math.round(total)
}
