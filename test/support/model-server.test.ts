import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {startModelServer} from './model-server.js'
import type {ModelServer} from './model-server.js'

let model: ModelServer
beforeAll(async () => {
  model = await startModelServer()
})
afterAll(() => model.close())

const conversation = (stream: boolean, ...contents: readonly unknown[]) => ({
  model: 'any',
  stream,
  messages: contents.map((content, index) => ({role: index % 2 === 0 ? 'user' : 'assistant', content})),
})

async function ask(body: object, url = model.url): Promise<Response> {
  return fetch(`${url}/v1/messages?beta=true`, {method: 'POST', body: JSON.stringify(body)})
}

it('does the steps of a prompt one by one', async () => {
  const script = 'bash: echo a;;say: b c'
  const first = await (await ask(conversation(false, script))).json()
  expect(first).toMatchObject({stop_reason: 'tool_use', content: [{name: 'Bash', input: {command: 'echo a'}}]})
  const result = [{type: 'tool_result', content: 'a'}]
  const second = await (await ask(conversation(false, script, 'used a tool', result))).json()
  expect(second).toMatchObject({stop_reason: 'end_turn', content: [{type: 'text', text: 'b c'}]})
  expect(model.prompts().at(-1)).toEqual([script])
})

it('streams the same answers as events', async () => {
  const text = await (await ask(conversation(true, 'say: one two three'))).text()
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as {type: string})
  expect(events.map(({type}) => type)).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  expect(events.slice(2, 4)).toMatchObject([{delta: {text: 'one '}}, {delta: {text: 'two three'}}])
})

it('gives several blocks in one answer, the same with and without streaming', async () => {
  const script = 'think: hm ++ say: both at once ++ edit: f old text => new text ++ bash: ls'
  const expected = [
    {type: 'thinking', thinking: 'hm'},
    {type: 'text', text: 'both at once'},
    {name: 'Edit', input: {file_path: 'f', old_string: 'old text', new_string: 'new text'}},
    {name: 'Bash', input: {command: 'ls'}},
  ]
  const whole = (await (await ask(conversation(false, script))).json()) as {content: {id?: string}[]}
  expect(whole).toMatchObject({stop_reason: 'tool_use', content: expected})
  expect(new Set(whole.content.flatMap(({id}) => id ?? [])).size).toBe(2)
  const text = await (await ask(conversation(true, script))).text()
  expect(text.match(/"type":"content_block_start"/g)).toHaveLength(4)
  expect(text).toContain('{"type":"thinking_delta","thinking":"hm"}')
})

it('refuses a request when it is told to', async () => {
  const answer = await ask(conversation(true, 'fail: 529 too much'))
  expect([answer.status, await answer.json()]).toMatchObject([529, {type: 'error', error: {message: 'too much'}}])
})

it('holds an answer in the middle until it is released', async () => {
  const response = await ask(conversation(true, 'hold: one two'))
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  while (!seen.includes('one ')) seen += (await reader.read()).value ?? ''
  expect(seen).not.toContain('two')
  model.release()
  for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value
  expect(seen).toContain('two')
})

it('answers whatever else is asked', async () => {
  const counted = await fetch(`${model.url}/v1/messages/count_tokens`, {method: 'POST', body: '{}'})
  expect(await counted.json()).toEqual({input_tokens: 10})
  expect((await fetch(model.url, {method: 'HEAD'})).status).toBe(200)
})

it('runs as a program, and tells what it was asked', async () => {
  const program = fileURLToPath(new URL('model-server.js', import.meta.url))
  const child = spawn(process.execPath, [program], {stdio: ['ignore', 'pipe', 'inherit']})
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const url = line.toString().trim()
    await ask(conversation(false, 'say: hi'), url)
    expect(await (await fetch(`${url}/requests`)).json()).toMatchObject([{path: '/v1/messages', body: {model: 'any'}}])
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
