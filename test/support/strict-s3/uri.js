import {S3Error} from './errors.js'
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.", {elements: {URI: text}})
  }
}
export function parseTarget(target) {
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
        return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))]
      }),
  }
}
/** RFC 3986 encoding as Signature Version 4 wants it; `encodeURIComponent` leaves five characters too many alone. */
export function uriEncode(text) {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
export const uriEncodePath = (path) => path.split('/').map(uriEncode).join('/')
/** The encoding of keys in answers with `encoding-type=url`: slashes stay, a space becomes a plus. */
export const listingEncode = (key) => uriEncodePath(key).replaceAll('%20', '+').replaceAll('%2A', '*')
