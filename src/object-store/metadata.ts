import {storeError} from './errors.js'

/** S3's limit on user metadata, names and values together, in bytes. */
export const METADATA_LIMIT = 2048

/**
 * Refuses metadata that some server would lose or change on its way: it travels in HTTP headers.
 *
 * @throws METADATA_INVALID for names other than lower-case tokens, for values that are empty, not printable ASCII or padded
 *   with spaces, and for more than {@link METADATA_LIMIT} bytes in all.
 */
export function checkMetadata(metadata: Readonly<Record<string, string>> | undefined): void {
  let size = 0
  for (const [name, value] of Object.entries(metadata ?? {})) {
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
      throw storeError('METADATA_INVALID', `Metadata name ${JSON.stringify(name)} is not a lower-case ASCII token.`)
    }
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
      throw storeError('METADATA_INVALID', `Metadata value of '${name}' is empty, padded or not printable ASCII.`)
    }
    size += name.length + value.length
  }
  if (size > METADATA_LIMIT) {
    throw storeError('METADATA_INVALID', `Metadata takes ${size} bytes; a store keeps ${METADATA_LIMIT}.`)
  }
}
