/** An XML document as nested values: arrays repeat their element, undefined is left out. */
export type XmlValue = string | number | boolean | undefined | XmlElement | readonly XmlValue[]
export interface XmlElement {
  readonly [name: string]: XmlValue
}

const ESCAPES: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}

/** Control characters become references as on the real service, although XML 1.0 has no room for most of them. */
function escapeText(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- these characters are the point
    /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g,
    (char) => ESCAPES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  )
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((item: XmlValue) => element(name, item)).join('')
  const content =
    typeof value === 'object'
      ? Object.entries(value as XmlElement)
          .map(([child, inner]) => element(child, inner))
          .join('')
      : escapeText(String(value))
  return `<${name}>${content}</${name}>`
}

export function xmlDocument(name: string, value: XmlElement): string {
  const body = element(name, value).replace(`<${name}>`, `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${body}`
}

/** The error document is the one that has no namespace. */
export function xmlError(value: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', value)}`
}

const ENTITIES: Record<string, string> = {amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"}

function unescapeText(text: string): string {
  return text.replaceAll(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
      if (decimal) return String.fromCodePoint(Number(decimal))
      return ENTITIES[name ?? ''] ?? whole
    },
  )
}

/** The contents of every `<name>` element, outermost ones only. Enough for the three documents that S3 clients send. */
export function elements(document: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([\\s\\S]*?)</${name}>)`, 'g')
  return [...document.matchAll(pattern)].map((match) => match[1] ?? '')
}

export function elementText(document: string, name: string): string | undefined {
  const content = elements(document, name)[0]
  return content === undefined ? undefined : unescapeText(content)
}
