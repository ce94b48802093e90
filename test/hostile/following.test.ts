import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {keysOf, textOf} from '../e2e/support/places.js'
import {type Running, Sandbox, until} from './support/sandbox.js'

interface TaskRecord {
  readonly sessionId: string
  readonly status: string
}

async function taskOf(store: ObjectStore): Promise<TaskRecord> {
  const {sessionId, status} = JSON.parse(await textOf(store, '.reprise/tasks/T.json')) as TaskRecord
  return {sessionId, status}
}

async function partsOf(store: ObjectStore, sessionId: string): Promise<readonly string[]> {
  return (await keysOf(store)).filter((key) => key.includes(`/${sessionId}/part-`))
}

/** Stderr as far as it has come. */
function toldBy(running: Running): () => string {
  let told = ''
  running.process.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()))
  return () => told
}

async function begun(here: Sandbox): Promise<string> {
  const ran = await here.run(['run', '--task', 'T'])
  expect(ran.exitCode, ran.all).toBe(0)
  return (await taskOf(here.fileStore())).sessionId
}

describe('a task follows to a fork', () => {
  test('not before the fork has a line', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const first = await begun(here)
    const stop = join(here.outside, 'stop')
    await writeFile(stop, '')
    const ran = await here.run(['resume', 'T', '--fork'], {env: {FAKE_STOP: stop}})
    expect(ran.exitCode, ran.all).toBe(0)
    expect((await taskOf(here.fileStore())).sessionId).toBe(first)
  })

  test('when its first line is stored, and not only at its end', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const store = here.fileStore()
    const first = await begun(here)
    const stop = join(here.outside, 'stop')
    const running = here.start(['resume', 'T', '--fork'], {env: {FAKE_STOP: stop}})
    await until(async () => (await taskOf(store)).sessionId !== first)
    const {sessionId, status} = await taskOf(store)
    expect(status).toBe('running')
    expect((await partsOf(store, sessionId)).length).toBeGreaterThan(0)
    await writeFile(stop, '')
    expect((await running.done).exitCode).toBe(0)
    expect(await taskOf(store)).toEqual({sessionId, status: 'ended'})
  })

  test('without a lease too', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const first = await begun(here)
    const ran = await here.run(['run', '--task', 'T', '--if-exists', 'fork', '--no-lease'])
    expect(ran.exitCode, ran.all).toBe(0)
    const after = await taskOf(here.fileStore())
    expect(after.sessionId).not.toBe(first)
    expect(after.status).toBe('ended')
  })
})

describe('run in a session that another worker has', () => {
  test('waits with --wait, and is refused without', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {store} = await here.useS3()
    await using there = await here.another()
    const stop = join(here.outside, 'stop')
    const running = here.start(['run', '--task', 'T'], {env: {FAKE_STOP: stop}})
    await until(async () => (await keysOf(store)).some((key) => key.includes('/part-')))
    const goOn = ['run', '--task', 'T', '--if-exists', 'resume']
    expect(await there.run(goOn)).toMatchObject({exitCode: 4, all: expect.stringContaining('LEASE_HELD')})
    const waiting = there.start([...goOn, '--wait', '30s'])
    const told = toldBy(waiting)
    await until(() => told().includes('waiting for it'))
    await writeFile(stop, '')
    expect((await running.done).exitCode).toBe(0)
    const ended = await waiting.done
    expect(ended.exitCode, ended.all).toBe(0)
  })

  test('takes it over with --force', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {store} = await here.useS3()
    await using there = await here.another()
    const stop = join(here.outside, 'stop')
    const running = here.start(['run', '--task', 'T'], {env: {FAKE_STOP: stop}})
    await until(async () => (await keysOf(store)).some((key) => key.includes('/part-')))
    const taken = await there.run(['run', '--task', 'T', '--if-exists', 'resume', '--force'])
    expect(taken.exitCode, taken.all).toBe(0)
    await writeFile(stop, '')
    expect((await running.done).exitCode).toBe(4)
  })

  test('whoever waited for a session that was only promised goes on in it', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {server, store} = await here.useS3()
    await using there = await here.another()
    const stop = join(here.outside, 'stop')
    server.faults.add({fault: {type: 'delay', beforeMs: 2_000}, when: {operation: 'PutObject', keyPattern: '/part-'}})
    const running = here.start(['run', '--task', 'T'], {env: {FAKE_STOP: stop}})
    await until(async () => (await keysOf(store, '.reprise/tasks/')).length > 0)
    const waiting = there.start(['resume', 'T', '--wait', '30s'])
    const told = toldBy(waiting)
    await until(() => told().includes('waiting for it'))
    expect((await keysOf(store)).some((key) => key.includes('/part-'))).toBe(false)
    await writeFile(stop, '')
    expect((await running.done).exitCode).toBe(0)
    const ended = await waiting.done
    expect(ended.exitCode, ended.all).toBe(0)
    expect(ended.stderr).not.toContain('it begins now')
    const {sessionId} = await taskOf(store)
    expect(await there.read(sessionId)).toContain((await here.read(sessionId)).trimEnd())
  })
})
