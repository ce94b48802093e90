import {describe, expect, test} from 'vitest'
import {PREVIEW, WHOLE} from '../../../src/transcript/conversation/limits.js'
import type {ToolCall} from '../../../src/transcript/conversation/model.js'
import {conversationOf, outline, TranscriptLines} from '../../support/transcript-lines.js'

const shown = async (lines: TranscriptLines) => outline(await conversationOf(lines.text())).flat()
const begun = () => new TranscriptLines()

describe('what a user entry is', () => {
  test.for<[string, unknown, readonly string[]]>([
    ['a text', 'hello', ['prompt hello']],
    [
      'blocks',
      [
        {type: 'text', text: 'a'},
        {type: 'text', text: 'b'},
      ],
      ['prompt a\nb'],
    ],
    [
      'a reminder beside a text',
      [
        {type: 'text', text: '<system-reminder>x</system-reminder>'},
        {type: 'text', text: 'a'},
      ],
      ['prompt a'],
    ],
    [
      'an interruption',
      [{type: 'text', text: '[Request interrupted by user for tool use]'}],
      ['interruption [Request interrupted by user for tool use]'],
    ],
    ['a command', '<command-name>/model</command-name>\n<command-args>x y</command-args>', ['command /model x y']],
    ['a line of shell', '<bash-input>ls -l</bash-input>', ['command ! ls -l']],
    [
      'a notification',
      '<task-notification><summary>Agent done</summary><result>42</result></task-notification>',
      ['note task: Agent done\n42'],
    ],
    ['a tag of the user', '<div>hello</div>', ['prompt <div>hello</div>']],
    ['nothing', '  ', []],
    ['no content', undefined, []],
    ['content of another kind', 42, []],
  ])('%s', async ([, content, expected]) => {
    expect(await shown(begun().prompt(content))).toEqual(expected)
  })

  test('what a command printed belongs to it', async () => {
    const lines = begun()
      .prompt('<command-name>/cost</command-name>')
      .prompt('<local-command-stdout>$1</local-command-stdout>')
    const {turns} = await conversationOf(lines.text())
    expect(turns[0]?.items).toMatchObject([{kind: 'command', name: '/cost', output: {text: '$1'}}])
  })

  test("what claude says to the model in the user's place is internal", async () => {
    const {turns} = await conversationOf(begun().prompt('hi').prompt('caveat', {isMeta: true}).text())
    expect(turns[0]?.items.at(-1)).toMatchObject({kind: 'note', internal: true})
  })

  test('pictures are told of, and not kept', async () => {
    const data = Buffer.alloc(3000).toString('base64')
    const image = {type: 'image', source: {type: 'base64', media_type: 'image/png', data}}
    const {turns} = await conversationOf(
      begun()
        .prompt([image, {type: 'text', text: 'look'}])
        .text(),
    )
    const media = [{type: 'image', mediaType: 'image/png', bytes: 3000}]
    expect(turns[0]?.items).toMatchObject([{kind: 'prompt', text: {text: 'look'}, media}])
    expect(JSON.stringify(turns)).not.toContain(data.slice(0, 100))
  })

  test('a prompt that was queued stands where it was taken in', async () => {
    const queued = {type: 'attachment', attachment: {type: 'queued_command', prompt: 'and this'}}
    const lines = begun().prompt('do').say('m1', 'one').add(queued).say('m2', 'two')
    expect(outline(await conversationOf(lines.text()))).toEqual([
      ['prompt do', 'said one'],
      ['prompt and this', 'said two'],
    ])
  })
})

describe('what an assistant entry is', () => {
  test('text, thinking, calls, and what is not known', async () => {
    const lines = begun()
      .prompt('go')
      .answer('m1', {type: 'thinking', thinking: 'hm'})
      .answer('m1', {type: 'redacted_thinking', data: 'x'})
      .answer('m1', {type: 'server_tool_use', id: 's1', name: 'web_search', input: {query: 'q'}})
      .answer('m1', {type: 'web_search_tool_result', tool_use_id: 's1', content: [{type: 'text', text: 'found'}]})
      .answer('m1', {type: 'something_new', text: 'x'})
      .say('m1', 'there')
    expect(await shown(lines)).toEqual([
      'prompt go',
      'thinking hm',
      'thinking ',
      'tool web_search -> found',
      'said there',
    ])
  })

  test('a request that failed, and what claude writes to fill a gap', async () => {
    const model = '<synthetic>'
    const synthetic = (text: string) => ({
      message: {id: 'x', model, role: 'assistant', content: [{type: 'text', text}]},
    })
    const lines = begun()
      .prompt('go')
      .add({type: 'assistant', ...synthetic('No response requested.'), isApiErrorMessage: false})
      .add({type: 'assistant', ...synthetic('API Error: 529'), isApiErrorMessage: true, apiErrorStatus: 529})
      .add({type: 'system', subtype: 'api_error', level: 'error', error: {status: 500, message: 'again'}})
    expect(await shown(lines)).toEqual(['prompt go', 'failure API Error: 529', 'failure again'])
  })
})

const changesOf = async (name: string, input: unknown, more: object = {}, isError = false) => {
  const lines = begun()
    .prompt('go')
    .call('m1', 'c1', name, input)
    .result('c1', 'ok', {...more}, isError)
  const {turns} = await conversationOf(lines.text())
  return (turns[0]!.items.at(-1) as ToolCall).changes
}

describe('what a call changed', () => {
  const edit = {file_path: '/f', old_string: 'a\nb\nc', new_string: 'a\nB\nc'}

  test('as claude recorded it', async () => {
    const structuredPatch = [{oldStart: 4, oldLines: 1, newStart: 4, newLines: 1, lines: [' x', '-b', '+B']}]
    expect(await changesOf('Edit', edit, {toolUseResult: {structuredPatch}})).toEqual([
      {path: '/f', hunks: [{oldStart: 4, newStart: 4, lines: [' x', '-b', '+B']}], linesLeftOut: 0},
    ])
  })

  test.for<[string, unknown, readonly (readonly string[])[]]>([
    ['Edit', edit, [[' a', '-b', '+B', ' c']]],
    [
      'MultiEdit',
      {file_path: '/f', edits: [edit, {old_string: '', new_string: 'x'}]},
      [[' a', '-b', '+B', ' c'], ['+x']],
    ],
    ['Write', {file_path: '/f', content: 'a\nb\n'}, [['+a', '+b']]],
    ['NotebookEdit', {notebook_path: '/f', new_source: 'a'}, [['+a']]],
    ['Edit', {file_path: '/f'}, [[]]],
    ['Edit', {file_path: 42, old_string: 'a', new_string: 'b'}, []],
    ['Bash', {command: 'rm f'}, []],
  ])('as %s says where nothing is recorded: %j', async ([name, input, expected]) => {
    const changes = await changesOf(name, input)
    expect(changes.flatMap(({hunks}) => hunks.map(({lines}) => lines))).toEqual(
      expected.filter((lines) => lines.length > 0),
    )
  })

  test('nothing where it failed', async () => {
    expect(await changesOf('Edit', edit, {}, true)).toEqual([])
  })

  test('is cut like all long texts, and says by how much', async () => {
    const lines = Array.from({length: 5000}, (_, at) => `+${at}`)
    const toolUseResult = {structuredPatch: [{oldStart: 1, newStart: 1, lines}]}
    const [change] = await changesOf('Write', {file_path: '/f', content: 'x'}, {toolUseResult})
    expect(change?.hunks[0]?.lines.length).toBeLessThan(PREVIEW.output)
    expect((change?.hunks[0]?.lines.length ?? 0) + (change?.linesLeftOut ?? 0)).toBe(5000)
  })
})

describe('long texts', () => {
  const long = 'line\n'.repeat(100_000)
  const lines = () => begun().prompt(long).call('m1', 'c1', 'Bash', {command: long}).result('c1', long)

  test('are cut, and say how long they are', async () => {
    const {turns} = await conversationOf(lines().text())
    const [prompt, call] = turns[0]?.items ?? []
    expect(prompt).toMatchObject({text: {length: 500_000, lines: 100_000}})
    expect(call).toMatchObject({inputIsCut: true, result: {content: {length: 500_000, lines: 100_000}}})
    expect(JSON.stringify(turns).length).toBeLessThan(2 * (PREVIEW.text + 2 * PREVIEW.output))
  })

  test('are whole when asked for', async () => {
    const {turns} = await conversationOf(lines().text(), WHOLE)
    expect(turns[0]?.items).toMatchObject([
      {text: {text: long}},
      {input: {command: long}, result: {content: {text: long}}},
    ])
  })

  test('are never cut within a character', async () => {
    const {turns} = await conversationOf(
      begun()
        .prompt('x' + '😀'.repeat(PREVIEW.text))
        .text(),
    )
    const [prompt] = turns[0]?.items ?? []
    expect(prompt?.kind === 'prompt' && prompt.text.text.isWellFormed()).toBe(true)
  })
})

test('each item names the place of its entry, agent metadata not counted', async () => {
  const lines = begun().prompt('one').note({type: 'agent_metadata', agentType: 'x'}).say('m1', 'two')
  const text = lines.text()
  const {turns} = await conversationOf(text)
  const bytes = Buffer.from(
    text
      .split('\n')
      .filter((line) => !line.includes('agent_metadata'))
      .join('\n'),
  )
  const places = turns.flatMap(({items}) => items.map(({place}) => place))
  const read = places.map(({offset, length}) => JSON.parse(bytes.subarray(offset, offset + length).toString()))
  expect(read).toMatchObject([{type: 'user'}, {type: 'assistant'}])
})
