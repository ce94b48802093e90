import {once} from 'node:events'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {buffer} from 'node:stream/consumers'
import type {DynamoServer} from './tables.js'

/** What becomes of a request. */
export type Fault =
  /** Refused with an error of the service. */
  | {readonly type: string; readonly message?: string; readonly status?: number}
  /** Not let through, and no answer. */
  | 'reset'
  /** Carried out, and no answer. */
  | 'lose-answer'
  /** A BatchGetItem that brings nothing of what was asked. */
  | 'unprocessed'
  | 'no-date'

export interface SeenRequest {
  readonly operation: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Stands before a server of DynamoDB and does to requests of the next operations what a script says. */
export class FaultProxy implements AsyncDisposable {
  readonly server: DynamoServer
  readonly requests: SeenRequest[] = []
  /** Items that a page of a query or a scan holds at most. Default: as many as the server gives. */
  pageSize: number | undefined
  /** How far the server's clock is ahead, ms. */
  aheadMs = 0
  readonly #script: {readonly operation: string; readonly fault: Fault}[] = []
  readonly #close: () => Promise<void>

  private constructor(server: DynamoServer, close: () => Promise<void>) {
    this.server = server
    this.#close = close
  }

  static async start(target: DynamoServer): Promise<FaultProxy> {
    const http = createServer((request, response) => void proxy.#answer(target, request, response))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const {port} = http.address() as AddressInfo
    const proxy: FaultProxy = new FaultProxy({...target, endpoint: `http://127.0.0.1:${port}`}, async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    })
    return proxy
  }

  /** One fault for each of the next requests of that operation. */
  script(operation: string, ...faults: readonly Fault[]): void {
    this.#script.push(...faults.map((fault) => ({operation, fault})))
  }

  /** Nothing is left of the script. */
  heal(): void {
    this.#script.length = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }

  #date(): string {
    return new Date(Date.now() + this.aheadMs).toUTCString()
  }

  async #answer(target: DynamoServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const parsed = JSON.parse(body.toString()) as SeenRequest['body']
    this.requests.push({operation, body: parsed})
    const at = this.#script.findIndex((each) => each.operation === operation)
    const fault = at === -1 ? undefined : this.#script.splice(at, 1)[0]?.fault
    if (fault === 'reset') return void request.socket.destroy()
    if (fault === 'unprocessed') return send(response, 200, {Responses: {}, UnprocessedKeys: parsed['RequestItems']})
    if (typeof fault === 'object') {
      const {type, message = 'because', status = 400} = fault
      response.setHeader('date', this.#date())
      return send(response, status, {__type: `com.amazonaws.dynamodb.v20120810#${type}`, message})
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
    ) as Record<string, string>
    const isPaged = this.pageSize !== undefined && ['Query', 'Scan'].includes(operation)
    const sent = isPaged ? JSON.stringify({...parsed, Limit: this.pageSize}) : body
    const answer = await fetch(target.endpoint, {method: 'POST', headers, body: sent})
    const text = await answer.text()
    if (fault === 'lose-answer') return void request.socket.destroy()
    response.sendDate = false
    if (fault !== 'no-date') response.setHeader('date', this.#date())
    response.writeHead(answer.status, {'content-type': 'application/x-amz-json-1.0'}).end(text)
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {'content-type': 'application/x-amz-json-1.0'}).end(JSON.stringify(body))
}
