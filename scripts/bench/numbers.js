/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {number} value */
export function rounded(value) {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100
}

export const KIB = 1024
export const MIB = 1024 * 1024
export const MB = 1_000_000
