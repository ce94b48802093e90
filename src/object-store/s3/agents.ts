import {Agent as HttpAgent} from 'node:http'
import {Agent as HttpsAgent} from 'node:https'
import type {Socket} from 'node:net'
import {storeLookup} from './lookup.js'

export interface AgentOptions {
  readonly maxSockets: number
  readonly connectTimeoutMs: number
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>
}

export interface Agents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
  destroy(): void
}

/** The sockets of one store, whatever number of SDK clients it takes to talk to it. */
export function makeAgents({maxSockets, connectTimeoutMs, proxyEnv}: AgentOptions): Agents {
  const shared = {keepAlive: true, maxSockets, lookup: storeLookup, ...(proxyEnv === undefined ? {} : {proxyEnv})}
  const httpAgent = new HttpAgent(shared)
  const httpsAgent = new HttpsAgent(shared)
  limitConnecting(httpAgent, 'connect', connectTimeoutMs)
  limitConnecting(httpsAgent, 'secureConnect', connectTimeoutMs)
  return {
    httpAgent,
    httpsAgent,
    destroy() {
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

/**
 * The SDK's own connection timeout also runs while a request waits for a free socket, so that a long queue fails without a
 * fault of the network. This one begins with the connection.
 */
function limitConnecting(agent: HttpAgent | HttpsAgent, event: string, ms: number): void {
  const target = agent as unknown as {createConnection(...args: unknown[]): Socket | undefined}
  const create = target.createConnection.bind(agent)
  target.createConnection = (...args) => {
    const socket = create(...args)
    if (socket === undefined) return socket
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connecting took too long'), {code: 'ETIMEDOUT'}))
    }, ms)
    const settled = () => clearTimeout(timer)
    socket.once(event, settled)
    socket.once('close', settled)
    return socket
  }
}
