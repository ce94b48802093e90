/* oxlint-disable no-control-regex -- control characters are what this file takes out */

/**
 * Text from a transcript or a store is written by others: an escape sequence in a title could rewrite the screen, set the
 * clipboard or fake a prompt, and a bidi control could show a path backwards. Nothing of theirs is printed without this.
 */

// In one pass, as a terminal reads: OSC, DCS, SOS, PM and APC from the introducer to BEL or ST (to the end where the
// terminator is missing), then CSI, then all other escapes.
const ESCAPES =
  /(?:\u001B[\]PX^_]|[\u009D\u0090\u0098\u009E\u009F])[\s\S]*?(?:\u0007|\u001B\\|\u009C|$)|(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]?|\u001B[ -/]*[0-~]?/gu
// Bidi embeddings, overrides, isolates and marks; zero-width and line-separator characters that hide or break text; tags.
const INVISIBLE =
  /[\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu
const CONTROLS_BUT_LINES = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/gu
// First of all: taking something out between two halves must not make a character of them.
const LONE_SURROGATE = /\p{Surrogate}/gu

function strip(text: string): string {
  return text.replaceAll(LONE_SURROGATE, '\uFFFD').replaceAll(ESCAPES, '').replaceAll(INVISIBLE, '')
}

/** Several lines: newlines stay (CRLF and CR become LF), a tab becomes two spaces. Idempotent. */
export function sanitizeBlock(text: string): string {
  return strip(text).replaceAll(/\r\n?/gu, '\n').replaceAll('\t', '  ').replaceAll(CONTROLS_BUT_LINES, '')
}

/** One line for a table or a message: every run of white space becomes one space. Idempotent. */
export function sanitizeLine(text: string): string {
  return sanitizeBlock(text).replaceAll(/\s+/gu, ' ').trim()
}

const RAW_IN_JSON = /[\u007F-\u009F]/gu

/**
 * JSON with everything escaped that a terminal obeys or a reader does not see, also what JSON itself leaves raw: the characters
 * that the functions above take out. The value stays the same.
 */
export function escapeJson(json: string): string {
  return json.replaceAll(RAW_IN_JSON, escaped).replaceAll(INVISIBLE, escaped)
}

function escaped(text: string): string {
  return Array.from({length: text.length}, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
    '',
  )
}
