/** An element's beginning, as it stands in a page. */
export interface HtmlTag {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** Of the elements that it stands in, the outermost first. */
  readonly path: readonly string[]
}

export interface HtmlPage {
  readonly tags: readonly HtmlTag[]
  /** Of `style` and `script`, raw. */
  readonly raw: Readonly<Record<string, readonly string[]>>
  /** All other text, with its entities read. */
  readonly text: string
}

const TAG = /<(?<close>\/)?(?<name>[a-z][a-z0-9]*)(?<attributes>(?: [a-z-]+(?:="[^"<>]*")?)*)>/y
const VOID = new Set(['meta', 'input'])
const RAW = new Set(['style', 'script'])
const ENTITIES: Readonly<Record<string, string>> = {amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`'}

/**
 * Reads a page of ours, more strictly than any browser: each `<` begins a tag in lower case with quoted attributes, each element is
 * closed in its turn, each `&` is an entity of five. What passes means the same to every parser.
 */
export function readHtml(html: string): HtmlPage {
  const doctype = '<!doctype html>\n'
  if (!html.startsWith(doctype)) throw new Error('no doctype')
  const tags: HtmlTag[] = []
  const raw: Record<string, string[]> = {}
  const open: string[] = []
  let text = ''
  for (let at = doctype.length; at < html.length;) {
    const next = html.indexOf('<', at)
    text += unescape(html.slice(at, next === -1 ? html.length : next))
    if (next === -1) break
    TAG.lastIndex = next
    const {groups, 0: found} = TAG.exec(html) ?? {0: ''}
    if (!groups) throw new Error(`no tag: ${html.slice(next, next + 80)}`)
    const name = groups['name'] ?? ''
    at = next + found.length
    if (groups['close']) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another element, at ${html.slice(next - 80, at)}`)
      continue
    }
    tags.push({name, attributes: attributesOf(groups['attributes'] ?? ''), path: [...open]})
    if (VOID.has(name)) continue
    open.push(name)
    if (!RAW.has(name)) continue
    const end = html.indexOf(`</${name}`, at)
    raw[name] = [...(raw[name] ?? []), html.slice(at, end)]
    at = end
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`)
  return {tags, raw, text}
}

function attributesOf(text: string): Record<string, string> {
  const found = [...text.matchAll(/ (?<name>[a-z-]+)(?:="(?<value>[^"]*)")?/g)]
  return Object.fromEntries(found.map(({groups}) => [groups?.['name'], unescape(groups?.['value'] ?? '')]))
}

function unescape(text: string): string {
  return text.replaceAll(/&(?:(?<name>amp|lt|gt|quot|#39|#96);)?/g, (found, name: string | undefined) => {
    if (name === undefined) throw new Error(`no entity: ${found}`)
    return ENTITIES[name] ?? ''
  })
}
