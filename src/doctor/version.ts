/** Whether `version` is `least` or newer; both like `2.1.223`, whatever stands behind the third number. */
export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [numbers(version), numbers(least)]
  for (const [at, number] of b.entries()) {
    const own = a[at] ?? 0
    if (own !== number) return own > number
  }
  return true
}

function numbers(version: string): number[] {
  return version
    .replace(/^v/, '')
    .split('.', 3)
    .map((each) => Number.parseInt(each, 10) || 0)
}
