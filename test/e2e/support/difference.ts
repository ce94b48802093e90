/**
 * Where two transcripts differ, in a few words; empty when they are the same. For `expect(…).toBe('')`: what is in them is long, and
 * not for a log.
 */
export function difference(actual: readonly string[], expected: readonly string[]): string {
  const at = Array.from({length: Math.max(actual.length, expected.length)}, (_, line) => line).find(
    (line) => actual[line] !== expected[line],
  )
  if (at === undefined) return ''
  return `line ${at} of ${actual.length}, ${expected.length} expected: ${brief(actual[at])} for ${brief(expected[at])}`
}

function brief(line: string | undefined): string {
  return line?.slice(0, 80) ?? 'nothing'
}

/** The same for two copies of a session. */
export function differenceOfFiles(
  actual: ReadonlyMap<string, Uint8Array>,
  expected: ReadonlyMap<string, Uint8Array>,
): string {
  const names = [...new Set([...actual.keys(), ...expected.keys()])]
  const differ = names.filter((name) => {
    const [a, b] = [actual.get(name), expected.get(name)]
    return !a || !b || !Buffer.from(a).equals(b)
  })
  return differ
    .map((name) => `${name}: ${actual.get(name)?.length ?? 'no'} bytes for ${expected.get(name)?.length ?? 'no'}`)
    .join('; ')
}
