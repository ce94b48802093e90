import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {PREVIEW} from '../../../src/transcript/conversation/limits.js'
import {messagesOf} from '../../../src/transcript/conversation/messages.js'
import {totalsOf} from '../../../src/transcript/conversation/totals.js'
import {conversationOf, linesText, outline, TranscriptLines, uuidOf} from '../../support/transcript-lines.js'

const line = (more: string) => `{"type":"assistant","uuid":"u1","parentUuid":null,${more}}\n`

/** All that is made of a conversation; nothing of it may throw. */
async function everything(text: string | Uint8Array) {
  const conversation = await conversationOf(text)
  totalsOf([conversation])
  messagesOf(conversation)
  JSON.stringify([conversation.turns, conversation.beside, conversation.subagents])
  return conversation
}

// Values of every kind in the places that are looked at.
const uuid = fc.integer({min: 1, max: 6}).map(uuidOf)
const anything = fc.oneof(fc.jsonValue(), uuid, fc.string(), fc.constant(null))
const block = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom('text', 'thinking', 'tool_use', 'tool_result', 'image', 'server_tool_use'),
      anything,
    ),
    text: anything,
    thinking: anything,
    id: fc.oneof(fc.constantFrom('c1', 'c2'), anything),
    tool_use_id: fc.oneof(fc.constantFrom('c1', 'c2'), anything),
    name: fc.oneof(fc.constantFrom('Edit', 'MultiEdit', 'Agent', 'Write'), anything),
    input: fc.oneof(
      fc.record({file_path: anything, old_string: anything, new_string: anything, edits: anything, prompt: anything}),
      anything,
    ),
    content: anything,
    source: anything,
    is_error: anything,
  },
  {requiredKeys: []},
)
const entry = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom(
        'user',
        'assistant',
        'system',
        'attachment',
        'last-prompt',
        'cost-state',
        'summary',
        'agent_metadata',
      ),
      anything,
    ),
    uuid: fc.oneof(uuid, anything),
    parentUuid: fc.oneof(uuid, anything),
    logicalParentUuid: fc.oneof(uuid, anything),
    leafUuid: fc.oneof(uuid, anything),
    subtype: fc.oneof(fc.constantFrom('compact_boundary', 'local_command', 'api_error'), anything),
    isSidechain: fc.oneof(fc.boolean(), anything),
    isCompactSummary: anything,
    isApiErrorMessage: anything,
    timestamp: anything,
    toolUseResult: fc.oneof(
      fc.record({structuredPatch: fc.array(fc.record({lines: anything, oldStart: anything}))}),
      anything,
    ),
    attachment: fc.oneof(fc.record({type: fc.constantFrom('queued_command', 'file'), prompt: anything}), anything),
    content: anything,
    message: fc.oneof(
      fc.record({
        id: fc.oneof(fc.constantFrom('m1', 'm2'), anything),
        model: anything,
        content: fc.oneof(fc.array(block, {maxLength: 3}), anything),
        usage: fc.oneof(fc.record({input_tokens: anything, output_tokens: anything}), anything),
      }),
      anything,
    ),
  },
  {requiredKeys: []},
)

describe('whatever stands in a transcript, it is read', () => {
  test('entries of any shape, in any relation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, {maxLength: 12}), async (entries) => {
        const {turns, beside, subagents} = await everything(linesText(entries))
        // Nothing is shown twice.
        const keys = [...turns, ...beside.flatMap((each) => each.turns)].flatMap(({items}) => items.map(({key}) => key))
        expect(new Set(keys).size).toBe(keys.length)
        expect(subagents.length).toBeLessThanOrEqual(entries.length)
      }),
      {numRuns: 300},
    )
  })

  test('bytes that are no text, no JSON, no object', async () => {
    const good = new TranscriptLines().prompt('hello').text()
    const noise = [
      Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
      Buffer.from('{"type":\n[1]\n42\n"x"\n\n   \n'),
      Buffer.from(good),
    ]
    const conversation = await everything(Buffer.concat(noise))
    expect(outline(conversation)).toEqual([['prompt hello']])
    expect(conversation.lines).toEqual({entries: 1, unreadable: 5, tooLong: 0})
    const torn = await everything(`${good}{"type":"user","uuid":"x","message":{"content":"torn"}}`)
    expect(outline(torn)).toEqual([['prompt hello']])
  })

  test('broken UTF-8 within a text', async () => {
    const [before, after] = new TranscriptLines().prompt('he|o').text().split('|')
    const bytes = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xff, 0xc3]), Buffer.from(after ?? '')])
    expect(outline(await everything(bytes))).toEqual([['prompt he\uFFFD\uFFFDo']])
  })

  test('nesting of any depth', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    const call = line(
      `"message":{"id":"m1","content":[{"type":"tool_use","id":"c1","name":"Edit","input":{"file_path":"f","edits":${deep}}}]}`,
    )
    const conversation = await everything(call + line(`"message":${deep}`).replace('u1', 'u2') + line(`"uuid":${deep}`))
    expect(JSON.stringify(conversation.turns).length).toBeLessThan(5000)
  })

  test('members that are no members of ours', async () => {
    const text =
      '{"type":"user","uuid":"u1","__proto__":{"isMeta":true},"constructor":1,"message":{"content":"hello"}}\n'
    expect(outline(await everything(text))).toEqual([['prompt hello']])
  })

  test('subagents that have started each other stand beside', async () => {
    const lines = new TranscriptLines()
    lines.prompt('a', {isSidechain: true}).call('m1', 'c1', 'Task', {prompt: 'b'})
    lines.entries.at(-1)!['isSidechain'] = true
    lines.goOnFrom(null).prompt('b', {isSidechain: true}).call('m2', 'c2', 'Task', {prompt: 'a'})
    lines.entries.at(-1)!['isSidechain'] = true
    const {subagents} = await everything(lines.text())
    expect(subagents).toHaveLength(1)
  })
})

const prompt = (at: number) => ({type: 'user', message: {role: 'user', content: `prompt ${at}`}})

const piece = (id: string, at: number) => ({
  type: 'assistant',
  message: {
    id,
    content: [at % 3 === 0 ? {type: 'tool_use', id: 'c1', name: 'Bash', input: {}} : {type: 'text', text: `${at}`}],
    usage: {output_tokens: at},
  },
})

const task = (at: number) =>
  at % 2 === 0
    ? {type: 'user', message: {content: 'look'}}
    : {
        type: 'assistant',
        message: {id: `m${at}`, content: [{type: 'tool_use', id: `c${at}`, name: 'Task', input: {prompt: 'look'}}]},
      }

const result = (id: string) => ({
  type: 'user',
  message: {content: [{type: 'tool_result', tool_use_id: id, content: 'x'}]},
})

describe('many entries are read in time that grows with their number', () => {
  const COUNT = 30_000
  const shapes: Readonly<Record<string, (at: number) => object>> = {
    'one after the other': (at) => ({uuid: uuidOf(at), parentUuid: at === 0 ? null : uuidOf(at - 1), ...prompt(at)}),
    'all after one': (at) => ({uuid: uuidOf(at), parentUuid: at === 0 ? null : uuidOf(0), ...prompt(at)}),
    'all of one answer': (at) => ({uuid: uuidOf(at), parentUuid: at === 0 ? null : uuidOf(at - 1), ...piece('m1', at)}),
    'all without their parents': (at) => ({uuid: uuidOf(at), parentUuid: `gone ${at}`, ...prompt(at)}),
    'all before one another': (at) => ({uuid: uuidOf(at), parentUuid: uuidOf(at + 1), ...prompt(at)}),
    'all beginnings': (at) => ({uuid: uuidOf(at), parentUuid: null, ...prompt(at)}),
    'all in sidechains': (at) => ({
      uuid: uuidOf(at),
      parentUuid: at === 0 ? null : uuidOf(at - 1),
      isSidechain: true,
      ...prompt(at),
    }),
    'all sidechains with one prompt': (at) => ({
      uuid: uuidOf(at),
      parentUuid: null,
      isSidechain: at % 2 === 0,
      ...task(at),
    }),
    'all calls with one id': (at) => ({
      uuid: uuidOf(at),
      parentUuid: at === 0 ? null : uuidOf(at - 1),
      ...(at % 2 === 0 ? piece(`m${at}`, at) : result('c1')),
    }),
  }

  test.for(Object.entries(shapes))('%s', {timeout: 60_000}, async ([, shape]) => {
    const text = linesText(Array.from({length: COUNT}, (_, at) => shape(at)))
    const start = performance.now()
    const conversation = await conversationOf(text, {text: PREVIEW.text, output: PREVIEW.output})
    totalsOf([conversation])
    messagesOf(conversation)
    // Anything quadratic takes minutes.
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(conversation.lines.entries).toBe(COUNT)
  })

  test('100,000 of them', {timeout: 60_000}, async () => {
    const conversation = await conversationOf(
      linesText(Array.from({length: 100_000}, (_, at) => shapes['one after the other']?.(at))),
    )
    expect(conversation.turns).toHaveLength(100_000)
  })
})
