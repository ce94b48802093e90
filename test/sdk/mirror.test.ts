import {readFile} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import type {SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import {describe, expect, test} from 'vitest'
import {deferred} from '../../src/base/deferred.js'
import {findClaude, transcriptOf, type Worker} from '../support/claude.js'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {conversation, messagesOf, sessionOf, startQuery, startQueryHost} from './support/query.js'
import {RecordingStore} from './support/recording-store.js'

/** docs/sdk-mirror.md, asked of the SDK that is installed: what our session store relies on. */

const {reason: noClaude} = findClaude()
const TOOLS = 'bash: echo hi;;agent: bash: echo sub,,say: sub done;;say: end'

const typesOf = (entries: readonly SessionStoreEntry[]) => entries.map(({type}) => type)

async function localLines(worker: Worker, sessionId: string): Promise<string[]> {
  const text = await readFile(await transcriptOf(worker, sessionId), 'utf8')
  return text.split('\n').filter((line) => line !== '')
}

describe.skipIf(noClaude)(`the Agent SDK's mirror ${noClaude ?? ''}`, {timeout: 90_000}, () => {
  test.each(['batched', 'eager'] as const)('%s: one append at a time, over all transcripts', async (flush) => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const store = new RecordingStore(async () => delay(30))
    const messages = await messagesOf(startQuery(worker, TOOLS, {sessionStore: store, sessionStoreFlush: flush}))
    const {appends} = store
    expect(appends.map(({besides}) => besides)).toEqual(appends.map(() => 0))
    const subpaths = new Set(appends.map(({subpath}) => subpath))
    expect(subpaths.size).toBe(2)
    expect(appends.every(({entries}) => !Object.isFrozen(entries) && entries.length > 0)).toBe(true)
    expect(new Set(appends.map(({entries}) => entries)).size).toBe(appends.length)
    expect(appends.length >= 8).toBe(flush === 'eager')

    const sessionId = sessionOf(messages)
    const key = {projectKey: await projectKeyFor(worker.cwd), sessionId}
    const mirrored = (await store.inner.load(key)) ?? []
    const lines = await localLines(worker, sessionId)
    const expected = lines.filter((line) => !line.startsWith('{"type":"api-request'))
    expect(mirrored.map((entry) => JSON.stringify(entry))).toEqual(expected)
    expect(expected.length).toBeLessThan(lines.length)

    const [subpath = ''] = await store.inner.listSubkeys(key)
    const own = appends.filter((call) => call.subpath === subpath)
    expect(subpath).toMatch(/^subagents\/agent-/)
    expect(own[0]?.entries[0]?.type).toBe('agent_metadata')
    const alone = own.filter(({entries}) => typesOf(entries).includes('agent_metadata'))
    expect(alone.every(({entries}) => entries.length === 1)).toBe(flush === 'eager')
  })

  test('the result waits for the appends before it, other messages do not', async () => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const gate = deferred<void>()
    const store = new RecordingStore(async (index) => {
      if (index === 0) await gate.promise
    })
    const seen: string[] = []
    const reading = (async () => {
      for await (const {type} of startQuery(worker, 'say: hello', {sessionStore: store})) seen.push(type)
    })()
    await host.model.untilAsked('hello')
    await expect.poll(() => store.appends.length, {timeout: 30_000}).toBe(1)
    await delay(300)
    expect(seen).toContain('assistant')
    expect(seen).not.toContain('result')
    gate.resolve()
    await reading
    expect(seen).toContain('result')
  })

  test('a rejection is tried again after 200 and 800 ms with the same array, then dropped; the next batch is sent', async () => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const store = new RecordingStore(async (index) => {
      if (index < 3) throw new Error(`down ${index}`)
    })
    const messages = await messagesOf(startQuery(worker, 'say: hello', {sessionStore: store}))
    const [first, second, third, next] = store.appends
    expect(first && second?.entries === first.entries && third?.entries === first.entries).toBe(true)
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(190)
    expect((third?.at ?? 0) - (second?.at ?? 0)).toBeGreaterThan(790)
    expect(next?.entries).not.toBe(first?.entries)
    const errors = messages.filter((message) => message.type === 'system' && message.subtype === 'mirror_error')
    const key = {projectKey: await projectKeyFor(worker.cwd), sessionId: sessionOf(messages)}
    expect(errors).toMatchObject([{error: 'down 2', key}])
    const stored = (await store.inner.load(key)) ?? []
    expect(typesOf(stored)).not.toContain('user')
    expect(stored.length).toBeGreaterThan(0)
  })

  test('resume loads main, then subkeys, then each of them, and appends what is new', async () => {
    const host = await startQueryHost()
    const worker = await host.worker()
    const store = new RecordingStore()
    const sessionId = sessionOf(await messagesOf(startQuery(worker, TOOLS, {sessionStore: store})))
    const before = store.calls.length
    const other = {...(await host.worker('other')), cwd: worker.cwd}
    await messagesOf(startQuery(other, 'say: again', {sessionStore: store, resume: sessionId}))
    const calls = store.calls.slice(before)
    expect(calls.slice(0, 3).map(({method}) => method)).toEqual(['load', 'listSubkeys', 'load'])
    expect(calls.slice(0, 3).map(({subpath}) => subpath !== undefined)).toEqual([false, false, true])
    expect(new Set(calls.slice(3).map(({method}) => method))).toEqual(new Set(['append']))
    expect(calls.every(({besides}) => besides === 0)).toBe(true)
    const uuids = store.appends.flatMap(({entries}) => entries.flatMap(({uuid}) => uuid ?? []))
    expect(new Set(uuids).size).toBe(uuids.length)
    expect(host.model.prompts().at(-1)?.join()).toContain('bash: echo hi')
  })

  test('what still comes after the loop: something after break, nothing after abort or the end', async () => {
    const host = await startQueryHost()
    const appendsOf = async (how: 'break' | 'abort' | 'interrupt') => {
      const worker = await host.worker(how)
      const store = new RecordingStore(async () => delay(20))
      const abortController = new AbortController()
      const talk = conversation('bash: echo a;;hold: held')
      const query = startQuery(worker, talk.prompts, {sessionStore: store, abortController})
      try {
        for await (const message of query) {
          if (message.type === 'result') talk.next()
          if (message.type !== 'user') continue
          if (how === 'break') break
          if (how === 'abort') abortController.abort()
          else await query.interrupt()
        }
      } catch {
        // An aborted or interrupted query throws; that is not what is asked here.
      }
      talk.next()
      const inTime = store.appends.length
      // A second and a half is long after what was measured; what is to come is waited for.
      for (let waited = 0; waited < (how === 'break' ? 20_000 : 1500); waited += 50) {
        if (store.appends.length > inTime) break
        await delay(50)
      }
      return {inTime: inTime > 0, late: store.appends.length > inTime}
    }
    const [left, aborted, interrupted] = await Promise.all([
      appendsOf('break'),
      appendsOf('abort'),
      appendsOf('interrupt'),
    ])
    expect(left).toEqual({inTime: true, late: true})
    expect(aborted).toEqual({inTime: true, late: false})
    expect(interrupted).toEqual({inTime: true, late: false})
  })

  test("with another HOME and no CLAUDE_CONFIG_DIR nothing is mirrored, since it looks below the parent's", async () => {
    const host = await startQueryHost()
    const {env, ...worker} = await host.worker()
    const {CLAUDE_CONFIG_DIR: _dir, ...rest} = env
    const store = new RecordingStore()
    const messages = await messagesOf(startQuery({...worker, env: rest}, 'say: hello', {sessionStore: store}))
    expect(messages.at(-1)).toMatchObject({type: 'result', subtype: 'success'})
    expect(store.calls).toEqual([])
  })
})
