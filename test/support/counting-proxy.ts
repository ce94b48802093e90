import {once} from 'node:events'
import {createServer, type IncomingMessage, request, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** Stands before a server that keeps no log: counts what is asked of it, and holds it up a little where it is told to. */
export class CountingProxy implements AsyncDisposable {
  readonly endpoint: string
  latencyMs = 0
  requests = 0
  readonly #server: Server

  private constructor(server: Server, endpoint: string) {
    this.#server = server
    this.endpoint = endpoint
  }

  static async start(target: string): Promise<CountingProxy> {
    const server = createServer((incoming, response) => proxy.#take(new URL(target), incoming, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const {port} = server.address() as AddressInfo
    const proxy: CountingProxy = new CountingProxy(server, `http://127.0.0.1:${port}`)
    return proxy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(target: URL, incoming: IncomingMessage, response: ServerResponse): void {
    this.requests++
    setTimeout(() => forward(target, incoming, response), this.latencyMs)
  }
}

/** With the headers as they are: the host among them is signed. */
function forward({hostname, port}: URL, incoming: IncomingMessage, response: ServerResponse): void {
  const {method, url: path, headers} = incoming
  const outgoing = request({hostname, port, method, path, headers}, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  outgoing.on('error', () => response.destroy())
  // A sender that died in the middle of a body sent no request.
  incoming.on('close', () => {
    if (!incoming.complete) outgoing.destroy()
  })
  incoming.pipe(outgoing)
}
