import {expect, test} from 'vitest'
import {assembleConversation} from '../../../src/transcript/conversation/claude/assemble.js'
import {chained} from '../../../src/transcript/conversation/chain.js'
import {EventLog} from '../../../src/transcript/conversation/events.js'
import {PREVIEW} from '../../../src/transcript/conversation/limits.js'
import {messagesOf} from '../../../src/transcript/conversation/messages.js'
import {totalsOf} from '../../../src/transcript/conversation/totals.js'
import {conversationOf, outline, transcriptOfText, TranscriptLines} from '../../support/transcript-lines.js'

const usage = (output: number) => ({
  input_tokens: 1,
  output_tokens: output,
  cache_read_input_tokens: 10,
  cache_creation_input_tokens: 100,
})
const answer = (id: string, output: number, model = 'claude-a') => ({
  type: 'assistant',
  message: {id, role: 'assistant', model, content: [{type: 'text', text: id}], usage: usage(output)},
})

test('of one answer in several entries the largest usage counts, once', async () => {
  const lines = new TranscriptLines()
    .prompt('go')
    .add(answer('m1', 1))
    .add(answer('m1', 7))
    .add(answer('m1', 3))
    .add(answer('m2', 5, 'claude-b'))
  const totals = totalsOf([await conversationOf(lines.text())])
  expect(totals).toMatchObject({
    answers: 2,
    tokens: {input: 2, output: 12, cacheRead: 20, cacheWrite: 200},
    contextTokens: 111,
    models: [
      {model: 'claude-a', answers: 1},
      {model: 'claude-b', answers: 1},
    ],
  })
  expect(totals).not.toHaveProperty('costUsd')
})

test('what was left has cost tokens, too', async () => {
  const lines = new TranscriptLines().prompt('go')
  const fork = lines.last
  lines.add(answer('m1', 5)).goOnFrom(fork).add(answer('m2', 5))
  const conversation = await conversationOf(lines.text())
  expect(conversation.beside).toHaveLength(1)
  expect(totalsOf([conversation]).tokens.output).toBe(10)
})

const cost = (usd: number, startTime: number, more = {}) => ({
  type: 'cost-state',
  totalCostUSD: usd,
  startTime,
  ...more,
})

test('cost is what the transcripts say; a session that goes on takes its sum along', async () => {
  const first = await conversationOf(new TranscriptLines('a').prompt('go').note(cost(1, 5)).note(cost(2, 5)).text())
  const fork = await conversationOf(new TranscriptLines('b').prompt('on').note(cost(3, 5)).text())
  const other = await conversationOf(
    new TranscriptLines('c')
      .prompt('new')
      .note(cost(0.5, 9, {hasUnknownModelCost: true}))
      .text(),
  )
  expect(totalsOf([first])).toMatchObject({costUsd: 2})
  expect(totalsOf([first, fork])).toMatchObject({costUsd: 3})
  expect(totalsOf([first, fork, other])).toMatchObject({costUsd: 3.5, costIsAtLeast: true})
})

test('cost as earlier versions told it, with each answer', async () => {
  const lines = new TranscriptLines()
    .prompt('go')
    .add({...answer('m1', 1), costUSD: 0.25})
    .add({...answer('m2', 1), costUSD: 0.5})
  expect(totalsOf([await conversationOf(lines.text())])).toMatchObject({costUsd: 0.75})
})

test('a fork shows what it adds, numbered on, and counts nothing twice', async () => {
  const lines = new TranscriptLines().prompt('one').add(answer('m1', 5))
  const first = await conversationOf(lines.text())
  const second = await conversationOf(lines.prompt('two').add(answer('m2', 7)).text())
  const both = chained([first, second])
  expect(both.map(outline)).toEqual([[['prompt one', 'said m1']], [['prompt two', 'said m2']]])
  expect(both[1]?.turns[0]?.number).toBe(2)
  expect(totalsOf(both)).toMatchObject({sessions: 2, turns: 2, prompts: 2, answers: 2, tokens: {output: 12}})
})

test('messages: one for each answer, in words; calls with their results', async () => {
  const lines = new TranscriptLines()
    .prompt('go')
    .answer('m1', {type: 'thinking', thinking: 'hm'})
    .say('m1', 'a')
    .call('m1', 'c1', 'Bash', {command: 'ls'})
    .result('c1', 'f')
    .say('m1', 'b')
    .say('m2', 'c')
    .prompt('<command-name>/cost</command-name>')
  const sessionId = lines.sessionId
  const base = {role: 'assistant', sessionId, model: 'claude-test-1'}
  const call = {id: 'c1', name: 'Bash', input: {command: 'ls'}, result: {content: 'f', isError: false}}
  expect(messagesOf(await conversationOf(lines.text()))).toEqual([
    {role: 'user', content: 'go', timestamp: '2026-11-21T12:00:01.000Z', sessionId, id: expect.any(String)},
    {...base, content: 'a\nb', thinking: 'hm', toolCalls: [call], id: 'm1', timestamp: '2026-11-21T12:00:02.000Z'},
    {...base, content: 'c', id: 'm2', timestamp: '2026-11-21T12:00:07.000Z'},
  ])
})

const SUBAGENT = 'subagents/agent-a1'
async function withSubagent(meta: object | undefined, agentId: string | undefined, prompt: string) {
  const main = new TranscriptLines()
    .prompt('go')
    .call('m1', 'c1', 'Agent', {prompt: 'look', description: 'd'})
    .result('c1', 'started', {toolUseResult: {...(agentId !== undefined && {agentId})}})
    .say('m2', 'done')
  const below = new TranscriptLines().prompt(prompt, {isSidechain: true}).say('s1', 'found')
  if (meta) below.note({type: 'agent_metadata', ...meta})
  const name = {sessionId: main.sessionId, subpath: SUBAGENT}
  const transcripts = [await transcriptOfText(below.text(), PREVIEW, name)]
  return assembleConversation(await transcriptOfText(main.text()), transcripts)
}

test.for<[string, object | undefined, string | undefined, string, boolean]>([
  ['by its metadata', {toolUseId: 'c1', agentType: 'general-purpose'}, undefined, 'other', true],
  ['by what the result says', undefined, 'a1', 'other', true],
  ['by its prompt', undefined, undefined, 'look', true],
  ['not at all', undefined, undefined, 'other', false],
  ['not by its prompt, where its metadata says otherwise', {toolUseId: 'c9'}, undefined, 'look', false],
])('a subagent is put to its call %s', async ([, meta, agentId, prompt, isFound]) => {
  const conversation = await withSubagent(meta, agentId, prompt)
  const [, call] = conversation.turns[0]?.items ?? []
  const [hung, loose] = [call?.kind === 'tool' ? call.subagents : [], conversation.subagents]
  expect([hung.length, loose.length]).toEqual(isFound ? [1, 0] : [0, 1])
  expect([...hung, ...loose].flatMap(outline)).toEqual([[`prompt ${prompt}`, 'said found']])
  expect([...hung, ...loose][0]?.subagent).toMatchObject({agentId: 'a1'})
  expect(totalsOf([conversation])).toMatchObject({subagents: 1, answers: 3, prompts: 1})
})

test("subagents among the session's own entries, as early versions wrote them", async () => {
  const lines = new TranscriptLines().prompt('go').call('m1', 'c1', 'Task', {prompt: 'look'})
  const call = lines.last
  lines.goOnFrom(null).prompt('look', {isSidechain: true})
  lines.add({...answer('s1', 3), isSidechain: true})
  lines.goOnFrom(call).result('c1', 'found').say('m2', 'done')
  const conversation = await conversationOf(lines.text())
  expect(outline(conversation)).toEqual([['prompt go', 'tool Task -> found', 'said done']])
  const item = conversation.turns[0]?.items[1]
  expect(item?.kind === 'tool' && item.subagents.flatMap(outline)).toEqual([['prompt look', 'said s1']])
  expect(totalsOf([conversation])).toMatchObject({subagents: 1, answers: 3})
})

test('of a conversation that grows each event is new once, a result after its call', async () => {
  const log = new EventLog()
  const lines = new TranscriptLines().prompt('one').say('m1', 'a').prompt('two').call('m2', 'c1', 'Bash', {})
  const take = async (from?: number) =>
    log.take(await conversationOf(lines.text()), from).map(({kind, item}) => `${kind} ${item.kind}`)
  expect(await take(2)).toEqual(['item prompt', 'item tool'])
  expect(await take()).toEqual([])
  lines.result('c1', 'x').say('m3', 'b')
  expect(await take()).toEqual(['result tool', 'item said'])
})
