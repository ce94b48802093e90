import {isUtf8} from 'node:buffer'
import {findHints} from './secrets-hints.js'
import {readingsOf} from './secrets-readings.js'
import type {SecretMatch, SecretRules} from './secrets-rules.js'

/** What is looked at before and behind a hint; and how far from one the next region begins: a private key that begins before fits. */
const BEFORE = 4 * 1024
const BEHIND = 16 * 1024
const STEP = 4 * 1024

/** A rule may tell of a match that begins with a secret's name where it ends too early: whatever stands together goes together. */
const GOES_ON = /[A-Za-z0-9+/=_~.%-]*/y

/**
 * Where a line of a transcript holds secrets, in bytes: also those that stand in quoted JSON, escaped several times. Ranges may overlap.
 *
 * @param rules called where there is something to look at alone.
 */
export async function secretPlaces(line: Buffer, rules: () => Promise<SecretRules>): Promise<readonly SecretMatch[]> {
  const places: SecretMatch[] = []
  let done = 0
  for (const hint of findHints(line.toString('latin1'))) {
    if (hint < done) continue
    done = hint + STEP
    const region = wholeCharacters(line, Math.max(0, hint - BEFORE), Math.min(line.length, hint + BEHIND))
    places.push(...(await placesIn(line.subarray(region.from, region.to), region.from, await rules())))
  }
  return places
}

/** A range of bytes, moved so that it begins and ends with whole characters. */
function wholeCharacters(line: Buffer, start: number, end: number): {readonly from: number; readonly to: number} {
  const isInside = (at: number): boolean => at > 0 && at < line.length && ((line[at] ?? 0) & 0xc0) === 0x80
  let [from, to] = [start, end]
  for (let moved = 0; moved < 3 && isInside(from); moved++) from--
  for (let moved = 0; moved < 3 && isInside(to); moved++) to++
  return {from, to}
}

async function placesIn(bytes: Buffer, offset: number, rules: SecretRules): Promise<readonly SecretMatch[]> {
  // What is no text is looked at byte by byte.
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
  const whole = bytes.toString(encoding)
  const byteOf = (index: number): number => offset + Buffer.byteLength(whole.slice(0, index), encoding)
  const places: SecretMatch[] = []
  for (const reading of readingsOf(whole)) {
    const {text} = reading
    for (const {rule, start, end} of await rules(text)) {
      // Some rules say that there is a secret, and not where; what they mean another finds.
      if (start === 0 && end === text.length && text.includes('PRIVATE KEY')) continue
      GOES_ON.lastIndex = end
      const last = end + (GOES_ON.exec(text)?.[0].length ?? 0)
      places.push({rule, start: byteOf(reading.origin(start)), end: byteOf(reading.origin(last))})
    }
  }
  return places
}
