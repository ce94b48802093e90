import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {once} from 'node:events'

/** Stands for the model of Codex: answers every request, `answer 1` first, and keeps what it was asked. */
export interface ResponsesServer extends AsyncDisposable {
  /** For `base_url` of a provider. */
  readonly url: string
  /** The bodies of all requests, in order of arrival. */
  readonly asked: readonly string[]
}

export async function startResponsesServer(): Promise<ResponsesServer> {
  const asked: string[] = []
  const server = createServer((request, response) => void answer(request, response, asked))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, asked: string[]): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  if (request.method !== 'POST') {
    response.writeHead(200, {'content-type': 'application/json'}).end('{"data":[],"models":[]}')
    return
  }
  const number = asked.push(Buffer.concat(chunks).toString())
  const send = (type: string, fields: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({type, ...fields})}\n\n`)
  }
  response.writeHead(200, {'content-type': 'text/event-stream'})
  send('response.created', {response: {id: `resp_${number}`}})
  const content = [{type: 'output_text', text: `answer ${number}`}]
  send('response.output_item.done', {
    output_index: 0,
    item: {type: 'message', role: 'assistant', id: `msg_${number}`, content},
  })
  const details = {input_tokens_details: {cached_tokens: 0}, output_tokens_details: {reasoning_tokens: 0}}
  const usage = {input_tokens: 10, output_tokens: 2, total_tokens: 12, ...details}
  send('response.completed', {response: {id: `resp_${number}`, usage}})
  response.end()
}
