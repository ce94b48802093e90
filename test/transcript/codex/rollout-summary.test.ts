import {describe, expect, test} from 'vitest'
import {summarizeRollout} from '../../../src/transcript/codex/rollout-summary.js'
import {readSessionIndex} from '../../../src/transcript/codex/session-index.js'
import {readLines} from '../../../src/transcript/lines.js'
import {FORK, rollout, THREAD} from '../../layouts/support/rollouts.js'

const summaryOf = (text: string) => summarizeRollout(readLines([Buffer.from(text)]))

describe('the summary of a rollout', () => {
  test('has what people said, not what Codex told the model', async () => {
    expect(await summaryOf(rollout({turns: 3}))).toEqual({
      bytes: rollout({turns: 3}).length,
      items: 17,
      userMessages: 3,
      assistantMessages: 3,
      sessionId: THREAD,
      firstPrompt: 'mend the shop',
      cwd: '/code/shop',
      branch: 'main',
      commit: '0123456789abcdef',
      model: 'test-model',
      codexVersion: '0.169.0',
      createdAt: '2026-03-04T05:06:07.000Z',
      updatedAt: '2026-03-04T05:06:23.000Z',
    })
  })

  test('of a fork names what it rests on; the line of the other that an older fork copied does not count', async () => {
    const base = {sessionId: THREAD, bytes: 4711}
    const fork = rollout({sessionId: FORK, base})
    expect((await summaryOf(fork + rollout({cwd: '/else'}))).base).toEqual(base)
    expect(await summaryOf(fork + rollout({cwd: '/else'}))).toMatchObject({sessionId: FORK, branch: 'main'})
  })

  test('reads what versions before payloads wrote', async () => {
    const lines = [
      {id: THREAD, timestamp: '2025-05-06T07:08:09Z', instructions: null, git: {branch: 'old'}},
      {type: 'message', role: 'user', content: [{type: 'input_text', text: 'an old question'}]},
      {type: 'message', role: 'assistant', content: [{type: 'output_text', text: 'an old answer'}]},
    ]
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    expect(await summaryOf(text)).toMatchObject({
      sessionId: THREAD,
      branch: 'old',
      firstPrompt: 'an old question',
      userMessages: 1,
      assistantMessages: 1,
      createdAt: '2025-05-06T07:08:09.000Z',
    })
  })

  test.each([
    ['no JSON', '{"type":\n'],
    ['nesting without end', `${'['.repeat(100_000)}\n`],
    ['a payload that is none', '{"type":"session_meta","payload":7}\n{"type":"response_item","payload":[]}\n'],
    ['fields of other kinds', '{"type":"session_meta","payload":{"id":7,"cwd":{},"git":"x","history_base":[1]}}\n'],
    [
      'a base that leads elsewhere',
      `{"type":"session_meta","payload":{"id":"${THREAD}","history_base":{"thread_id":"../../x","end_byte_offset":-1}}}\n`,
    ],
    ['a message without content', '{"type":"response_item","payload":{"type":"message","role":"user"}}\n'],
    ['bytes that are no text', '\u0000\u001b]0;title\u0007\n'],
  ])('passes over %s', async (_, hostile) => {
    const summary = await summaryOf(hostile + rollout())
    expect(summary).toMatchObject({firstPrompt: 'mend the shop', userMessages: 1})
    expect(summary.base).toBeUndefined()
  })

  test('a torn tail is not counted', async () => {
    const whole = await summaryOf(rollout())
    expect(await summaryOf(`${rollout()}{"type":"respon`)).toEqual(whole)
  })
})

function line(fields: object): string {
  return `${JSON.stringify(fields)}\n`
}

test('the last name in the index counts, and lines that are none are passed over', async () => {
  const text =
    line({id: THREAD, thread_name: 'first', updated_at: 'x'}) +
    'garbage\n' +
    line({id: 'no-id', thread_name: 'x'}) +
    line({id: FORK, thread_name: 7}) +
    line({id: THREAD, thread_name: 'sec\u001b[31mond'})
  expect(await readSessionIndex(readLines([Buffer.from(text)]))).toEqual(new Map([[THREAD, 'second']]))
})
