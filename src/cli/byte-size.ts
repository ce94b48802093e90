const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/**
 * Reads `500MB`, `1.5GiB`, `5GB`; a number alone is bytes.
 *
 * @returns whole bytes; undefined for what is no size, or nothing at all.
 */
export function parseByteSize(text: string): number | undefined {
  const {amount, unit} = /^(?<amount>\d+(?:\.\d+)?) ?(?<unit>[a-z]*)$/iu.exec(text.trim())?.groups ?? {}
  const bytes = Math.round(Number(amount) * (UNITS[unit?.toLowerCase() ?? ''] ?? Number.NaN))
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}
