import {createHash} from 'node:crypto'
import {Script} from 'node:vm'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import type {ReadChain} from '../../../../src/inspect/read-chain.js'
import {chained} from '../../../../src/transcript/conversation/chain.js'
import {assembleConversation} from '../../../../src/transcript/conversation/claude/assemble.js'
import {WHOLE} from '../../../../src/transcript/conversation/limits.js'
import {totalsOf} from '../../../../src/transcript/conversation/totals.js'
import {htmlDocument} from '../../../../src/view/export/html/html-document.js'
import {readHtml} from '../../../support/read-html.js'
import {TranscriptLines, transcriptOfText} from '../../../support/transcript-lines.js'

const SESSION = '11111111-2222-4333-8444-555555555555'

async function chainOf(texts: readonly (string | Uint8Array)[], subagent = ''): Promise<ReadChain> {
  const below = await transcriptOfText(subagent, WHOLE, {sessionId: SESSION, subpath: 'subagents/agent-a1'})
  const read = await Promise.all(
    texts.map(async (text) =>
      assembleConversation(await transcriptOfText(text, WHOLE), subagent === '' ? [] : [below]),
    ),
  )
  const conversations = chained(read)
  const sessions = conversations.map((conversation) => ({conversation, place: '/a & b', source: 'local' as const}))
  return {sessions, totals: totalsOf(conversations), missing: []}
}

async function pageOf(...args: Parameters<typeof chainOf>) {
  const html = [...htmlDocument(await chainOf(...args))].join('')
  return {html, ...readHtml(html)}
}

/** Each text at every place where a transcript holds one. */
function everywhere(text: string): string {
  return new TranscriptLines(SESSION)
    .note({type: 'ai-title', aiTitle: text, sessionId: SESSION})
    .note({type: 'custom-title', customTitle: text, sessionId: SESSION})
    .prompt(text, {cwd: text, gitBranch: text, version: text})
    .answer('m1', {type: 'thinking', thinking: text})
    .say('m2', text)
    .call('m3', 'c1', text, {[text]: text, command: text, file_path: text})
    .result('c1', text, {}, true)
    .call('m4', 'c2', 'Edit', {file_path: text, old_string: text, new_string: `${text}!`})
    .result('c2', [
      {type: 'text', text},
      {type: 'image', source: {type: 'base64', media_type: text, data: 'AAAA'}},
    ])
    .call('m5', 'c3', 'Agent', {subagent_type: text, description: text, prompt: text})
    .result('c3', text, {toolUseResult: {agentId: 'a1'}})
    .prompt(`<command-name>${text}</command-name><command-args>${text}</command-args>`)
    .add({type: 'system', subtype: text, content: text})
    .text()
}

const CONTENT_TAGS = new Set(
  'a b code del details div footer h1 h2 h4 i ins li main ol p pre section span strong summary time'.split(' '),
)

const ATTRIBUTES: Readonly<Record<string, RegExp>> = {
  class: /^[a-z ]+$/,
  id: /^(?:contents|t\d+(?:-\d+)?)$/,
  open: /^$/,
  href: /^(?:https?:\/\/|#t\d+(?:-\d+)?$)/,
  rel: /^noopener noreferrer nofollow$/,
}

/** Controls but newlines, what turns the reading order, and halves of characters. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u200B\uFEFF]|\p{Surrogate}/u

const HOSTILE = [
  '<script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '</title></style></pre></code></details></main><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onmouseover='alert(1)",
  '" autofocus onfocus="alert(1)',
  '[click](javascript:alert(1)) javascript:alert(1)',
  'https://example.com/"onclick="alert(1) https://example.com/<b>',
  '<!-- --><![CDATA[x]]><?php ?>',
  '```\n</code></pre><script>alert(1)</script>\n```',
  '`</code><script>` **</strong><script>**',
  '&lt;script&gt; &#60;script&#62; &amp',
  '\u202Egnp.exe\u202C \u2066x\u2069 \u200B \uFEFF',
  '\u001B[31mred\u001B[0m \u001B]8;;http://evil\u0007link \u0000 \u0007',
  '\uD800 lone \uDC00',
  '<base href=//evil><meta http-equiv=refresh content="0;url=//evil"><link rel=stylesheet href=//evil>',
]

describe('whatever a transcript holds', () => {
  test.each([...HOSTILE, HOSTILE.join('\n')])('%j stays text', async (text) => {
    const {tags, raw, html} = await pageOf(
      [everywhere(text)],
      new TranscriptLines(SESSION).prompt(text).say('s', text).text(),
    )
    expect(raw['script']).toHaveLength(1)
    expect(raw['style']).toHaveLength(1)
    const shown = tags.filter(({name, path}) => path[1] === 'body' && !['script', 'header'].includes(name))
    const content = shown.filter(({path}) => !path.includes('header'))
    expect(content.map(({name}) => name).filter((name) => !CONTENT_TAGS.has(name))).toEqual([])
    const attributes = content.flatMap((tag) => Object.entries(tag.attributes))
    expect(attributes.filter(([name, value]) => !ATTRIBUTES[name]?.test(value))).toEqual([])
    expect(html).not.toMatch(UNSEEN)
  })

  test('any text at all', async () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '`',
      '```\n',
      '**',
      '\n',
      '# ',
      'http://a',
      ' ',
      '-->',
      '\u202E',
    )
    const text = fc.array(fc.oneof(piece, fc.string({unit: 'binary', maxLength: 4})), {maxLength: 12})
    await fc.assert(
      fc.asyncProperty(text, async (pieces) => {
        const {raw} = await pageOf([everywhere(pieces.join(''))])
        expect(raw['script']).toHaveLength(1)
      }),
      {numRuns: 150},
    )
  })

  test('bytes that are no UTF-8', async () => {
    const line = Buffer.from(new TranscriptLines(SESSION).prompt('beforeXafter').text())
    line[line.indexOf('X')] = 0xff
    expect((await pageOf([line])).text).toContain('before\uFFFDafter')
  })

  test('what cannot be seen is shown by its number', async () => {
    const {text, html} = await pageOf([new TranscriptLines(SESSION).prompt('a\u202Eb\u0007').text()])
    expect(text).toContain('aU+202EbU+0007')
    expect(html).toContain('<span class="unseen">U+202E</span>')
  })
})

describe('the page', () => {
  test('lets its own style and script run alone, and asks for nothing', async () => {
    const {tags, raw} = await pageOf([everywhere('x')])
    const policy = tags.find(({attributes}) => attributes['http-equiv'])?.attributes['content'] ?? ''
    const hashes = ['style', 'script'].map(
      (name) =>
        `${name}-src 'sha256-${createHash('sha256')
          .update(raw[name]?.[0] ?? '')
          .digest('base64')}'`,
    )
    expect(policy.split('; ')).toEqual(["default-src 'none'", ...hashes, "base-uri 'none'", "form-action 'none'"])
    expect(raw['style']?.[0]).not.toMatch(/url\(|@import|https?:/)
    expect(raw['script']?.[0]).not.toMatch(
      /innerHTML|insertAdjacent|document\.write|eval|Function\(|fetch|XMLHttp|import\(|https?:/,
    )
    expect(() => new Script(raw['script']?.[0] ?? '')).not.toThrow()
    expect(tags.filter(({attributes}) => 'style' in attributes || 'src' in attributes)).toEqual([])
  })

  test('has ids for turns and tools, each once, also over several sessions; the contents lead to them', async () => {
    const lines = new TranscriptLines(SESSION).prompt('one').call('m1', 'c1', 'Bash', {command: 'ls'}).result('c1', 'a')
    const first = lines.text()
    const second = lines.prompt('two').call('m2', 'c2', 'Bash', {command: 'pwd'}).result('c2', '/').text()
    const {tags} = await pageOf([first, second])
    const ids = tags.flatMap(({attributes}) => attributes['id'] ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => /^t\d/.test(id))).toEqual(['t1', 't1-2', 't2', 't2-2'])
    const links = tags.flatMap(({attributes}) => attributes['href'] ?? [])
    expect(links).toEqual(['#t1', '#t2', '#t1', '#t1-2', '#t2', '#t2-2'])
  })

  test('says what was said and done', async () => {
    const {text, html} = await pageOf(
      [
        new TranscriptLines(SESSION)
          .prompt('Fix it.')
          .call('m1', 'c1', 'Edit', {file_path: '/a.ts', old_string: 'old', new_string: 'new'})
          .result('c1', 'done')
          .call('m2', 'c2', 'Agent', {subagent_type: 'Explore', description: 'look', prompt: 'where'})
          .result('c2', 'there', {toolUseResult: {agentId: 'a1'}})
          .say('m3', '# Done\n\nSee `a.ts` and https://example.com/x.\n\n```ts\nlet a: Array<string>\n```')
          .text(),
      ],
      new TranscriptLines(SESSION).prompt('where').say('s1', 'in a.ts').text(),
    )
    expect(html).toContain('<pre class="change"><del>-old</del>\n<ins>+new</ins></pre>')
    expect(html).toContain('<details class="subagent"><summary>Subagent Explore: look</summary>')
    expect(html).toContain('<p class="heading">Done</p>')
    expect(html).toContain(
      '<a href="https://example.com/x" rel="noopener noreferrer nofollow">https://example.com/x</a>.',
    )
    expect(html).toContain('<pre><code>let a: Array&lt;string&gt;</code></pre>')
    expect(text).toMatch(/1 turn, \d answers, 2 tool calls, 1 subagent/)
  })
})
