import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {formatBytes} from '../../src/view/bytes.js'
import {sanitizeBlock, sanitizeLine} from '../../src/view/sanitize.js'
import {type Column, renderTable} from '../../src/view/table.js'
import {formatAge, formatSpan, formatTime} from '../../src/view/time.js'
import {displayWidth, truncate} from '../../src/view/width.js'

const FORBIDDEN = /[^\P{Cc}\n]|\p{Surrogate}|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u

describe('sanitize', () => {
  test.for([
    ['plain', 'plain'],
    ['\u001B[31mred\u001B[0m', 'red'],
    ['\u009B31mred', 'red'],
    ['\u001B]0;title\u0007after', 'after'],
    ['\u001B]8;;http://evil\u001B\\link\u001B]8;;\u001B\\', 'link'],
    ['\u001B]52;c;ZXZpbA==\u0007x', 'x'],
    ['\u001BPdcs\u001B\\x', 'x'],
    ['\u001B]0;never closed', ''],
    ['a\u202Etxt.exe', 'atxt.exe'],
    ['a\u0008\u007Fb', 'ab'],
    ['tab\there', 'tab here'],
    ['two\r\nlines', 'two lines'],
    ['zero\u200Bwidth\uFEFF', 'zerowidth'],
    ['\uD83D broken', '\uFFFD broken'],
    ['\uD83D\u200B\uDE00', '\uFFFD\uFFFD'],
    ['日本語 👨‍👩‍👧 é', '日本語 👨‍👩‍👧 é'],
    ['\u001B\u001B[31m[31mx', '[31mx'],
  ] as const)('%j', ([text, clean]) => {
    expect(sanitizeLine(text)).toBe(clean)
  })

  test('a block keeps its lines', () => {
    expect(sanitizeBlock('a\r\nb\rc\n\td\u001B[2J')).toBe('a\nb\nc\n  d')
  })

  const pieces = fc.constantFrom(
    '\u001B',
    '[',
    ']',
    '31m',
    '\u0007',
    '\\',
    '\u009B',
    '\u202E',
    '\uD83D',
    '\uDE00',
    '\r',
    '\n',
    'a',
    '\u200B',
    '\u{E0041}',
    '\uDB40',
  )
  const hostile = fc.oneof(
    fc.array(pieces).map((parts) => parts.join('')),
    fc.string({unit: 'binary'}),
  )

  test('nothing forbidden is left, and cleaning twice changes nothing', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const block = sanitizeBlock(text)
        expect(block).not.toMatch(FORBIDDEN)
        expect(sanitizeBlock(block)).toBe(block)
        const line = sanitizeLine(text)
        expect(line).not.toMatch(FORBIDDEN)
        expect(line).not.toContain('\n')
        expect(sanitizeLine(line)).toBe(line)
      }),
      {numRuns: 2000},
    )
  })
})

describe('width', () => {
  test.for([
    ['', 0],
    ['abc', 3],
    ['日本', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👨‍👩‍👧', 2],
    ['✔', 1],
    ['한글', 4],
    ['ﾊﾝ', 2],
    ['🇩🇪', 2],
  ] as const)('%s takes %i columns', ([text, width]) => {
    expect(displayWidth(text)).toBe(width)
  })

  test('a cut text is never wider than asked, and begins like the whole', () => {
    fc.assert(
      fc.property(fc.string({unit: 'grapheme'}), fc.nat(30), (text, width) => {
        const cut = truncate(text, width)
        expect(displayWidth(cut)).toBeLessThanOrEqual(width)
        expect(text.startsWith(cut.replace(/…$/u, ''))).toBe(true)
      }),
    )
    expect(truncate('日本語', 5)).toBe('日本…')
    expect(truncate('abc', 0)).toBe('')
  })
})

describe('table', () => {
  const columns: Column<{name: string; size: string}>[] = [
    {title: 'NAME', value: (row) => row.name, shrinkTo: 6},
    {title: 'SIZE', value: (row) => row.size, align: 'right'},
  ]

  test('columns stand under each other, wide characters too', () => {
    const rows = [
      {name: '日本', size: '9 B'},
      {name: 'plain', size: '140 KiB'},
    ]
    expect(renderTable(columns, rows, 80)).toBe('NAME      SIZE\n日本       9 B\nplain  140 KiB\n')
  })

  test('what may shrink does, what may not stays whole', () => {
    const rows = [{name: 'a very long name indeed', size: '12345678'}]
    expect(renderTable(columns, rows, 20)).toBe('NAME            SIZE\na very lo…  12345678\n')
    expect(renderTable(columns, rows, 5)).toBe('NAME        SIZE\na ver…  12345678\n')
    expect(renderTable(columns, rows, Number.POSITIVE_INFINITY)).toContain('a very long name indeed')
  })

  test('a hostile cell stays in its cell', () => {
    const rows = [{name: 'x\u001B[2J\ny', size: '1'}]
    expect(renderTable(columns, rows, 80)).toBe('NAME  SIZE\nx y      1\n')
  })
})

test.for([
  [0, '0 B'],
  [981, '981 B'],
  [1000, '1.0 KiB'],
  [1434, '1.4 KiB'],
  [143_360, '140 KiB'],
  [1024 * 1023, '1.0 MiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
] as const)('%i bytes read %s', ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('times', () => {
  expect(formatAge(0, 9_000)).toBe('just now')
  expect(formatAge(10_000, 0)).toBe('just now')
  expect(formatAge(0, 3 * 3_600_000 + 5)).toBe('3h ago')
  expect([59_000, 3_599_000, 86_399_000, 40 * 86_400_000, 800 * 86_400_000].map(formatSpan)).toEqual([
    '59s',
    '59m',
    '23h',
    '1mo',
    '2y',
  ])
  expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z')
})
