import {DeleteItemCommand} from '@aws-sdk/client-dynamodb'
import {onTestFinished} from 'vitest'
import {leaseKey} from '../../../src/registry/dynamodb/keys.js'
import {type DynamoRegistry, openDynamoRegistry} from '../../../src/registry/dynamodb/open.js'
import type {DynamoRegistryOptions} from '../../../src/registry/dynamodb/options.js'
import {describeLeaseRaces, describeLeases} from '../lease-suite.js'
import {describeRegistry, describeRegistryRaces} from '../registry-suite.js'
import {clientOf, createTable, type DynamoServer, registryOptions} from './tables.js'

/** A registry that is closed with the test. */
export async function openIn(
  server: DynamoServer,
  table: string,
  options: Partial<DynamoRegistryOptions> = {},
): Promise<DynamoRegistry> {
  const opened = await openDynamoRegistry({...registryOptions(server, table), ...options})
  onTestFinished(() => opened.close())
  return opened
}

/** Ways to open a registry and a lease table in a new table of a server. */
function targetsOn(server: () => DynamoServer) {
  const open = async () => {
    const table = await createTable(server())
    const clients = await Promise.all(Array.from({length: 4}, async () => openIn(server(), table)))
    let next = 0
    return {table, client: () => clients[next++ % clients.length]!}
  }
  return {
    registry: async () => {
      const {client} = await open()
      return {client: () => client().registry}
    },
    leases: async () => {
      const {table, client} = await open()
      return {
        client: () => client().leases,
        async lose(sessionId: string) {
          const own = clientOf(server())
          await own.send(new DeleteItemCommand({TableName: table, Key: {task_id: {S: leaseKey(sessionId)}}}))
          own.destroy()
        },
      }
    },
  }
}

/** What every registry and every lease table must do. */
export function describeDynamoRegistry(title: string, server: () => DynamoServer): void {
  const {registry, leases} = targetsOn(server)
  describeRegistry(title, registry)
  describeLeases(title, leases)
}

/** The same when many write at once. */
export function describeDynamoRaces(title: string, server: () => DynamoServer): void {
  const {registry, leases} = targetsOn(server)
  describeRegistryRaces(title, registry)
  describeLeaseRaces(title, leases)
}
