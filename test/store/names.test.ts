import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {sha256Hex} from '../../src/base/hash.js'
import {
  chainDigits,
  filesPrefix,
  formatPartName,
  homeKeyOf,
  isSafeSegment,
  isSafeSubpath,
  journalPrefix,
  latePrefix,
  leaseKeyOf,
  parsePartName,
  sessionPrefix,
  summaryKeyOf,
  transcriptPrefix,
} from '../../src/store/names.js'

const ID = '11111111-2222-4333-8444-555555555555'
const REF = {homeKey: '-home-me', sessionId: ID}

test('keys are those of the format document', () => {
  const subpath = 'subagents/deep/agent-7'
  expect({
    session: sessionPrefix(REF),
    main: transcriptPrefix(REF),
    agent: transcriptPrefix({...REF, subpath}),
    journal: journalPrefix({...REF, subpath}),
    late: latePrefix(REF),
    home: homeKeyOf(ID),
    lease: leaseKeyOf(ID),
    summary: summaryKeyOf(ID),
    files: filesPrefix(ID),
  }).toEqual({
    session: `-home-me/${ID}/`,
    main: `-home-me/${ID}/`,
    agent: `-home-me/${ID}/subagents/deep/agent-7/`,
    journal: `.reprise/rebase/${ID}/subagents/deep/agent-7/`,
    late: `.reprise/late/${ID}/`,
    home: `.reprise/home/${ID}`,
    lease: `.reprise/leases/${ID}.json`,
    summary: `.reprise/sessions/${ID}.json`,
    files: `.reprise/files/${ID}/`,
  })
})

test.each([
  ['part-1700000000000-0a1b2c.jsonl', {ms: 1_700_000_000_000, digits: '0a1b2c'}],
  ['part-0000000000001-000000.jsonl', {ms: 1, digits: '000000'}],
  ['part-1700000000000-0A1B2C.jsonl', undefined],
  ['part-170000000000-0a1b2c.jsonl', undefined],
  ['part-17000000000000-0a1b2c.jsonl', undefined],
  ['part-1700000000000-0a1b2c.json', undefined],
  ['xpart-1700000000000-0a1b2c.jsonl', undefined],
  ['part-1700000000000-0a1b2c.jsonl\n', undefined],
  ['', undefined],
])('the name %j means %j', (name, parsed) => {
  expect(parsePartName(name)).toEqual(parsed)
})

test('a name is read as it was written', () => {
  fc.assert(
    fc.property(fc.integer({min: 0, max: 9_999_999_999_999}), fc.integer({min: 0, max: 0xffffff}), (ms, number) => {
      const digits = number.toString(16).padStart(6, '0')
      expect(parsePartName(formatPartName({ms, digits}))).toEqual({ms, digits})
    }),
  )
})

test('digits bind the transcript and the beginning of the part', () => {
  const after = sha256Hex('hello')
  expect(chainDigits(after, 7)).toBe(sha256Hex(`${after}:7`).slice(0, 6))
  expect(chainDigits(after, 8)).not.toBe(chainDigits(after, 7))
})

describe('what cannot be part of a key', () => {
  const bad = [
    '',
    '.',
    '..',
    'a/b',
    '/a',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\u007f',
    '\ud800',
    'x'.repeat(256),
    'é'.repeat(128),
  ]

  test.each(bad)('%j as a segment', (text) => {
    expect(isSafeSegment(text)).toBe(false)
    expect(() => sessionPrefix({...REF, homeKey: text})).toThrow(expect.objectContaining({code: 'UNSAFE_KEY'}) as Error)
    expect(() => leaseKeyOf(text)).toThrow(expect.objectContaining({code: 'UNSAFE_KEY'}) as Error)
  })

  test.each(['', '/', 'a/', '/a', 'a//b', '../a', 'a/../b', 'a/.', 'C:/x', 'a/C:', 'a\\b', 'a/\0'])(
    '%j as a subpath',
    (text) => {
      expect(isSafeSubpath(text)).toBe(false)
      const ref = {...REF, subpath: text}
      expect(() => transcriptPrefix(ref)).toThrow(expect.objectContaining({code: 'UNSAFE_KEY'}) as Error)
    },
  )

  test.each(['a', '-home-me', 'agent-1.x', '...', 'é'.repeat(127), ' ', 'a:b'])('%j is fine', (text) => {
    expect(isSafeSegment(text)).toBe(true)
    expect(sessionPrefix({...REF, homeKey: text})).toBe(`${text}/${ID}/`)
  })
})
