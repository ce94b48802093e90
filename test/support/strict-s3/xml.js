const ESCAPES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}
/** Control characters become references as on the real service, although XML 1.0 has no room for most of them. */
function escapeText(text) {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- these characters are the point
    /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g,
    (char) => ESCAPES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  )
}
function element(name, value) {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('')
  const content =
    typeof value === 'object'
      ? Object.entries(value)
          .map(([child, inner]) => element(child, inner))
          .join('')
      : escapeText(String(value))
  return `<${name}>${content}</${name}>`
}
export function xmlDocument(name, value) {
  const body = element(name, value).replace(`<${name}>`, `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${body}`
}
/** The error document is the one that has no namespace. */
export function xmlError(value) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', value)}`
}
const ENTITIES = {amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"}
function unescapeText(text) {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal) return String.fromCodePoint(Number(decimal))
    return ENTITIES[name ?? ''] ?? whole
  })
}
/** The contents of every `<name>` element, outermost ones only. Enough for the three documents that S3 clients send. */
export function elements(document, name) {
  const pattern = new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([\\s\\S]*?)</${name}>)`, 'g')
  return [...document.matchAll(pattern)].map((match) => match[1] ?? '')
}
export function elementText(document, name) {
  const content = elements(document, name)[0]
  return content === undefined ? undefined : unescapeText(content)
}
