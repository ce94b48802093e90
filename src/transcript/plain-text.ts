/* oxlint-disable no-control-regex -- control characters are what this file removes */

/** Escape sequences (colours, titles, links), whole ones and what is left of a torn one. */
const escapes =
  /[\u001B\u009B](?:\][^\u0007\u001B]*(?:\u0007|\u001B\\|$)|[PX^_][^\u001B]*(?:\u001B\\|$)|\[?[0-?]*[ -/]*[@-~]?)/g
/** What moves the cursor, or makes text read in another order than it is written. */
const unprintable = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g

/**
 * Text from a transcript, fit for one line of a terminal: no control characters, no escape sequences, white space as single
 * spaces, and at most `limit` code points (the last one is `…` where text was cut).
 */
export function plainText(text: string, limit: number): string {
  const head = text.slice(0, limit * 20)
  const clean = head.replaceAll(escapes, '').replaceAll(unprintable, ' ').replaceAll(/\s+/g, ' ').trim().toWellFormed()
  const points = Array.from(clean)
  return points.length > limit || (points.length > 0 && head.length < text.length)
    ? `${points.slice(0, limit - 1).join('')}…`
    : clean
}
