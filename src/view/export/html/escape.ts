/* oxlint-disable no-control-regex -- control characters are what this file makes harmless */

const LONE_SURROGATE = /\p{Surrogate}/gu
/** Colours of terminals: nothing is lost without them. */
const COLORS = /(?:\u001B\[|\u009B)[\d;:]*m/gu
const SPECIAL = /[&<>"'`]/gu
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}
/** Controls but tab and newline, and what turns the reading order, hides, or breaks lines without a trace. */
const UNSEEN =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu

/** Text, for between tags: it is shown as it is, and what could not be seen is shown by its number. */
export function escapeHtml(text: string): string {
  return plain(text).replaceAll(UNSEEN, (found) => `<span class="unseen">${numberOf(found)}</span>`)
}

/** Text for an attribute's value in quotes, or for what takes no tags: a title, an option. */
export function escapeAttribute(text: string): string {
  return plain(text).replaceAll(UNSEEN, numberOf)
}

function plain(text: string): string {
  return text
    .replaceAll(LONE_SURROGATE, '\uFFFD')
    .replaceAll(COLORS, '')
    .replaceAll(/\r\n?/gu, '\n')
    .replaceAll(SPECIAL, (found) => ENTITIES[found] ?? '')
}

/** `U+202E`. */
function numberOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
