import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import {silentLogger} from '../../../src/base/logger.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import type {DynamoRegistryOptions} from '../../../src/registry/dynamodb/options.js'

export interface DynamoServer {
  readonly endpoint: string
  readonly credentials: {readonly accessKeyId: string; readonly secretAccessKey: string}
}

export const REGION = 'us-east-1'
export const INDEX = 'claude_session_id-index'

let tables = 0

export function clientOf({endpoint, credentials}: DynamoServer): DynamoDBClient {
  return new DynamoDBClient({endpoint, credentials, region: REGION, maxAttempts: 1})
}

/** A table of the shape that docs/registry.md gives, with a name that no other test has. @returns the name. */
export async function createTable(
  server: DynamoServer,
  changes: Partial<CreateTableCommandInput> = {},
): Promise<string> {
  const client = clientOf(server)
  const TableName = `tasks-${process.pid}-${tables++}`
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        {AttributeName: 'task_id', AttributeType: 'S'},
        {AttributeName: 'claude_session_id', AttributeType: 'S'},
      ],
      KeySchema: [{AttributeName: 'task_id', KeyType: 'HASH'}],
      GlobalSecondaryIndexes: [
        {
          IndexName: INDEX,
          KeySchema: [{AttributeName: 'claude_session_id', KeyType: 'HASH'}],
          Projection: {ProjectionType: 'KEYS_ONLY'},
        },
      ],
      ...changes,
    }),
  )
  await waitUntilTableExists({client, minDelay: 1, maxDelay: 1, maxWaitTime: 30}, {TableName})
  client.destroy()
  return TableName
}

export function registryOptions(server: DynamoServer, table: string): DynamoRegistryOptions {
  return {
    table,
    region: REGION,
    endpoint: server.endpoint,
    credentials: server.credentials,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  }
}
