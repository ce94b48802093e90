import type * as DynamoDB from '@aws-sdk/client-dynamodb'
import type {Clock} from '../base/clock.js'
import {hasCode} from '../base/errors.js'
import {storeError} from '../object-store/errors.js'
import type {DynamoConnection} from '../registry/dynamodb/connection.js'
import {KEY, SESSION} from '../registry/dynamodb/keys.js'
import {TTL} from '../registry/dynamodb/own-attributes.js'
import {type Asked, known, refused, serviceCode} from './check.js'
import type {TableChange, TableFacts, TableIndex, TableKey} from './table.js'

const LOOKS = 120
const BETWEEN_LOOKS_MS = 1_000

/** The table itself: what it says of itself, and how that is changed. */
export class TableControl {
  readonly #connection: DynamoConnection
  readonly #clock: Clock

  constructor(connection: DynamoConnection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  get name(): string {
    return this.#connection.table
  }

  get index(): string {
    return this.#connection.index
  }

  /** @returns undefined when there is no such table. */
  async facts(): Promise<Asked<TableFacts | undefined>> {
    try {
      const table = await this.#describe()
      const [expiry, backups] = await Promise.all([this.#expiry(), this.#backups()])
      return known({
        keys: keysOf(table.KeySchema, table.AttributeDefinitions),
        indexes: (table.GlobalSecondaryIndexes ?? []).map((index) => indexOf(index, table.AttributeDefinitions)),
        provisioned: (table.ProvisionedThroughput?.ReadCapacityUnits ?? 0) > 0,
        expiry,
        backups,
      })
    } catch (error) {
      if (hasCode(error, 'TABLE_NOT_FOUND')) return known(undefined)
      return refused(error)
    }
  }

  /** Resolves when it can be used. One that somebody else makes at the same time counts as made. */
  async create(): Promise<void> {
    const {sdk} = this.#connection
    const input: DynamoDB.CreateTableCommandInput = {
      TableName: this.name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ATTRIBUTES,
      KeySchema: [{AttributeName: KEY, KeyType: 'HASH'}],
      GlobalSecondaryIndexes: [this.#newIndex()],
    }
    await this.#unlessDone('CreateTable', async (client) => client.send(new sdk.CreateTableCommand(input)))
    await this.#untilActive()
  }

  async apply(change: TableChange): Promise<void> {
    const {sdk} = this.#connection
    if (change.type === 'index') {
      const input: DynamoDB.UpdateTableCommandInput = {
        TableName: this.name,
        AttributeDefinitions: ATTRIBUTES,
        GlobalSecondaryIndexUpdates: [{Create: this.#newIndex()}],
      }
      await this.#unlessDone('UpdateTable', async (client) => client.send(new sdk.UpdateTableCommand(input)))
      await this.#untilActive()
    } else {
      const input = {TableName: this.name, TimeToLiveSpecification: {AttributeName: TTL, Enabled: true}}
      await this.#unlessDone('UpdateTimeToLive', async (client) => client.send(new sdk.UpdateTimeToLiveCommand(input)))
    }
  }

  #newIndex(): DynamoDB.GlobalSecondaryIndex {
    return {
      IndexName: this.index,
      KeySchema: [{AttributeName: SESSION, KeyType: 'HASH'}],
      Projection: {ProjectionType: 'KEYS_ONLY'},
    }
  }

  async #describe(): Promise<DynamoDB.TableDescription> {
    const {sdk} = this.#connection
    const command = new sdk.DescribeTableCommand({TableName: this.name})
    const {Table = {}} = await this.#connection.call('DescribeTable', this.name, async (client) => client.send(command))
    return Table
  }

  async #untilActive(): Promise<void> {
    for (let look = 0; look < LOOKS; look++) {
      const table = await this.#describe().catch((error: unknown) => {
        // What was just made is not known everywhere yet.
        if (!hasCode(error, 'TABLE_NOT_FOUND')) throw error
        return undefined
      })
      if (table?.TableStatus === 'ACTIVE') return
      await this.#clock.sleep(BETWEEN_LOOKS_MS)
    }
    throw storeError(
      'STORE_UNREACHABLE',
      `Table ${this.name} is not ready after ${(LOOKS * BETWEEN_LOOKS_MS) / 1000} s.`,
      {
        suggestions: ['Run reprise init again in some minutes.'],
      },
    )
  }

  async #expiry(): Promise<TableFacts['expiry']> {
    const {sdk} = this.#connection
    const command = new sdk.DescribeTimeToLiveCommand({TableName: this.name})
    return this.#ask('DescribeTimeToLive', async (client) => {
      const {TimeToLiveDescription: {TimeToLiveStatus: status, AttributeName} = {}} = await client.send(command)
      return status === 'ENABLED' || status === 'ENABLING' ? AttributeName : undefined
    })
  }

  async #backups(): Promise<TableFacts['backups']> {
    const {sdk} = this.#connection
    const command = new sdk.DescribeContinuousBackupsCommand({TableName: this.name})
    return this.#ask('DescribeContinuousBackups', async (client) => {
      const {ContinuousBackupsDescription: found} = await client.send(command)
      return found?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED'
    })
  }

  async #ask<T>(operation: string, send: (client: DynamoDB.DynamoDBClient) => Promise<T>): Promise<Asked<T>> {
    try {
      return known(await this.#connection.call(operation, this.name, send))
    } catch (error) {
      return refused(error)
    }
  }

  async #unlessDone(operation: string, send: (client: DynamoDB.DynamoDBClient) => Promise<unknown>): Promise<void> {
    try {
      await this.#connection.call(operation, this.name, send)
    } catch (error) {
      if (serviceCode(error) !== 'ResourceInUseException') throw error
    }
  }
}

const ATTRIBUTES = [KEY, SESSION].map((name) => ({AttributeName: name, AttributeType: 'S' as const}))

function keysOf(
  schema: readonly DynamoDB.KeySchemaElement[] = [],
  attributes: readonly DynamoDB.AttributeDefinition[] = [],
): readonly TableKey[] {
  return schema.map(({AttributeName: name = ''}) => {
    const type = attributes.find(({AttributeName}) => AttributeName === name)?.AttributeType
    return {name, type: type ?? ''}
  })
}

function indexOf(
  {IndexName: name = '', KeySchema, IndexStatus}: DynamoDB.GlobalSecondaryIndexDescription,
  attributes: readonly DynamoDB.AttributeDefinition[] | undefined,
): TableIndex {
  return {name, keys: keysOf(KeySchema, attributes), isActive: IndexStatus === 'ACTIVE'}
}
