import {expect, test} from 'vitest'
import {codeBlock, codeSpan, markdownText, plainLine, quoted} from '../../../src/view/export/markdown-text.js'

test.each([
  ['plain', 'plain'],
  ['a < b, <b>c</b>', 'a &lt; b, &lt;b>c&lt;/b>'],
  ['`Array<string>` <b>', '`Array<string>` &lt;b>'],
  // A span that began a line before may end where one seems to begin.
  ['a ` b\nc ` <script> ` d', 'a ` b\nc ` &lt;script> ` d'],
  ['\\`<script>\\`', '\\`&lt;script>\\`'],
  ['![x](https://example.com/x.png)', '!\\[x](https://example.com/x.png)'],
  ['```ts\nlet a: Array<b>', '```ts\nlet a: Array<b>\n```'],
  ['~~~\n```\n<b>\n~~~\n<b>', '~~~\n```\n<b>\n~~~\n&lt;b>'],
  ['\u202Eabc\u001B[31m', 'abc'],
])('%j', (text, markdown) => {
  expect(markdownText(text)).toBe(markdown)
})

test('code cannot leave its block or span', () => {
  expect(codeBlock('a\n````\nb\n')).toBe('`````\na\n````\nb\n`````')
  expect(codeSpan('a ``b`` c\nd')).toBe('``` a ``b`` c d ```')
  expect(plainLine('a [b](c) <i> *d*\n# e')).toBe(String.raw`a \[b\](c) &lt;i> \*d\* \# e`)
  expect(quoted('a\n\nb')).toBe('> a\n>\n> b')
})
