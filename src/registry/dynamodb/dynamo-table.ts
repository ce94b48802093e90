import type {AttributeValue, KeysAndAttributes} from '@aws-sdk/client-dynamodb'
import {hasCode} from '../../base/errors.js'
import {storeError} from '../../object-store/errors.js'
import type {Item} from './attributes.js'
import type {DynamoConnection} from './connection.js'
import {KEY, SESSION} from './keys.js'
import {type Change, updateExpression} from './update-expression.js'

/** What one BatchGetItem takes. */
const BATCH = 100

/**
 * Items of one table, of which only attributes of ours are touched: by conditional updates, never by puts or deletes, since an
 * item may be somebody else's. Reads of items are strongly consistent; reads of the index lag.
 */
export class DynamoTable {
  readonly #connection: DynamoConnection

  constructor(connection: DynamoConnection) {
    this.#connection = connection
  }

  get place(): string {
    return this.#connection.place
  }

  async get(
    key: string,
    attributes: readonly string[],
  ): Promise<{readonly item: Item | undefined; readonly date: number}> {
    const {sdk, table} = this.#connection
    const command = new sdk.GetItemCommand({
      TableName: table,
      Key: keyOf(key),
      ConsistentRead: true,
      ...projection(attributes),
    })
    const output = await this.#connection.call('GetItem', key, async (client) => client.send(command))
    return {item: output.Item, date: this.#connection.dateOf(output)}
  }

  /** The service's clock, by the smallest request there is. */
  async date(key: string): Promise<number> {
    const {sdk, table} = this.#connection
    const command = new sdk.GetItemCommand({TableName: table, Key: keyOf(key), ProjectionExpression: KEY})
    return this.#connection.dateOf(await this.#connection.call('GetItem', key, async (client) => client.send(command)))
  }

  /** @returns undefined when the change's expectations did not hold, maybe for an earlier try of it that landed. */
  async update(key: string, change: Change): Promise<{readonly date: number} | undefined> {
    const {sdk, table} = this.#connection
    const command = new sdk.UpdateItemCommand({TableName: table, Key: keyOf(key), ...updateExpression(change)})
    try {
      const output = await this.#connection.call('UpdateItem', key, async (client) => client.send(command))
      return {date: this.#connection.dateOf(output)}
    } catch (error) {
      if (error instanceof sdk.ConditionalCheckFailedException) return undefined
      throw error
    }
  }

  /** @returns by key; what is not there is left out. */
  async getMany(keys: readonly string[], attributes: readonly string[]): Promise<ReadonlyMap<string, Item>> {
    const found = new Map<string, Item>()
    for (let from = 0; from < keys.length; from += BATCH) {
      for (const item of await this.#getBatch(keys.slice(from, from + BATCH), attributes)) {
        const key = item[KEY]?.S
        if (key !== undefined) found.set(key, item)
      }
    }
    return found
  }

  /** Of items that name the session as theirs; none where the table has no index. */
  async keysOfSession(sessionId: string): Promise<readonly string[]> {
    const {sdk, table, index} = this.#connection
    const keys: string[] = []
    let start: Item | undefined
    do {
      const command = new sdk.QueryCommand({
        TableName: table,
        IndexName: index,
        KeyConditionExpression: '#session = :session',
        ExpressionAttributeNames: {'#session': SESSION, '#key': KEY},
        ExpressionAttributeValues: {':session': {S: sessionId}},
        ProjectionExpression: '#key',
        ...(start && {ExclusiveStartKey: start}),
      })
      const output = await this.#connection
        .call('Query', sessionId, async (client) => client.send(command))
        .catch((error: unknown) => {
          if (!hasCode(error, 'INDEX_MISSING')) throw error
          return undefined
        })
      keys.push(...keysIn(output?.Items))
      start = output?.LastEvaluatedKey
    } while (start)
    return keys
  }

  /**
   * Of every item that names a session, page by page. It reads the index, which holds no item without one: what else is in the table,
   * however much, is not looked at.
   *
   * @throws INDEX_MISSING
   */
  async *keysOfSessions(): AsyncIterable<readonly string[]> {
    const {sdk, table, index} = this.#connection
    let start: Item | undefined
    do {
      const command = new sdk.ScanCommand({
        TableName: table,
        IndexName: index,
        ExpressionAttributeNames: {'#key': KEY},
        ProjectionExpression: '#key',
        ...(start && {ExclusiveStartKey: start}),
      })
      const output = await this.#connection.call('Scan', index, async (client) => client.send(command))
      yield keysIn(output.Items)
      start = output.LastEvaluatedKey
    } while (start)
  }

  /** What the service leaves for its size or for want of capacity is asked for again. */
  async #getBatch(keys: readonly string[], attributes: readonly string[]): Promise<readonly Item[]> {
    const items: Item[] = []
    let left: KeysAndAttributes | undefined = {Keys: keys.map(keyOf), ConsistentRead: true, ...projection(attributes)}
    while (left) {
      const answer = await this.#getSome(left)
      items.push(...answer.items)
      left = answer.left
    }
    return items
  }

  async #getSome(
    wanted: KeysAndAttributes,
  ): Promise<{readonly items: readonly Item[]; readonly left: KeysAndAttributes | undefined}> {
    const {sdk, table, place} = this.#connection
    const command = new sdk.BatchGetItemCommand({RequestItems: {[table]: wanted}})
    const asked = wanted.Keys?.length ?? 0
    return this.#connection.call('BatchGetItem', `${asked} items`, async (client) => {
      const {Responses, UnprocessedKeys} = await client.send(command)
      const left = UnprocessedKeys?.[table]
      // A refusal, though it does not look like one: the next try comes at the pace of one.
      if (left?.Keys?.length === asked) {
        throw storeError('STORE_THROTTLED', `BatchGetItem on ${place} brought nothing of what was asked.`)
      }
      return {items: Responses?.[table] ?? [], left}
    })
  }
}

/** Reads pass; what would be written is left out, and nothing of it is read back. */
export class DryRunDynamoTable extends DynamoTable {
  override async update(key: string): Promise<{readonly date: number} | undefined> {
    return {date: await this.date(key)}
  }
}

function keyOf(key: string): Record<string, AttributeValue> {
  return {[KEY]: {S: key}}
}

function keysIn(items: readonly Item[] | undefined): readonly string[] {
  return (items ?? []).flatMap((item) => item[KEY]?.S ?? [])
}

/** An item without any of them is given all the same, by its key. */
function projection(
  attributes: readonly string[],
): Required<Pick<KeysAndAttributes, 'ProjectionExpression' | 'ExpressionAttributeNames'>> {
  const names = Object.fromEntries([KEY, ...attributes].map((name, at) => [`#${at}`, name]))
  return {ProjectionExpression: Object.keys(names).join(', '), ExpressionAttributeNames: names}
}
