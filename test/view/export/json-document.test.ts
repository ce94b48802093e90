import {expect, test} from 'vitest'
import {totalsOf} from '../../../src/transcript/conversation/totals.js'
import {jsonDocument} from '../../../src/view/export/json-document.js'
import {conversationOf, TranscriptLines} from '../../support/transcript-lines.js'

test('a document of a session, each message on a line of its own, nothing in it that a terminal obeys', async () => {
  const lines = new TranscriptLines()
    .prompt('Fix \u202Eit\u009B.', {cwd: '/code'})
    .call('m1', 'c1', 'Bash', {command: 'ls'})
    .result('c1', 'cart.ts')
    .say('m2', 'Done.')
  const conversation = await conversationOf(lines.text())
  const sessions = [{conversation, place: '/here', source: 'local' as const}]
  const text = [...jsonDocument({sessions, totals: totalsOf([conversation]), missing: []})].join('')
  expect(JSON.parse(text)).toMatchObject({
    version: 1,
    messages: [{content: 'Fix \u202Eit\u009B.'}, {}, {content: 'Done.'}],
  })
  expect(text).toMatchInlineSnapshot(`
    "{"version":1,
    "sessions":[
    {"sessionId":"11111111-2222-4333-8444-555555555555","agent":"claude","cwd":"/code","startedAt":"2026-11-21T12:00:01.000Z","endedAt":"2026-11-21T12:00:04.000Z","contextTokens":111,"branchesBeside":0,"lines":{"entries":4,"unreadable":0,"tooLong":0},"place":"/here","source":"local"}],
    "messages":[
    {"role":"user","content":"Fix \\u202eit\\u009b.","timestamp":"2026-11-21T12:00:01.000Z","sessionId":"11111111-2222-4333-8444-555555555555","id":"00000000-0000-4000-8000-000000000001#0"},
    {"role":"assistant","content":"","timestamp":"2026-11-21T12:00:02.000Z","sessionId":"11111111-2222-4333-8444-555555555555","id":"m1","model":"claude-test-1","toolCalls":[{"id":"c1","name":"Bash","input":{"command":"ls"},"result":{"content":"cart.ts","isError":false}}]},
    {"role":"assistant","content":"Done.","timestamp":"2026-11-21T12:00:04.000Z","sessionId":"11111111-2222-4333-8444-555555555555","id":"m2","model":"claude-test-1"}],
    "subagents":[],
    "beside":[],
    "totals":{"sessions":1,"subagents":0,"turns":1,"prompts":1,"toolCalls":1,"failures":0,"answers":2,"tokens":{"input":20,"output":10,"cacheRead":200,"cacheWrite":2},"contextTokens":111,"models":[{"model":"claude-test-1","answers":2,"tokens":{"input":20,"output":10,"cacheRead":200,"cacheWrite":2}}],"startedAt":"2026-11-21T12:00:01.000Z","endedAt":"2026-11-21T12:00:04.000Z"},
    "missing":[]}
    "
  `)
})

test('of nothing', () => {
  const text = [...jsonDocument({sessions: [], totals: totalsOf([]), missing: ['x']})].join('')
  expect(JSON.parse(text)).toMatchObject({version: 1, sessions: [], messages: [], missing: ['x']})
})
