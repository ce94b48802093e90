import {S3Error} from './errors.js'

/** A request target taken apart without the URL class, which would resolve `.` and `..` that are legal in keys. */
export interface Target {
  /** Decoded, begins with `/`. */
  readonly path: string
  /** Decoded, in the order sent. */
  readonly query: readonly (readonly [string, string])[]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.", {elements: {URI: text}})
  }
}

export function parseTarget(target: string): Target {
  const mark = target.indexOf('?')
  const path = decode(mark === -1 ? target : target.slice(0, mark))
  const query = mark === -1 ? '' : target.slice(mark + 1)
  return {
    path,
    query: query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const equals = pair.indexOf('=')
        const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
        return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))] as const
      }),
  }
}

/** RFC 3986 encoding as Signature Version 4 wants it; `encodeURIComponent` leaves five characters too many alone. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

export const uriEncodePath = (path: string): string => path.split('/').map(uriEncode).join('/')

/** The encoding of keys in answers with `encoding-type=url`: slashes stay, a space becomes a plus. */
export const listingEncode = (key: string): string => uriEncodePath(key).replaceAll('%20', '+').replaceAll('%2A', '*')
