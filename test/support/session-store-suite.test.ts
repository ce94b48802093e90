import {InMemorySessionStore} from '@anthropic-ai/claude-agent-sdk'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {ReferenceAdapter} from './reference-adapter.js'
import {
  type SessionStoreCase,
  sessionStoreCases,
  type SessionStoreTag,
  type StoreUnderTest,
} from './session-store-suite.js'

const asTarget = (store: StoreUnderTest, again: () => StoreUnderTest) => ({
  store,
  again: async () => again(),
  cleanup: async () => {},
})

const openSdkMemory = async () => {
  const store = new InMemorySessionStore()
  return asTarget(store, () => store)
}

class WithoutSummaries extends ReferenceAdapter {
  async listSessionSummaries() {
    return []
  }
}

/** Two parts of one millisecond have no order in that layout, so its clock never shows the same twice. */
const openReference = async () => {
  const objects = new MemoryObjectStore({clock: systemClock})
  let last = 0
  const now = () => {
    last = Math.max(Date.now(), last + 1)
    return last
  }
  const open = () => new WithoutSummaries(objects, now)
  return asTarget(open(), open)
}

const without = (...tags: SessionStoreTag[]) =>
  sessionStoreCases().filter((each) => !each.tags.some((tag) => tags.includes(tag)))
const only = (tag: SessionStoreTag) => sessionStoreCases().filter(({tags}) => tags.length === 1 && tags[0] === tag)

const failures = async (cases: readonly SessionStoreCase[], open: Parameters<SessionStoreCase['run']>[0]) => {
  const names: string[] = []
  for (const {name, run} of cases) {
    const failed = await run(open).then(
      () => false,
      () => true,
    )
    if (failed) names.push(name)
  }
  return names
}

describe('the session store suite', () => {
  for (const {name, run} of without('detached', 'idempotent', 'checked-keys', 'closing')) {
    test(`the SDK's store in memory: ${name}`, async () => {
      await expect(run(openSdkMemory)).resolves.toBeUndefined()
    })
  }

  for (const {name, run} of without('idempotent', 'checked-keys', 'summaries', 'closing')) {
    test(`a store of the reference layout: ${name}`, async () => {
      await expect(run(openReference)).resolves.toBeUndefined()
    })
  }

  test('catches a store that does not do what a tag names', async () => {
    for (const tag of ['detached', 'idempotent', 'checked-keys', 'closing'] as const) {
      const cases = only(tag)
      expect(await failures(cases, openSdkMemory), tag).toEqual(cases.map(({name}) => name))
    }
    expect(await failures(only('summaries'), openReference)).not.toEqual([])
  })

  test('names every case once', () => {
    const names = sessionStoreCases().map(({name}) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})
