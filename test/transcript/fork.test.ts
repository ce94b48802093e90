import {expect, it} from 'vitest'
import {forkLines, withSessionId} from '../../src/transcript/fork.js'
import {readLines} from '../../src/transcript/lines.js'

const newId = '99999999-9999-4999-8999-999999999999'
const forked = (line: string) => Buffer.from(withSessionId(Buffer.from(line, 'latin1'), newId)).toString('latin1')

it.each([
  ['{"sessionId":"old","uuid":"u"}\n', `{"sessionId":"${newId}","uuid":"u"}\n`],
  [
    '{ "a" : [1, {"sessionId":"old"}] ,"sessionId" : "old" }\r\n',
    `{ "a" : [1, {"sessionId":"old"}] ,"sessionId" : "${newId}" }\r\n`,
  ],
  [
    '{"message":{"sessionId":"inner"},"sessionId":"o\\"l,d"}',
    `{"message":{"sessionId":"inner"},"sessionId":"${newId}"}`,
  ],
  [
    '{"text":"\\"sessionId\\":\\"old\\"","x":"sessionId","sessionId":"old"}',
    `{"text":"\\"sessionId\\":\\"old\\"","x":"sessionId","sessionId":"${newId}"}`,
  ],
  ['{"sessionId":"a","sessionId":"b"}', `{"sessionId":"${newId}","sessionId":"${newId}"}`],
  ['{"n":1.50,"e":"\\u00e9\xff","sessionId":"old"}', `{"n":1.50,"e":"\\u00e9\xff","sessionId":"${newId}"}`],
])('changes the top-level sessionId and no other byte: %j', (line, expected) => {
  expect(forked(line)).toBe(expected)
})

it.each([
  '{"message":{"sessionId":"inner"}}\n',
  '{"sessionId":7}\n',
  '{"sessionId":{"sessionId":"inner"}}\n',
  '{"sessionId":["sessionId","inner"]}\n',
  '["sessionId","old"]\n',
  '{"sessionId":"old"\n',
  '\n',
  '',
])('leaves a line without one as it is: %j', (line) => {
  expect(forked(line)).toBe(line)
})

it('survives hostile nesting', () => {
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
  expect(forked(`{"d":${deep},"sessionId":"old"}`)).toBe(`{"d":${deep},"sessionId":"${newId}"}`)
})

it('forks whole lines, drops the torn tail, and refuses a line that the reader passed over', async () => {
  const bytes = Buffer.from('{"sessionId":"old"}\n{"type":"x"}\n{"sessionId":"old","torn')
  const out: Uint8Array[] = []
  for await (const line of forkLines(readLines([bytes]), newId)) out.push(line)
  expect(Buffer.concat(out).toString()).toBe(`{"sessionId":"${newId}"}\n{"type":"x"}\n`)
  const withHole = forkLines(readLines([bytes], {maxLineBytes: 15, onTooLong: 'report'}), newId)
  await expect(withHole.next()).rejects.toMatchObject({code: 'LINE_TOO_LONG', details: {offset: 0}})
})
