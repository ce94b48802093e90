import {once} from 'node:events'
import {CreateTableCommand, DynamoDBClient} from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'

const TABLE = 'chaos'
const REGION = 'us-east-1'
const CREDENTIALS = {accessKeyId: 'dynaliteaccesskey', secretAccessKey: 'dynalite-secret'}
const INDEX = 'claude_session_id-index'

/**
 * A table of DynamoDB for the leases of a run, in the harness's process.
 *
 * @param {() => number} now the table's clock, ms
 */
export async function startTable(now) {
  const server = dynalite({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
  server.prependListener('request', (_request, response) => {
    response.setHeader('date', new Date(now()).toUTCString())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${server.address().port}`
  const client = new DynamoDBClient({endpoint, region: REGION, credentials: CREDENTIALS})
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
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
    }),
  )
  client.destroy()
  return {
    /** What a process opens it with. */
    facts: {table: TABLE, endpoint, region: REGION, credentials: CREDENTIALS},
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
