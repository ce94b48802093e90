/**
 * Whether a value from JSON is nested no deeper than `levels`. `JSON.parse` takes any depth, `JSON.stringify` and most other walks end
 * the stack: records of others that are to be written again, or handed to such a walk, are asked first.
 */
export function isShallow(value: unknown, levels: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((each): unknown[] => (typeof each === 'object' && each !== null ? Object.values(each) : []))
    if (level.length === 0) return true
  }
  return false
}
