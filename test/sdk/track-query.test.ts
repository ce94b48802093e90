import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {trackTask} from '../../src/library/track-task.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {findClaude} from '../support/claude.js'
import {conversation, startQuery, startQueryHost} from './support/query.js'

const {reason: noClaude} = findClaude()

function newRegistry(): StoreRegistry {
  const store = new MemoryObjectStore({clock: systemClock})
  return new StoreRegistry({store, clock: systemClock, random: systemRandom})
}

describe.skipIf(noClaude)(`a task, while the SDK's real query works on it ${noClaude ?? ''}`, {timeout: 90_000}, () => {
  test('is known while the model still thinks, can be interrupted, and shows how it ended', async () => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const registry = newRegistry()
    const talk = conversation('hold: held')
    const tracked = trackTask(startQuery(worker, talk.prompts, {}), {registry, taskId: 'T'})
    const reading = (async () => {
      for await (const message of tracked) if (message.type === 'result') talk.next()
    })().catch(() => undefined)
    await host.model.untilAsked('held')
    await expect.poll(async () => registry.find('task', 'T'), {timeout: 10_000}).toMatchObject({status: 'running'})
    await tracked.interrupt()
    await reading
    const entry = await registry.find('task', 'T')
    expect(entry).toMatchObject({status: 'failed', cwd: worker.cwd, agent: 'claude'})
    expect(entry?.durationMs).toBeGreaterThan(0)
  })

  test('follows a conversation over its turns, and over /clear to the next session', async () => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const registry = newRegistry()
    const talk = conversation('say: one', 'say: two', '/clear', 'say: three')
    const sessions = new Set<string>()
    let durations: number[] = []
    const facts = {store: 'memory:'}
    for await (const message of trackTask(startQuery(worker, talk.prompts, {}), {registry, taskId: 'T', facts})) {
      if (message.type === 'system' && message.subtype === 'init') {
        if (!sessions.has(message.session_id)) durations = []
        sessions.add(message.session_id)
      }
      if (message.type !== 'result') continue
      durations.push(message.duration_ms)
      talk.next()
    }
    const [first, last] = sessions
    const durationMs = durations.reduce((sum, each) => sum + each, 0)
    const expected = {sessionId: last, earlier: [first], status: 'ended', store: 'memory:', durationMs}
    const entry = await registry.find('task', 'T')
    expect(entry).toMatchObject(expected)
    expect(entry?.costUsd).toBeGreaterThan(0)
    expect(sessions.size).toBe(2)
  })
})
