import {describe, expect, it} from 'vitest'
import {readLines} from '../../src/transcript/lines.js'
import {plainText} from '../../src/transcript/plain-text.js'
import {emptySummary, summarize, titleOf} from '../../src/transcript/summary.js'
import type {TranscriptSummary} from '../../src/transcript/summary.js'

const user = (content: unknown, more: object = {}) => ({type: 'user', message: {role: 'user', content}, ...more})
const assistant = (id: string, model: string) => ({
  type: 'assistant',
  message: {id, model, role: 'assistant', content: []},
})
const jsonl = (...entries: readonly object[]) =>
  Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
const of = (...entries: readonly object[]) => summarize(readLines([jsonl(...entries)]))

const conversation = jsonl(
  {type: 'queue-operation', operation: 'enqueue', timestamp: '2026-01-02T03:04:05.000Z', sessionId: 's'},
  user('<command-name>/clear</command-name>'),
  user('a reminder', {isMeta: true}),
  user(
    [
      {type: 'text', text: '<system-reminder>today</system-reminder>'},
      {type: 'text', text: 'Build the\n\tthing'},
    ],
    {cwd: '/w/a', gitBranch: 'main', version: '2.1.1', timestamp: '2026-01-02T03:04:06.000Z'},
  ),
  assistant('m1', 'model-a'),
  assistant('m1', 'model-a'),
  user([{type: 'tool_result', tool_use_id: 't', content: 'out'}]),
  user('from inside', {isSidechain: true}),
  {...assistant('m9', 'model-z'), isSidechain: true},
  assistant('m2', 'model-b'),
  assistant('m3', '<synthetic>'),
  {type: 'summary', summary: 'An old summary', leafUuid: 'l'},
  {type: 'ai-title', aiTitle: 'A made title', sessionId: 's'},
  {type: 'custom-title', customTitle: 'First', sessionId: 's'},
  {type: 'custom-title', customTitle: 'A \u001b[31mgiven\u001b[0m title', sessionId: 's'},
  user('<task-notification>done</task-notification>'),
  user('And the rest', {cwd: '/w/b', gitBranch: 'topic', version: '2.1.2', timestamp: '2026-01-03T00:00:00+02:00'}),
  {type: 'system', timestamp: '2026-01-01T00:00:00.000Z'},
)

describe('summarize', () => {
  it('tells what a listing shows', async () => {
    expect(await summarize(readLines([conversation]))).toEqual({
      bytes: conversation.length,
      entries: 18,
      userMessages: 2,
      assistantMessages: 3,
      firstPrompt: 'Build the thing',
      customTitle: 'A given title',
      aiTitle: 'A made title',
      summaryTitle: 'An old summary',
      cwd: '/w/b',
      gitBranch: 'topic',
      claudeVersion: '2.1.2',
      model: 'model-b',
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-02T22:00:00.000Z',
      lastMessageId: 'm3',
    })
  })

  it('comes to the same from any byte on, with a state that went through JSON', async () => {
    const whole = await summarize(readLines([conversation]))
    for (let cut = 0; cut <= conversation.length; cut += 37) {
      const first = await summarize(readLines([conversation.subarray(0, cut)]))
      const soFar = JSON.parse(JSON.stringify(first)) as TranscriptSummary
      expect(first.bytes).toBeLessThanOrEqual(cut)
      const rest = readLines([conversation.subarray(first.bytes)], {from: first.bytes})
      expect(await summarize(rest, soFar)).toEqual(whole)
    }
  })

  it('takes the title of a person before that of the model, and that before an old summary', async () => {
    const [given, made, old] = [
      {type: 'custom-title', customTitle: 'given'},
      {type: 'ai-title', aiTitle: 'made'},
      {type: 'summary', summary: 'old'},
    ]
    expect(titleOf(await of(given, made, old))).toBe('given')
    expect(titleOf(await of(old, made))).toBe('made')
    expect(titleOf(await of(old))).toBe('old')
    expect(titleOf(emptySummary)).toBeUndefined()
  })

  it('stays small whatever the transcript holds', async () => {
    const long = 'x'.repeat(1_000_000)
    const summary = await of(user(long, {cwd: `/${long}`, gitBranch: long, version: long}), assistant(long, long), {
      type: 'custom-title',
      customTitle: long,
      timestamp: long,
    })
    expect(JSON.stringify(summary).length).toBeLessThan(8000)
    expect(Array.from(summary.firstPrompt ?? '')).toHaveLength(200)
  })

  it('survives lines that are no entries, and entries of the wrong shape', async () => {
    const bytes = Buffer.concat([
      Buffer.from(
        '\n\r\nnot json\n[1]\n"x"\n\xff\n{"type":"user"}\n{"type":"user","message":{"content":7}}\n',
        'latin1',
      ),
      Buffer.from('{"type":"user","message":{"content":[null,1,"x",{"type":"text","text":5}]}}\n'),
      Buffer.from(
        '{"type":"assistant","message":"x","timestamp":{"a":1},"cwd":[]}\n{"__proto__":{"cwd":"/p"}}\n{"torn',
      ),
    ])
    expect(await summarize(readLines([bytes]))).toEqual({
      bytes: bytes.length - 6,
      entries: 5,
      userMessages: 0,
      assistantMessages: 1,
    })
  })

  it('counts a line that is too long to be looked into', async () => {
    const big = jsonl(user('y'.repeat(9 * 1024 * 1024)))
    expect(await summarize(readLines([big]))).toMatchObject({bytes: big.length, entries: 1, userMessages: 0})
    const passedOver = readLines([big], {maxLineBytes: 10, onTooLong: 'report'})
    expect(await summarize(passedOver)).toMatchObject({bytes: big.length})
  })
})

describe('plainText', () => {
  it.each([
    ['a\u001b[1;31mb\u001b[0mc', 'abc'],
    ['a\u001b]0;title\u0007b', 'ab'],
    ['a\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\b', 'alinkb'],
    ['a\u009b31mb', 'ab'],
    ['a\u001bPpayload\u001b\\b', 'ab'],
    ['a\u001b]0;never ends', 'a'],
    ['a\u0000\b\u007fb\r\n\n c', 'a b c'],
    ['user\u202Etxt.exe', 'user txt.exe'],
    ['lone \ud800 half', 'lone \ufffd half'],
  ])('%j becomes %j', (text, expected) => {
    expect(plainText(text, 200)).toBe(expected)
  })

  it('cuts on a code point', () => {
    expect(plainText('\u{1f680}'.repeat(5), 5)).toBe('\u{1f680}'.repeat(5))
    expect(plainText('\u{1f680}'.repeat(6), 5)).toBe(`${'\u{1f680}'.repeat(4)}\u2026`)
  })
})
