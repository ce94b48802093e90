// @ts-check
/**
 * A model on the loopback interface, for the real `claude`: it speaks the part of the messages API that `claude` uses,
 * and does what the prompt says. A prompt is a script, one step a line (or split by `;;`), a step for each turn of the
 * model, so that a conversation needs no state here and a subagent's prompt is a script like any other:
 *
 *     say: TEXT               answers with TEXT
 *     bash: COMMAND           calls the Bash tool
 *     write: PATH TEXT        calls the Write tool
 *     edit: PATH OLD => NEW   calls the Edit tool
 *     read: PATH              calls the Read tool
 *     agent: STEP             calls a subagent whose prompt is STEP (`,,` instead of `;;` between its steps)
 *     wait: MS TEXT           answers with TEXT, MS milliseconds after its first word
 *     hold: TEXT              answers with TEXT, but after its first word waits for `release()`
 *     think: TEXT             thinks TEXT, and says nothing of it
 *     fail: STATUS TEXT       refuses the request with this HTTP status
 *     recall:                 answers with every prompt of the conversation, as the model received them
 *
 * Steps that are joined by ` ++ ` are one answer: `think: hm ++ say: two at once ++ bash: ls ++ read: PATH`.
 *
 * Anything else is answered with an echo. After the last step the model says `Done.`
 *
 * As a program, `node model-server.js [--port N]` prints its URL; `GET /requests` gives the recorded bodies as JSON.
 */
import {createServer} from 'node:http'
import {fileURLToPath} from 'node:url'
import {setTimeout as delay} from 'node:timers/promises'

/** @typedef {import('./model-server.js').MessagesRequest} MessagesRequest */
/** @typedef {{type: 'text', text: string, pause?: number | 'hold'} | {type: 'thinking', text: string} | {type: 'tool_use', name: string, input: object}} Reply */
/** @typedef {{status: number, message: string}} Refusal */

/** @param {unknown} content @returns {{type: string, text?: string}[]} */
function blocks(content) {
  if (typeof content === 'string') return [{type: 'text', text: content}]
  return Array.isArray(content) ? content : []
}

/** What a person (or a parent agent) typed in this message; undefined for tool results and for claude's own reminders. */
function typedText(/** @type {MessagesRequest['messages'][number]} */ message) {
  if (message.role !== 'user' || blocks(message.content).some((block) => block.type === 'tool_result')) return
  const texts = blocks(message.content).flatMap((block) => (block.type === 'text' && block.text ? [block.text] : []))
  return texts
    .filter((text) => !text.startsWith('<'))
    .at(-1)
    ?.trim()
}

/** @param {MessagesRequest} body */
export function promptsOf(body) {
  return body.messages.flatMap((message) => typedText(message) ?? [])
}

/** @param {MessagesRequest} body @returns {Reply[] | Refusal} */
function replyTo(body) {
  const asked = body.messages.findLastIndex((message) => typedText(message) !== undefined)
  const prompt = asked === -1 ? '' : (typedText(body.messages[asked]) ?? '')
  const turn = body.messages.slice(asked + 1).filter((message) => message.role === 'assistant').length
  const steps = prompt.split(/\n|;;/).map((step) => step.trim())
  const step = steps[turn]
  if (step === undefined) return [{type: 'text', text: 'Done.'}]
  const [, status, message = ''] = /^fail:\s*(\d+) ?(.*)$/s.exec(step) ?? []
  if (status !== undefined) return {status: Number(status), message}
  return step.split(' ++ ').map((part) => blockOf(part.trim(), prompt, body))
}

/** @param {string} step @param {string} prompt @param {MessagesRequest} body @returns {Reply} */
function blockOf(step, prompt, body) {
  const [, verb, rest = ''] = /^([a-z]+):\s*(.*)$/s.exec(step) ?? []
  const [word = '', tail = ''] = rest.split(/ (.*)/s)
  switch (verb) {
    case 'say':
      return {type: 'text', text: rest}
    case 'bash':
      return {type: 'tool_use', name: 'Bash', input: {command: rest, description: 'a scripted command'}}
    case 'write':
      return {type: 'tool_use', name: 'Write', input: {file_path: word, content: tail}}
    case 'edit': {
      const [before = '', after = ''] = tail.split(' => ')
      return {type: 'tool_use', name: 'Edit', input: {file_path: word, old_string: before, new_string: after}}
    }
    case 'think':
      return {type: 'thinking', text: rest}
    case 'read':
      return {type: 'tool_use', name: 'Read', input: {file_path: rest}}
    case 'agent': {
      const input = {
        description: 'a scripted task',
        prompt: rest.replaceAll(',,', '\n'),
        subagent_type: 'general-purpose',
      }
      return {type: 'tool_use', name: 'Agent', input}
    }
    case 'wait':
      return {type: 'text', text: tail || 'waited', pause: Number(word)}
    case 'hold':
      return {type: 'text', text: rest || 'held', pause: 'hold'}
    case 'recall':
      return {type: 'text', text: promptsOf(body).join(' | ')}
    default:
      return {type: 'text', text: `You said: ${prompt}`}
  }
}

/** @param {Reply} reply @returns {{block: object, deltas: object[]}} as it begins, and what comes then. */
function streamed(reply, /** @type {string} */ id) {
  if (reply.type === 'tool_use') {
    const input = {type: 'input_json_delta', partial_json: JSON.stringify(reply.input)}
    return {block: {...reply, id, input: {}}, deltas: [input]}
  }
  if (reply.type === 'thinking') {
    const deltas = [
      {type: 'thinking_delta', thinking: reply.text},
      {type: 'signature_delta', signature: 'c2lnbmVk'},
    ]
    return {block: {type: 'thinking', thinking: '', signature: ''}, deltas}
  }
  const pieces = reply.text.split(/(?<=\s)(.*)/s).filter((piece) => piece !== '')
  return {block: {type: 'text', text: ''}, deltas: pieces.map((text) => ({type: 'text_delta', text}))}
}

/** @param {Reply} reply */
function whole(reply, /** @type {string} */ id) {
  if (reply.type === 'tool_use') return {...reply, id}
  return reply.type === 'text'
    ? {type: 'text', text: reply.text}
    : {type: 'thinking', thinking: reply.text, signature: 'c2lnbmVk'}
}

/** @param {{port?: number}} [options] @returns {Promise<import('./model-server.js').ModelServer>} */
export async function startModelServer({port = 0} = {}) {
  /** @type {import('./model-server.js').RecordedRequest[]} */
  const requests = []
  /** @type {Set<() => void>} */
  const held = new Set()
  let serial = 0

  /** @param {Reply} part */
  async function pause(part) {
    if (part.type !== 'text' || part.pause === undefined) return
    if (part.pause === 'hold') await new Promise((resolve) => held.add(() => resolve(undefined)))
    else await delay(part.pause)
  }

  /** @param {import('node:http').ServerResponse} response @param {MessagesRequest} body */
  async function answer(response, body) {
    const reply = replyTo(body)
    if (!Array.isArray(reply)) {
      response.writeHead(reply.status, {'content-type': 'application/json'})
      const error = {type: 'invalid_request_error', message: reply.message}
      response.end(JSON.stringify({type: 'error', error}))
      return
    }
    serial += 1
    const usage = {input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0}
    const id = `${Date.now().toString(36)}_${serial}`
    const head = {id: `msg_${id}`, type: 'message', role: 'assistant', model: body.model}
    const calls = reply.some(({type}) => type === 'tool_use')
    const stop = {stop_reason: calls ? 'tool_use' : 'end_turn', stop_sequence: null}
    const idOf = (/** @type {number} */ index) => `toolu_${id}${index === 0 ? '' : `_${index}`}`
    if (!body.stream) {
      for (const part of reply) await pause(part)
      const content = reply.map((part, index) => whole(part, idOf(index)))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({...head, ...stop, content, usage}))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (/** @type {{type: string} & Record<string, unknown>} */ event) =>
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    send({type: 'message_start', message: {...head, content: [], stop_reason: null, stop_sequence: null, usage}})
    for (const [index, part] of reply.entries()) {
      const {block, deltas} = streamed(part, idOf(index))
      send({type: 'content_block_start', index, content_block: block})
      for (const [at, delta] of deltas.entries()) {
        send({type: 'content_block_delta', index, delta})
        if (at === 0) await pause(part)
      }
      send({type: 'content_block_stop', index})
    }
    send({type: 'message_delta', delta: stop, usage})
    send({type: 'message_stop'})
    response.end()
  }

  const server = createServer(serve)

  /** @type {import('node:http').RequestListener} */
  async function serve(request, response) {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (request.method === 'GET' && path === '/requests') {
      response.end(JSON.stringify(requests))
      return
    }
    const text = Buffer.concat(chunks).toString()
    const body = text.startsWith('{') ? JSON.parse(text) : undefined
    requests.push({method: request.method ?? '', path, body})
    if (request.method === 'POST' && path === '/v1/messages') return answer(response, body)
    response.setHeader('content-type', 'application/json')
    response.end(path.endsWith('/count_tokens') ? '{"input_tokens":10}' : '{}')
  }
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const release = () => {
    for (const go of held) go()
    held.clear()
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    prompts: () => requests.filter(({path}) => path === '/v1/messages').map(({body}) => promptsOf(body)),
    async untilAsked(text, timeoutMs = 20_000) {
      const asked = () => requests.some(({body}) => body?.messages && promptsOf(body).at(-1)?.includes(text))
      for (let waited = 0; !asked(); waited += 10) {
        if (waited > timeoutMs) throw new Error(`the model was not asked for ${text}`)
        await delay(10)
      }
    },
    release,
    async close() {
      release()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--port')
  const server = await startModelServer({port: at === -1 ? 0 : Number(process.argv[at + 1])})
  console.log(server.url)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
}
