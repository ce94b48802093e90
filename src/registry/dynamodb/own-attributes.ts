/*
 * Attributes of ours beside the key and the session (docs/registry.md). All begin alike, so that none is ever one that a fleet has in
 * its table already; `session_id`, which some have for a session of another kind, is not among them.
 */

/** What an item is to us: `task`, `name`, `lease`, `chain`. */
export const KIND = 'reprise_kind'
/** Of the format of our attributes. */
export const VERSION = 'reprise_version'
/** A digest of what was written: changes with it. */
export const REVISION = 'reprise_revision'
/** In a `chain` item: keys of the entries whose chain may hold the session. */
export const ENTRIES = 'reprise_entries'
/** Epoch seconds after which the service may drop an item. Not ours alone: a value that we did not write stays. */
export const TTL = 'ttl'
/** What we last wrote there. */
export const OWN_TTL = 'reprise_ttl'

export const FORMAT = 1

/** `homeKey` → `reprise_home_key` */
export function attributeOf(member: string): string {
  return `reprise_${member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}
