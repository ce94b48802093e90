import type {LeaseTable} from '../lease-table.js'
import type {Registry} from '../registry.js'
import {TaskRegistry} from '../task-registry.js'
import {DynamoConnection} from './connection.js'
import {DynamoLeaseTable} from './dynamo-lease-table.js'
import {DryRunDynamoTable, DynamoTable} from './dynamo-table.js'
import {DynamoTaskTable} from './dynamo-task-table.js'
import type {DynamoRegistryOptions} from './options.js'

export interface DynamoRegistry {
  readonly registry: Registry
  readonly leases: LeaseTable
  close(): void
}

/**
 * Tasks, names and leases in a table of DynamoDB, which may be one that a fleet has for its tasks already (docs/registry.md). Sends
 * nothing yet.
 *
 * @throws ENDPOINT_REFUSED, REGION_MISSING (usage)
 */
export async function openDynamoRegistry(options: DynamoRegistryOptions): Promise<DynamoRegistry> {
  const connection = await DynamoConnection.open(options)
  const {clock, random, ttlDays, dryRun} = options
  const table = dryRun ? new DryRunDynamoTable(connection) : new DynamoTable(connection)
  return {
    registry: new TaskRegistry(new DynamoTaskTable(table, {clock, ttlDays}), {clock, random}),
    leases: new DynamoLeaseTable(table),
    close: () => connection.close(),
  }
}
