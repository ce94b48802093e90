import * as fc from 'fast-check'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {systemClock} from '../../../src/base/system.js'
import {RepriseError} from '../../../src/base/errors.js'
import {listAll} from '../../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../../src/object-store/memory.js'
import {CREATE, type ObjectStore, OVERWRITE, type PutMode} from '../../../src/object-store/object-store.js'
import {bytes, fileStore, tempDirectory, text} from './support.js'

/** Keys of which none is another's folder, and that sort differently in a tree and as text. */
const KEYS = ['a', 'a-x/1', 'a-x/2', 'b.c', 'b/c', 'b/d/e', '%v', 'é'] as const

const key = fc.constantFrom(...KEYS)
const content = fc.constantFrom('', 'one', 'two')
const by = fc.constantFrom('A', 'B')
const mode = fc.constantFrom('create', 'overwrite', 'update', 'stale')
const operation = fc.oneof(
  {weight: 6, arbitrary: fc.record({type: fc.constant('put' as const), key, content, by, mode})},
  {weight: 1, arbitrary: fc.record({type: fc.constant('copy' as const), from: key, key, by, mode})},
  {
    weight: 3,
    arbitrary: fc.record({type: fc.constant('delete' as const), keys: fc.array(key, {minLength: 1, maxLength: 3})}),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('list' as const),
      prefix: fc.constantFrom('', 'a', 'b/', 'b'),
      pageSize: fc.nat(3),
    }),
  },
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

interface Seen {
  readonly etag: string
  readonly text: string
  /** How often the key had been deleted before. */
  readonly life: number
}

/** One store and the etags that a caller of it has seen. */
class Subject {
  readonly #store: ObjectStore
  readonly #seen = new Map<string, Seen[]>()
  readonly #lives = new Map<string, number>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async apply(operation: Operation): Promise<unknown> {
    try {
      return await this.#run(operation)
    } catch (error) {
      if (error instanceof RepriseError) return error.code
      throw error
    }
  }

  async state(): Promise<unknown> {
    const {objects} = await listAll(this.#store, {prefix: ''})
    return Promise.all(
      objects.map(async ({key, etag, size}) => {
        const head = await this.#store.head(key)
        return {
          key,
          size,
          sameEtag: head?.etag === etag,
          metadata: head?.metadata,
          text: await text(this.#store, key, {ifMatch: etag}),
        }
      }),
    )
  }

  async #run(operation: Operation): Promise<unknown> {
    switch (operation.type) {
      case 'put': {
        const options = {mode: this.#mode(operation), metadata: {by: operation.by}}
        await this.#see(operation.key, await this.#store.put(operation.key, bytes(operation.content), options))
        return 'done'
      }
      case 'copy': {
        const options = {mode: this.#mode(operation), metadata: {by: operation.by}}
        await this.#see(operation.key, await this.#store.copy(operation.from, operation.key, options))
        return 'done'
      }
      case 'delete':
        for (const key of operation.keys) this.#lives.set(key, this.#life(key) + 1)
        return (await this.#store.delete(operation.keys)).failed
      case 'list': {
        const {prefix, pageSize} = operation
        const {objects, prefixes} = await listAll(this.#store, {prefix, delimiter: '/', pageSize: pageSize + 1})
        return [objects.map((object) => object.key), prefixes]
      }
    }
  }

  #mode(operation: {readonly key: string; readonly mode: 'create' | 'overwrite' | 'update' | 'stale'}): PutMode {
    if (operation.mode === 'create') return CREATE
    if (operation.mode === 'overwrite') return OVERWRITE
    const seen = this.#seen.get(operation.key) ?? []
    const last = seen.at(-1)
    // The etag of the same bytes before a delete may be the one of those that were created after it.
    const stale = seen.findLast((each) => each !== last && (each.text !== last?.text || each.life === last.life))
    return {type: 'update', etag: (operation.mode === 'update' ? last : stale)?.etag ?? 'never seen'}
  }

  async #see(key: string, {etag}: {readonly etag: string}): Promise<void> {
    const seen = {etag, text: await text(this.#store, key), life: this.#life(key)}
    this.#seen.set(key, [...(this.#seen.get(key) ?? []), seen])
  }

  #life(key: string): number {
    return this.#lives.get(key) ?? 0
  }
}

test('the file store does what the memory store does', async () => {
  const parent = await tempDirectory()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operation, {minLength: 1, maxLength: 25, size: 'max'}), async (operations) => {
      const directory = join(parent, String(runs++))
      const file = new Subject(fileStore(directory))
      const memory = new Subject(new MemoryObjectStore({clock: systemClock}))
      for (const operation of operations) {
        expect(await file.apply(operation)).toEqual(await memory.apply(operation))
      }
      expect(await new Subject(fileStore(directory)).state()).toEqual(await memory.state())
      await rm(directory, {recursive: true, force: true})
    }),
    {numRuns: 40},
  )
}, 120_000)
