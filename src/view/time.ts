const STEPS: readonly (readonly [limit: number, size: number, unit: string])[] = [
  [60_000, 1_000, 's'],
  [3_600_000, 60_000, 'm'],
  [86_400_000, 3_600_000, 'h'],
  [30 * 86_400_000, 86_400_000, 'd'],
  [365 * 86_400_000, 30 * 86_400_000, 'mo'],
  [Number.POSITIVE_INFINITY, 365 * 86_400_000, 'y'],
]

/** `8s`, `12m`, `3h`, `6d`: the largest unit only. Negative spans count as nothing. */
export function formatSpan(ms: number): string {
  const span = Math.max(0, ms)
  const step = STEPS.find(([limit]) => span < limit)
  return step ? `${Math.floor(span / step[1])}${step[2]}` : ''
}

/** How long ago `then` was, both in ms since the epoch: `just now`, `3h ago`. A clock that is ahead reads `just now`. */
export function formatAge(then: number, now: number): string {
  const span = now - then
  return span < 10_000 ? 'just now' : `${formatSpan(span)} ago`
}

/** ISO 8601 in UTC, as every time in `--json` is written. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString()
}
