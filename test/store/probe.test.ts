import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {storeError} from '../../src/object-store/errors.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {type DeleteResult, type ObjectBody, OVERWRITE, type PutOptions} from '../../src/object-store/object-store.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {FaultyObjectStore, scriptedFaults} from '../../src/testing.js'
import {probeConditions, probeDelete} from '../../src/store/probe.js'

class Deletes extends ObjectStoreDecorator {
  readonly answer: (keys: readonly string[]) => DeleteResult

  constructor(answer: (keys: readonly string[]) => DeleteResult) {
    super(new MemoryObjectStore({clock: systemClock}))
    this.answer = answer
  }

  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    return this.answer(keys)
  }
}

const refusedEach = (keys: readonly string[]): DeleteResult => ({
  failed: keys.map((key) => ({key, code: 'ACCESS_DENIED', message: 'no'})),
  date: 0,
})

describe('whether an identity may delete', () => {
  test('it may, and nothing of the probe stays', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    expect(await probeDelete(store, 'a')).toBe(true)
    expect((await listAll(store, {prefix: ''})).objects).toEqual([])
  })

  test.each([
    [
      'the request is refused',
      () => {
        throw storeError('ACCESS_DENIED', 'no')
      },
    ],
    ['the key is refused', refusedEach],
  ])('it may not where %s: one object stays, however often it is asked', async (_, answer) => {
    const store = new Deletes(answer)
    expect(await probeDelete(store, 'a')).toBe(false)
    expect(await probeDelete(store, 'a')).toBe(false)
    const {objects} = await listAll(store, {prefix: ''})
    expect(objects.map(({key}) => key)).toEqual([expect.stringMatching(/^\.reprise\/probe\/delete-[0-9a-f]{16}$/)])
  })

  test('a store that does not answer says nothing about it', async () => {
    const store = new Deletes(() => {
      throw storeError('STORE_UNREACHABLE', 'gone')
    })
    await expect(probeDelete(store, 'a')).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  })
})

/** As rclone and Garage. */
class Unconditional extends MemoryObjectStore {
  override async put(key: string, body: ObjectBody, options: PutOptions) {
    return super.put(key, body, {...options, mode: OVERWRITE})
  }
}

/** Of the first write the answer gets lost. */
const losing = (memory: MemoryObjectStore) => {
  const clock = {...systemClock, sleep: async () => undefined}
  const plan = scriptedFaults([{kind: 'fail-after', operation: 'put'}])
  return new RetryingObjectStore(new FaultyObjectStore(memory, {clock, plan}), {clock, random: systemRandom})
}

describe('whether conditions hold', () => {
  test('they do, also when the answer to the one who won got lost', async () => {
    const memory = new MemoryObjectStore({clock: systemClock})
    expect(await probeConditions(memory, systemRandom)).toBe(true)
    expect(await probeConditions(losing(memory), systemRandom)).toBe(true)
    expect((await listAll(memory, {prefix: ''})).objects).toEqual([])
  })

  test('they do not where several win', async () => {
    const memory = new Unconditional({clock: systemClock})
    expect(await probeConditions(memory, systemRandom)).toBe(false)
    expect(await probeConditions(losing(memory), systemRandom)).toBe(false)
  })
})
