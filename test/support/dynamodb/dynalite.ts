import {once} from 'node:events'
import type {AddressInfo} from 'node:net'
import dynalite from 'dynalite'
import type {DynamoServer} from './tables.js'

/** DynamoDB in this process, in memory. It takes every credential. */
export async function startDynalite(): Promise<DynamoServer & AsyncDisposable> {
  const server = dynalite({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    credentials: {accessKeyId: 'dynaliteaccesskey', secretAccessKey: 'dynalite-secret'},
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
